"""Tokens come from `generate` alone, each exactly once, and what is taken back is announced."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langgraph.checkpoint.memory import InMemorySaver

from langchain_switchyard import ChatSwitchyard, Deployment
from langchain_switchyard.conversation import Intent
from langchain_switchyard.graph import build_assistant
from langchain_switchyard.graph.assistant import Assistant
from langchain_switchyard.quality import Exchange, JudgeEvaluator, Verdict
from langchain_switchyard.retrieval import HybridRetriever
from langchain_switchyard.testing import Say, ScriptedChatModel

QUESTION = {"messages": [("user", "How long do refunds take?")]}
GOOD = "Refunds are paid within five working days of the return. [1]"
INVENTED = "Chocolate elephants arrive every 77 Tuesdays by moon rocket."

Chunks = list[tuple[AIMessageChunk, dict]]


class Sinking:
    """Rejects everything, the later the more."""

    def __init__(self) -> None:
        """Begin in the middle."""
        self.score = 0.5

    def evaluate(self, exchange: Exchange) -> Verdict:
        """Reject."""
        self.score -= 0.1
        return Verdict(accepted=False, reason="no", remedy="regenerate", score=self.score)


async def heard(assistant: Assistant) -> str:
    """What a reader of events ends up with, by the recipe of the documentation."""
    shown = ""
    async for event in assistant.astream_events(QUESTION, version="v2"):
        if event["name"] == "switchyard_reset":
            shown = event["data"]["text"]
        elif event["event"] == "on_chat_model_stream" and "nostream" not in event.get("tags", []):
            chunk = event["data"]["chunk"]
            shown = chunk.text if is_reset(chunk) else shown + chunk.text
    return shown


async def streamed(assistant: Assistant, mode: str, config: dict | None = None) -> Chunks:
    """All chunks of one turn, with their metadata."""
    if mode == "sync":
        return list(assistant.stream(QUESTION, config, stream_mode="messages"))
    return [chunk async for chunk in assistant.astream(QUESTION, config, stream_mode="messages")]


def is_reset(chunk: AIMessageChunk) -> bool:
    """Whether a chunk takes back what came before it."""
    return bool(chunk.response_metadata.get("switchyard", {}).get("reset"))


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_every_token_is_streamed_exactly_once_and_by_generate(
    mode: str, scripted: Callable, library: HybridRetriever
) -> None:
    """Through the router, in a graph, with an evaluator after it."""
    model, _ = scripted(Say(GOOD, chunks=7))

    chunks = await streamed(build_assistant(model, retriever=library), mode)

    pieces = [chunk.text for chunk, _ in chunks if chunk.text]
    assert pieces == [GOOD[at : at + 7] for at in range(0, len(GOOD), 7)]
    assert {data["langgraph_node"] for _, data in chunks} == {"generate"}
    assert not any(is_reset(chunk) for chunk, _ in chunks)


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_what_the_tracker_and_the_judge_say_is_never_heard(
    mode: str, scripted: Callable, library: HybridRetriever
) -> None:
    """Even if they ask a model that streams and know nothing of tags."""
    aside = ScriptedChatModel(script=["TALK OF THE TRACKER"])

    class AskingTracker:
        """A tracker that asks a model."""

        def track(self, message, history):
            aside.invoke(message)
            return Intent("question", 0.9, "en")

    judge = JudgeEvaluator(ScriptedChatModel(script=["PASS - TALK OF THE JUDGE"]), zone=(0, 1))
    model, _ = scripted(GOOD)
    assistant = build_assistant(model, retriever=library, tracker=AskingTracker(), evaluator=judge)

    text = "".join(chunk.text for chunk, _ in await streamed(assistant, mode))

    assert len(aside.calls) == 1
    assert text == GOOD


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_rejected_answer_is_taken_back_before_the_next_begins(
    mode: str, scripted: Callable, library: HybridRetriever
) -> None:
    """Readers discard by the marker; sums forget by themselves."""
    model, _ = scripted(INVENTED, GOOD)
    assistant = build_assistant(model, retriever=library)

    chunks = [chunk for chunk, _ in await streamed(assistant, mode)]

    [reset] = [place for place, chunk in enumerate(chunks) if is_reset(chunk)]
    assert "".join(chunk.text for chunk in chunks[:reset]) == INVENTED
    assert "".join(chunk.text for chunk in chunks[reset:]) == GOOD
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    assert total.text == GOOD


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_better_draft_that_comes_back_is_announced_and_streamed_whole(
    mode: str, scripted: Callable, library: HybridRetriever
) -> None:
    """The end of the stream and the end of the thread agree."""
    model, _ = scripted("first", "second")

    assistant = build_assistant(
        model, retriever=library, evaluator=Sinking(), checkpointer=InMemorySaver()
    )
    thread = {"configurable": {"thread_id": "t"}}

    chunks = [chunk for chunk, _ in await streamed(assistant, mode, thread)]

    last = max(place for place, chunk in enumerate(chunks) if is_reset(chunk))
    assert "".join(chunk.text for chunk in chunks[last:]) == "first"
    state = assistant.get_state(thread).values
    assert [message.text for message in state["messages"]][1:] == ["first"]
    assert not state["quality"]["accepted"]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_stream_that_breaks_goes_on_with_the_next_deployment(
    mode: str, library: HybridRetriever
) -> None:
    """The router's own reset reaches the reader, and the thread holds the whole answer."""
    dying = ScriptedChatModel(script=[Say("Refunds are paid never ever", cut_after=3)])
    healthy = ScriptedChatModel(script=[GOOD])
    model = ChatSwitchyard(
        deployments=[Deployment(dying, id="dying"), Deployment(healthy, id="healthy", tier=1)]
    )
    assistant = build_assistant(model, retriever=library, checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "t"}}

    chunks = [chunk for chunk, _ in await streamed(assistant, mode, thread)]

    last = max(place for place, chunk in enumerate(chunks) if is_reset(chunk))
    assert "".join(chunk.text for chunk in chunks[last:]) == GOOD
    answer = assistant.get_state(thread).values["messages"][-1]
    assert isinstance(answer, AIMessage)
    assert answer.text == GOOD
    assert answer.response_metadata["switchyard"]["deployment"] == "healthy"


async def test_readers_of_events_end_up_with_the_accepted_answer(
    scripted: Callable, library: HybridRetriever
) -> None:
    """The rejected one came by as tokens, and a judge talks: neither is left."""
    model, _ = scripted(INVENTED, GOOD)
    says = ["FAIL - TALK OF THE JUDGE", "PASS - TALK OF THE JUDGE"]
    judge = JudgeEvaluator(ScriptedChatModel(script=says), zone=(0, 1))

    assert await heard(build_assistant(model, retriever=library, evaluator=judge)) == GOOD


async def test_readers_of_events_are_given_the_better_draft_that_comes_back(
    scripted: Callable, library: HybridRetriever
) -> None:
    """No model says it again: it stands in the event."""
    model, _ = scripted("first", "second")
    assistant = build_assistant(model, retriever=library, evaluator=Sinking())

    assert await heard(assistant) == "first"


async def test_an_accepted_answer_is_no_event(scripted: Callable, library: HybridRetriever) -> None:
    """Nothing is taken back."""
    model, _ = scripted(GOOD)
    assistant = build_assistant(model, retriever=library)

    names = {event["name"] async for event in assistant.astream_events(QUESTION, version="v2")}

    assert "generate" in names
    assert "switchyard_reset" not in names
