"""A stream breaks after text was shown: what each consumer ends up with, by default.

Nobody may end up with a mixed text presented as a whole.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages

from langchain_switchyard import (
    CallOptions,
    ChatSwitchyard,
    ConfigurationError,
    Deployment,
    StreamInterrupted,
    Traits,
)
from langchain_switchyard.routing.caller import Caller
from langchain_switchyard.routing.recovery import resolve
from langchain_switchyard.testing import CallTool, Say
from tests.unit_tests.routing.fleet import asked, fleet, scripted, story

BROKEN = Say("one two three four", cut_after=2)
WHOLE = "fünf sechs 七八"
RESTART = CallOptions(recovery="restart")


def breaking(**settings: Any) -> ChatSwitchyard:
    """A router whose first deployment breaks after two words."""
    return fleet(scripted("a", BROKEN), scripted("b", WHOLE), **settings)


def is_reset(chunk: Any) -> bool:
    return bool(chunk.response_metadata.get("switchyard", {}).get("reset"))


# --- Consumers of plain text: an error that carries what was shown ---


async def test_plain_astream_gets_an_error_with_the_partial_text():
    """Text that was handed out cannot be taken back."""
    seen = ""
    with pytest.raises(StreamInterrupted) as caught:
        async for chunk in breaking().astream("hi"):
            seen += chunk.text

    assert caught.value.partial == seen
    assert "one" in seen
    assert "fünf" not in seen
    assert [attempt.deployment_id for attempt in caught.value.attempts] == ["a"]


def test_plain_stream_gets_an_error_with_the_partial_text():
    """The same without an event loop."""
    seen = ""
    with pytest.raises(StreamInterrupted) as caught:
        for chunk in breaking().stream("hi"):
            seen += chunk.text

    assert caught.value.partial == seen


async def test_string_parser_chain_gets_an_error():
    """`model | StrOutputParser()` hands out strings: no marker could reach the reader."""
    chain = breaking() | StrOutputParser()
    seen = ""
    with pytest.raises(StreamInterrupted) as caught:
        async for text in chain.astream("hi"):
            seen += text

    assert seen == caught.value.partial


def test_sync_string_parser_chain_gets_an_error():
    """The same without an event loop."""
    with pytest.raises(StreamInterrupted):
        list((breaking() | StrOutputParser()).stream("hi"))


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_astream_events_gets_an_error(version):
    """The events of a bare stream end in the same error."""
    with pytest.raises(StreamInterrupted):
        async for _ in breaking().astream_events("hi", version=version):
            pass


async def test_event_protocol_v3_gets_an_error_even_when_restart_is_asked_for():
    """The content-block protocol has no word for "forget that"."""
    for model in (breaking(), breaking(recovery="restart")):
        stream = await model.astream_events("hi", version="v3")
        with pytest.raises(StreamInterrupted):
            async for _ in stream:
                pass


# --- Consumers whose chunks are summed for them: the whole new answer ---


def graph_over(model: ChatSwitchyard) -> Any:
    async def answer(state: MessagesState) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    return graph.compile()


async def test_ainvoke_inside_a_streaming_graph_restarts_and_the_state_is_whole():
    """Chunks of both, a marker between, one id; the state holds exactly the new answer."""
    chunks: list[AIMessageChunk] = []
    final: Any = None
    async for mode, part in graph_over(breaking()).astream(
        {"messages": [HumanMessage("hi")]}, stream_mode=["messages", "values"]
    ):
        if mode == "messages":
            chunks.append(part[0])
        else:
            final = part

    assert final["messages"][-1].text == WHOLE
    assert type(final["messages"][-1]) is AIMessage
    assert len(final["messages"]) == 2
    assert {chunk.id for chunk in chunks} == {final["messages"][-1].id}
    assert [is_reset(chunk) for chunk in chunks].count(True) == 1
    assert functools.reduce(operator.add, chunks).text == WHOLE


async def test_an_interface_that_obeys_the_marker_shows_the_whole_answer():
    """Whoever reads chunks one by one discards what came before the marker."""
    shown = ""
    async for chunk, _ in graph_over(breaking()).astream(
        {"messages": [HumanMessage("hi")]}, stream_mode="messages"
    ):
        shown = "" if is_reset(chunk) else shown + chunk.text

    assert shown == WHOLE


async def test_add_messages_ends_up_with_the_whole_answer():
    """The reducer replaces by id; nothing of the first attempt stays."""
    messages: Any = []
    total: Any = None
    async for chunk in breaking().astream("hi", switchyard=RESTART):
        total = chunk if total is None or is_reset(chunk) else total + chunk
        messages = add_messages(messages, [total])

    assert [message.text for message in messages] == [WHOLE]


async def test_create_agent_answers_whole_while_streaming():
    """Also after a tool call, and with usage counted once."""

    @tool
    def search(q: str) -> str:
        """Search."""
        return "found " + q

    first = scripted("a", CallTool("search", {"q": "天气"}), BROKEN)
    second = scripted("b", WHOLE)
    agent = create_agent(fleet(first, second), [search])
    tokens: list[Any] = []
    final: Any = None
    async for mode, part in agent.astream(
        {"messages": [HumanMessage("hi")]}, stream_mode=["messages", "values"]
    ):
        if mode == "messages":
            tokens.append(part[0])
        else:
            final = part

    answer = final["messages"][-1]
    assert answer.text == WHOLE
    assert [message.type for message in final["messages"]] == ["human", "ai", "tool", "ai"]
    assert story(answer)["deployment"] == "b"


async def test_ainvoke_without_a_listener_never_streams():
    """A plain call fails over unseen."""
    answer = await breaking().ainvoke("hi")

    assert answer.text == WHOLE


# --- Asked for by name ---


async def test_restart_announces_itself_and_the_sum_is_the_new_answer():
    """One marker, with attempt and deployment, and one message id throughout."""
    chunks = [chunk async for chunk in breaking().astream("hi", switchyard=RESTART)]

    marker = next(chunk for chunk in chunks if is_reset(chunk))
    assert story(marker) == {"reset": True, "attempt": 2, "deployment": "b"}
    total = functools.reduce(operator.add, chunks)
    assert total.text == WHOLE
    assert "reset" not in story(total)
    assert asked(total) == ["a", "b"]
    assert len({chunk.id for chunk in chunks}) == 1


def test_sync_restart_is_the_same():
    """One script, one result."""
    chunks = list(breaking(recovery="restart").stream("hi"))

    assert functools.reduce(operator.add, chunks).text == WHOLE


async def test_restart_twice_keeps_only_the_last():
    """Two breaks, two markers, one answer."""
    model = fleet(
        scripted("a", BROKEN),
        scripted("b", Say("five six seven", cut_after=1)),
        scripted("c", WHOLE),
    )

    chunks = [chunk async for chunk in model.astream("hi", switchyard=RESTART)]

    assert sum(is_reset(chunk) for chunk in chunks) == 2
    assert functools.reduce(operator.add, chunks).text == WHOLE


async def test_restart_with_nobody_left_is_an_error_with_the_partial_text():
    """A broken answer is never presented as a whole one."""
    model = fleet(scripted("a", BROKEN), scripted("b", ConnectionError("down")))

    with pytest.raises(StreamInterrupted) as caught:
        async for _ in model.astream("hi", switchyard=RESTART):
            pass

    assert caught.value.partial.startswith("one")


async def test_a_single_deployment_may_restart_itself_once():
    """A cut connection is tried again on the only one there is."""
    model = fleet(scripted("a", BROKEN, WHOLE), recovery="restart")

    chunks = [chunk async for chunk in model.astream("hi")]

    assert functools.reduce(operator.add, chunks).text == WHOLE


async def test_continue_goes_on_where_prefill_is_allowed():
    """The second deployment is given the text so far, and only adds to it."""
    second = scripted("b", "three four")
    model = fleet(
        scripted("a", Say("one two x", chunks=["one ", "two ", "x"], cut_after=2)),
        second,
        traits=Traits(capabilities=frozenset({"prefill"})),
        recovery="continue",
    )

    text = "".join([chunk.text async for chunk in model.astream("hi")])

    assert text == "one two three four"
    assert second.calls[0].messages[-1] == AIMessage("one two ")


async def test_continue_without_prefill_is_an_error():
    """Providers that refuse prefill are not sent one."""
    second = scripted("b", "x")
    model = fleet(scripted("a", BROKEN), second, recovery="continue")

    with pytest.raises(StreamInterrupted):
        async for _ in model.astream("hi"):
            pass

    assert second.calls == []


async def test_continue_never_goes_on_inside_a_tool_call():
    """Half a tool call is nobody's to finish."""
    first = scripted(
        "a", [CallTool("search", {"q": "a long enough query"}), ConnectionError("cut")]
    )
    model = fleet(
        first,
        scripted("b", "x"),
        traits=Traits(capabilities=frozenset({"prefill", "tools"})),
        recovery="continue",
    )

    with pytest.raises(StreamInterrupted, match="tool call"):
        async for _ in model.astream("hi"):
            pass


async def test_error_recovery_never_restarts_even_where_chunks_are_summed():
    """`error` is always that."""
    with pytest.raises(StreamInterrupted):
        async for _ in graph_over(breaking(recovery="error")).astream(
            {"messages": [HumanMessage("hi")]}, stream_mode="messages"
        ):
            pass


async def test_nothing_is_shown_before_the_first_content():
    """A stream that breaks before it said anything fails over unseen."""
    model = fleet(scripted("a", Say("never", cut_after=0)), scripted("b", WHOLE))

    chunks = [chunk async for chunk in model.astream("hi")]

    assert "".join(chunk.text for chunk in chunks) == WHOLE
    assert not any(is_reset(chunk) for chunk in chunks)


async def test_stream_without_finish_reason_is_an_error_once_it_is_known_to_send_one():
    """A cut stream must not pass for a whole answer."""
    model = fleet(
        scripted("a", Say("half an ans", ends_without_finish=True)),
        scripted("b", WHOLE),
        traits=Traits(sends_finish_reason=True),
        recovery="restart",
    )

    chunks = [chunk async for chunk in model.astream("hi")]

    assert functools.reduce(operator.add, chunks).text == WHOLE


SUMMED, PROTOCOL = {"is_summed": True}, {"is_protocol": True}


@pytest.mark.parametrize(
    ("recovery", "caller", "expected"),
    [
        ("auto", {}, "error"),
        ("auto", SUMMED, "restart"),
        ("auto", SUMMED | PROTOCOL, "error"),
        ("restart", PROTOCOL, "error"),
        ("restart", {}, "restart"),
        ("continue", PROTOCOL, "continue"),
        ("error", SUMMED, "error"),
    ],
)
def test_auto_is_made_definite_for_each_caller(recovery, caller, expected):
    """The whole table."""
    assert resolve(recovery, Caller(None, **caller)) == expected


def test_auto_said_aloud_is_still_auto():
    """Only `restart` opts a reader of plain text in."""
    with pytest.raises(StreamInterrupted):
        list(breaking().stream("hi", switchyard=CallOptions(recovery="auto")))


@pytest.mark.parametrize("wrong", [{"recovery": "restrat"}, {"require": "vision"}])
def test_misspelt_options_are_refused(wrong):
    """A typo must not choose a recovery of its own."""
    with pytest.raises(ConfigurationError):
        CallOptions(**wrong)


async def test_an_answer_without_text_replaces_the_broken_one():
    """Half an answer is not made whole by somebody who says nothing."""
    empty = scripted("b", "")
    model = fleet(scripted("a", BROKEN), empty)
    final: Any = None
    async for part in graph_over(model).astream(
        {"messages": [HumanMessage("hi")]}, stream_mode=["messages", "values"]
    ):
        final = part[1] if part[0] == "values" else final

    assert final["messages"][-1].text == ""
    assert story(final["messages"][-1])["deployment"] == "b"


async def test_a_router_behind_a_router_streams():
    """The inner story is not told twice."""
    inner = fleet(scripted("x", "one two"))
    outer = ChatSwitchyard(deployments=[Deployment(inner, id="inner")])

    total = functools.reduce(operator.add, [chunk async for chunk in outer.astream("hi")])

    assert total.text == "one two"
    assert story(total)["deployment"] == "inner"


async def test_a_router_behind_a_router_restarts_for_both():
    """What the inner one takes back, the outer one no longer counts as shown."""
    inner = fleet(scripted("x", BROKEN), scripted("y", WHOLE), recovery="restart")
    outer = ChatSwitchyard(deployments=[Deployment(inner, id="inner")], recovery="restart")

    total = functools.reduce(operator.add, [chunk async for chunk in outer.astream("hi")])

    assert total.text == WHOLE
