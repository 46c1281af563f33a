"""What a rewrite is: from what was said to what is searched for."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from langchain_core.language_models import LanguageModelLike
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from langchain_switchyard.retrieval.reply import said

_logger = logging.getLogger(__name__)

_LAST_MESSAGES = 6
_LONGEST_MESSAGE = 1_000


class Queries(list[str]):
    """Queries to search for; the first is what is meant, and what a reranker reads.

    Attributes:
        notes: What the caller should know: a model that failed, a reply without a query.
    """

    def __init__(self, queries: Iterable[str] = (), notes: Iterable[str] = ()) -> None:
        """Keep queries and notes together."""
        super().__init__(queries)
        self.notes = tuple(notes)


@runtime_checkable
class QueryRewrite(Protocol):
    """Tells what to search for. A plain function ``(query, history) -> queries`` does as well.

    Asynchronous searches use its ``arewrite``, if it has one, and a thread if not.
    """

    def rewrite(self, query: str, history: Sequence[BaseMessage] = ()) -> Sequence[str]:
        """Return queries, the one that is meant first.

        Args:
            query: What the user says now.
            history: The messages before it, oldest first.
        """
        ...


class ModelRewrite(ABC):
    """A rewrite that asks a chat model; when it fails, the plain query is searched for.

    Args:
        model: Any chat model, or a runnable around one; a cheap one will do.
    """

    name: ClassVar[str]
    """In notes, in the log, and as the model's run in traces."""

    def __init__(self, model: LanguageModelLike) -> None:
        """Keep the model."""
        # Tagged: what it writes must never show up in the answer's stream.
        self._model = model.with_config(tags=["nostream"], run_name=self.name)

    def rewrite(self, query: str, history: Sequence[BaseMessage] = ()) -> Queries:
        """Return queries; see ``QueryRewrite``."""
        try:
            reply = self._model.invoke(self._messages(query, history))
        except Exception as error:  # noqa: BLE001 - whatever a provider raises: degrade, and say so.
            return self._failed(query, history, error)
        return self._read(said(reply), query, history)

    async def arewrite(self, query: str, history: Sequence[BaseMessage] = ()) -> Queries:
        """Do the same without blocking the event loop."""
        try:
            reply = await self._model.ainvoke(self._messages(query, history))
        except Exception as error:  # noqa: BLE001 - as above.
            return self._failed(query, history, error)
        return self._read(said(reply), query, history)

    @abstractmethod
    def _task(self) -> str:
        """What the model is told to do."""

    @abstractmethod
    def _read(self, reply: str, query: str, history: Sequence[BaseMessage]) -> Queries:
        """Queries out of a reply."""

    def _instead(self, query: str, history: Sequence[BaseMessage]) -> list[str]:
        """What is searched for without the model."""
        del history
        return [query]

    def _messages(self, query: str, history: Sequence[BaseMessage]) -> list[BaseMessage]:
        return [SystemMessage(self._task()), HumanMessage(_case(query, history))]

    def _failed(self, query: str, history: Sequence[BaseMessage], error: Exception) -> Queries:
        _logger.warning("%s failed; the search goes on without it", self.name, exc_info=error)
        note = (
            f"{self.name}: the model failed ({type(error).__name__}); the search goes on without it"
        )
        return Queries(self._instead(query, history), [note])

    def _useless(self, query: str, history: Sequence[BaseMessage], reply: str) -> Queries:
        _logger.warning("%s found no query in the reply %.80r", self.name, reply)
        note = f"{self.name}: the model's reply held no query, the search goes on without it"
        return Queries(self._instead(query, history), [note])


def _case(query: str, history: Sequence[BaseMessage]) -> str:
    lines = [
        f"{'user' if isinstance(message, HumanMessage) else 'assistant'}: "
        f"{message.text[:_LONGEST_MESSAGE]}"
        for message in history[-_LAST_MESSAGES:]
        if isinstance(message, HumanMessage | AIMessage) and message.text
    ]
    before = "<conversation>\n" + "\n".join(lines) + "\n</conversation>\n" if lines else ""
    return f"{before}<query>\n{query}\n</query>"
