"""What travels through the assistant: plain values, which every checkpointer can keep.

Only `messages`, `topic` and `told` outlive a turn; the rest is set anew by the first node.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from langchain_core.messages import AnyMessage
from langgraph.channels import UntrackedValue
from langgraph.graph.message import add_messages

# Before Python 3.12 the one of `typing` has no schema and cannot stand beside LangGraph's states.
from typing_extensions import TypedDict

from langchain_switchyard.conversation import IntentType, Language

Update = dict[str, Any]
"""What a node returns: the keys of the state that it changes."""

Step = Literal["retrieve", "generate", "end"]
"""Where a turn goes after its answer was evaluated."""


class IntentRecord(TypedDict):
    """What the last message is for; see `conversation.Intent`."""

    intent_type: IntentType
    confidence: float
    language: Language
    reason: str


class SourceRecord(TypedDict):
    """One passage given to the model."""

    n: int
    """What an answer cites: `[1]`."""
    id: str
    source: str
    heading: str
    line: int | None
    """Line in the source where the passage begins, from 1; None if the loader gave none."""
    page: int | None
    text: str
    score: float | None
    """Comparable within one search only; None if the retriever gives none."""


class CitationRecord(TypedDict):
    """One source that the answer names."""

    n: int
    source: str
    heading: str
    line: int | None
    page: int | None


class RetrievalState(TypedDict, total=False):
    """What `retrieval_node` reads and sets; put it beside whatever else your state has.

    ```python
    class State(MessagesState, RetrievalState): ...
    ```
    """

    query: str
    """What to search for; if there is none, the user's last message."""
    sources: list[SourceRecord]
    """What was found, set anew by each search."""


class VerdictRecord(TypedDict):
    """What the evaluator found; see `quality.Verdict`."""

    accepted: bool
    reason: str
    remedy: str
    score: float | None
    groundedness: float | None
    relevance: float | None
    abstained: bool
    unsupported: list[str]
    broken_citations: list[int]
    evaluator: str


class Draft(TypedDict):
    """An answer that was not accepted, kept in case the next one is worse."""

    message: dict[str, Any]
    sources: list[SourceRecord]
    citations: list[CitationRecord]
    quality: VerdictRecord


class AssistantInput(TypedDict):
    """What a turn begins with: the user's message, last."""

    messages: Annotated[list[AnyMessage], add_messages]


class AssistantOutput(TypedDict, total=False):
    """What a turn ends with."""

    messages: Annotated[list[AnyMessage], add_messages]
    """The thread; the answer is last."""
    intent: IntentRecord
    query: str
    """What was searched for."""
    sources: list[SourceRecord]
    citations: list[CitationRecord]
    quality: VerdictRecord | None
    attempts: int
    """Answers generated in this turn."""


class AssistantState(AssistantOutput, total=False):
    """All of it."""

    topic: str
    """What the thread is about: its last question that stands by itself."""
    told: list[str]
    """Ids of sources cited under this topic: going on means to tell others."""
    searched: bool
    """Whether the documents were searched in this turn."""
    draft: Draft | None
    step: Step
    notice: Annotated[Any, UntrackedValue]
    """A reset chunk on its way to whoever streams; never stored."""
