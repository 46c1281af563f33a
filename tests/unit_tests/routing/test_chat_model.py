"""The LangChain face: one run per call, true usage, late tools, honest profile."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any
from uuid import UUID

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler, UsageMetadataCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from pydantic import BaseModel, ValidationError

from langchain_switchyard import (
    AllDeploymentsFailed,
    CallOptions,
    ChatSwitchyard,
    ConfigurationError,
    Deployment,
    Price,
    RetryPolicy,
    StreamInterrupted,
    Timeouts,
    Traits,
)
from langchain_switchyard.testing import CallTool, FakeClock, Say
from tests.unit_tests.routing.fleet import asked, fleet, scripted, story


class Recorder(BaseCallbackHandler):
    """Remembers which runs were opened under which, and how they ended."""

    run_inline = True

    def __init__(self) -> None:
        self.runs: dict[UUID, tuple[str, str, UUID | None]] = {}
        self.ended: list[UUID] = []
        self.failed: list[UUID] = []
        self.tokens: list[str] = []

    def on_chat_model_start(self, serialized, messages, *, run_id, parent_run_id=None, **kwargs):
        self.runs[run_id] = ("llm", kwargs.get("name") or "", parent_run_id)

    def on_chain_start(self, serialized, inputs, *, run_id, parent_run_id=None, **kwargs):
        self.runs[run_id] = ("chain", kwargs.get("name") or "", parent_run_id)

    def on_llm_new_token(self, token, **kwargs):
        self.tokens.append(token)

    def on_llm_end(self, response, *, run_id, **kwargs):
        self.ended.append(run_id)

    def on_chain_end(self, outputs, *, run_id, **kwargs):
        self.ended.append(run_id)

    def on_chain_error(self, error, *, run_id, **kwargs):
        self.failed.append(run_id)

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.runs.values()]


async def call_every_way(model: BaseChatModel, config: Any) -> dict[str, Any]:
    """The four ways in, each with the same config."""
    return {
        "invoke": model.invoke("hi", config),
        "ainvoke": await model.ainvoke("hi", config),
        "stream": list(model.stream("hi", config)),
        "astream": [chunk async for chunk in model.astream("hi", config)],
    }


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
async def test_one_llm_run_per_call_with_attempts_as_chain_spans_under_it(way):
    """Two attempts are two chain spans below one model run; nothing is left open."""
    model = fleet(scripted("a", ConnectionError("down"), ConnectionError("x")), scripted("b", "ok"))
    recorder = Recorder()
    config: Any = {"callbacks": [recorder]}
    if way == "invoke":
        model.invoke("hi", config)
    elif way == "ainvoke":
        await model.ainvoke("hi", config)
    elif way == "stream":
        list(model.stream("hi", config))
    else:
        _ = [chunk async for chunk in model.astream("hi", config)]

    (llm,) = [run for run, (kind, _, _) in recorder.runs.items() if kind == "llm"]
    spans = [(name, parent) for kind, name, parent in recorder.runs.values() if kind == "chain"]
    assert spans == [("attempt:a", llm), ("attempt:a", llm), ("attempt:b", llm)]
    assert len(recorder.failed) == 2
    assert sorted([*recorder.ended, *recorder.failed]) == sorted(recorder.runs)


async def test_usage_is_counted_once_and_under_the_name_of_whoever_answered():
    """Also when the first deployment failed, and on every way in."""
    bare = UsageMetadataCallbackHandler()
    await call_every_way(scripted("b", "fine words"), {"callbacks": [bare]})
    routed = UsageMetadataCallbackHandler()
    model = fleet(scripted("a", TimeoutError("mute")), scripted("b", "fine words"))

    await call_every_way(model, {"callbacks": [routed]})

    assert routed.usage_metadata == bare.usage_metadata
    assert list(routed.usage_metadata) == ["b"]


async def test_messages_mode_streams_every_token_once():
    """A node that calls `ainvoke` streams as the bare model would, plus the closing chunk."""

    def graph(model: BaseChatModel) -> Any:
        async def node(state: MessagesState) -> Any:
            return {"messages": [await model.ainvoke(state["messages"])]}

        built = StateGraph(MessagesState)
        built.add_node("node", node)
        built.add_edge(START, "node")
        built.add_edge("node", END)
        return built.compile()

    async def texts(model: BaseChatModel) -> list[str]:
        parts = graph(model).astream({"messages": [HumanMessage("x")]}, stream_mode="messages")
        return [chunk.text async for chunk, _ in parts if chunk.text]

    assert await texts(fleet(scripted("a", "one two 三四"))) == await texts(
        scripted("a", "one two 三四")
    )


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_astream_events_tells_of_one_model_run(version):
    """And of each of its chunks once."""
    events = [
        event
        async for event in fleet(scripted("a", "one two")).astream_events("x", version=version)
    ]

    names = [event["event"] for event in events]
    assert names.count("on_chat_model_start") == 1
    assert names.count("on_chat_model_end") == 1
    text = "".join(
        event["data"]["chunk"].text for event in events if event["event"] == "on_chat_model_stream"
    )
    assert text == "one two"


async def test_event_protocol_v3_gives_the_message_once():
    """The beta protocol, through the chunk bridge."""
    stream = await fleet(scripted("a", "one two")).astream_events("x", version="v3")
    _ = [event async for event in stream]

    message = await stream.output
    assert message.text == "one two"


async def test_create_agent_counts_and_streams_as_with_the_bare_model():
    """No token, run or usage is doubled in an agent."""

    @tool
    def search(q: str) -> str:
        """Search."""
        return q

    async def run(model: BaseChatModel) -> tuple[list[str], Any]:
        usage = UsageMetadataCallbackHandler()
        parts = create_agent(model, [search]).astream(
            {"messages": [HumanMessage("x")]}, {"callbacks": [usage]}, stream_mode="messages"
        )
        texts = [chunk.text async for chunk, _ in parts if chunk.text]
        return texts, usage.usage_metadata

    script = (CallTool("search", {"q": "天气"}), "all done")
    assert await run(fleet(scripted("m", *script))) == await run(scripted("m", *script))


async def test_tools_reach_each_model_in_its_own_format_and_late():
    """A fallback gets the tools, too; the choice is kept."""

    class Weather(BaseModel):
        """The weather somewhere."""

        city: str

    second = scripted("b", CallTool("Weather", {"city": "北京"}))
    model = fleet(scripted("a", TimeoutError("mute")), second)

    answer = await model.bind_tools([Weather], tool_choice="required").ainvoke("hi")

    assert answer.tool_calls[0]["args"] == {"city": "北京"}
    sent = second.calls[0].kwargs
    assert sent["tools"][0]["function"]["name"] == "Weather"
    assert sent["tool_choice"] in ("any", "required")


async def test_structured_output_works_through_a_fallback():
    """The parsed object, from whoever answers."""

    class City(BaseModel):
        """A city."""

        name: str

    model = fleet(
        scripted("a", TimeoutError("x")), scripted("b", CallTool("City", {"name": "上海"}))
    )

    assert await model.with_structured_output(City).ainvoke("?") == City(name="上海")


def test_profile_is_what_all_can_do():
    """And the smallest window."""
    model = fleet(
        scripted(
            "a", "x", profile={"tool_calling": True, "image_inputs": True, "max_input_tokens": 8}
        ),
        scripted(
            "b", "x", profile={"tool_calling": True, "image_inputs": False, "max_input_tokens": 5}
        ),
    )

    assert model.profile == {"tool_calling": True, "image_inputs": False, "max_input_tokens": 5}


def test_profile_is_unknown_where_one_is_unknown():
    """What a deployment does not say cannot be promised."""
    assert fleet(scripted("a", "x", profile={"tool_calling": True}), bare_model()).profile is None


def bare_model() -> Any:
    model = scripted("z", "x")
    model.profile = None
    return model


def test_ls_params_are_the_preferred_deployment_s():
    """And honour a model named in the call."""
    model = fleet(scripted("a", "x"), scripted("b", "y"))

    assert model._get_ls_params()["ls_model_name"] == "a"
    assert model._get_ls_params(model="other")["ls_model_name"] == "other"


def test_cache_identity_names_every_deployment():
    """Two routers over different models never share a key of LangChain's own cache."""
    one, two = fleet(scripted("a", "x")), fleet(scripted("b", "x"))

    assert one._get_llm_string() != two._get_llm_string()
    assert "switchyard_caller" not in one._get_llm_string()


async def test_cost_is_told_per_currency():
    """With the price that was declared, cached input at its own."""
    price = Price(input=10, output=20, cached_input=1, currency="CNY", per=1000)
    usage = {
        "input_tokens": 100,
        "output_tokens": 10,
        "total_tokens": 110,
        "input_token_details": {"cache_read": 40},
    }
    model = ChatSwitchyard(
        deployments=[Deployment(scripted("a", Say("x", usage=usage)), id="a", price=price)]
    )

    answer = await model.ainvoke("hi")

    assert story(answer)["cost"] == {"CNY": pytest.approx(0.6 + 0.04 + 0.2)}
    assert model.stats()["a"].cost == pytest.approx(0.84)


async def test_stats_tell_how_each_has_done():
    """Counts, kinds, tokens; nothing is pending at rest."""
    model = fleet(scripted("a", ConnectionError("x")), scripted("b", "fine"))
    await model.ainvoke("hi")

    stats = model.stats()

    assert (stats["a"].attempts, stats["a"].successes, dict(stats["a"].errors)) == (
        2,
        0,
        {"connection": 2},
    )
    assert (stats["b"].successes, stats["b"].pending) == (1, 0)
    assert stats["b"].output_tokens > 0
    assert "connection 2" in str(stats)
    assert "<td>connection 2</td>" in stats._repr_html_()
    with pytest.raises(KeyError):
        stats["nobody"]


def test_explain_tells_who_would_be_asked_and_why_not_others():
    """Without asking anybody."""
    model = fleet(scripted("a", "x"), scripted("b", "y"), scripted("c", "z"))
    model.isolate("a")
    model._yard.states[1].throttle(30)

    told = model.explain("你好")

    assert told.chosen == ("c",)
    verdicts = [candidate.verdict for candidate in told.candidates]
    assert verdicts == ["isolated by hand", "throttled for 30.0 s", "would be asked"]
    assert "would be asked" in str(told)
    assert "<table>" in told._repr_html_()
    assert model.stats()["c"].attempts == 0


def test_restore_opens_every_door():
    """Isolated, open or throttled: asked again at once."""
    model = fleet(scripted("a", "x"))
    model.isolate("a")
    model._yard.states[0].throttle(30)

    model.restore("a")

    assert model.invoke("hi").text == "x"
    with pytest.raises(ConfigurationError, match="there are: a"):
        model.restore("nobody")


def test_what_is_done_by_hand_is_told_to_observers():
    """Somebody else will wonder why a deployment gets no traffic."""
    heard = []
    model = fleet(scripted("a", "x"), observers=[heard.append])
    model.isolate("a")
    model.isolate("a")
    model.restore("a")

    told = [(event.deployment, event.before, event.after, event.attempt) for event in heard]
    assert told == [("a", "closed", "isolated", None), ("a", "isolated", "closed", None)]


def test_explain_says_that_a_watched_thread_costs():
    """Sync calls to models that cannot be told a timeout cost a second thread."""
    model = ChatSwitchyard(deployments=[Deployment(FakeListChatModel(responses=["x"]), id="a")])

    assert "second thread" in str(model.explain("hi"))
    assert model.invoke("hi").text == "x"


def test_standard_parameters_reach_every_model_and_our_policies():
    """What users of any chat model expect to be able to say."""
    inner = scripted("a", "x")
    model = ChatSwitchyard(
        deployments=[Deployment(inner, id="a")],
        temperature=0,
        max_tokens=7,
        timeout=9,
        max_retries=1,
        stop=["x"],
    )

    model.invoke("hi")

    assert model.timeouts.total == 9
    assert model.retry.max_attempts == 2
    assert inner.calls[0].kwargs["temperature"] == 0
    assert inner.calls[0].kwargs["max_tokens"] == 7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"deployments": []}, "at least 1"),
        ({"deployments": [Deployment(scripted("a", "x"))] * 2}, "appears twice"),
        ({"deployments": [Deployment(scripted("a", "x"))], "balanse": "x"}, "balanse"),
        ({"deployments": [Deployment(scripted("a", "x"))], "balance": "fastest"}, "balance"),
        (
            {"deployments": [Deployment(scripted("a", "x"))], "timeout": 1, "timeouts": Timeouts()},
            "not both",
        ),
    ],
)
def test_wrong_settings_are_refused_with_a_reason(settings, message):
    """When the object is made, not at the first call."""
    with pytest.raises((ValidationError, ConfigurationError), match=message):
        ChatSwitchyard(**settings)


def test_a_chain_is_not_a_deployment():
    """And the error says what to do instead."""
    with pytest.raises(ConfigurationError, match="own deployment"):
        Deployment(scripted("a", "x").with_fallbacks([scripted("b", "y")]))  # type: ignore[arg-type]


def test_bound_arguments_of_a_model_are_kept():
    """`Deployment(model.bind(...))` is unwrapped, and every call carries the arguments."""
    inner = scripted("a", "x")
    model = ChatSwitchyard(deployments=[Deployment(inner.bind(seed=3), id="a")])

    model.invoke("hi", top_p=0.5)

    assert inner.calls[0].kwargs["seed"] == 3
    assert inner.calls[0].kwargs["top_p"] == 0.5


async def test_options_may_be_plain_values():
    """From YAML or JSON."""
    model = fleet(scripted("a", "x"), traits=Traits(capabilities=frozenset({"vision"})))

    answer = await model.ainvoke("hi", switchyard={"deadline": 5, "require": ["vision"]})

    assert asked(answer) == ["a"]


def test_wrong_options_are_refused():
    """A deadline in the past helps nobody."""
    with pytest.raises(ConfigurationError, match="deadline"):
        CallOptions(deadline=0)
    with pytest.raises(ConfigurationError, match="first_token"):
        Timeouts(first_token=-1)


async def test_batches_answer_in_order():
    """Sync and async."""
    model = fleet(scripted("a", lambda messages, _: messages[-1].text * 2))

    assert [answer.text for answer in model.batch(["x", "y"])] == ["xx", "yy"]
    assert [answer.text for answer in await model.abatch(["x", "y"])] == ["xx", "yy"]


async def test_two_hundred_concurrent_calls_leave_nothing_pending():
    """Every attempt that began is counted out again."""
    model = fleet([scripted("a", "x"), scripted("b", "y")], balance="least_pending")

    await asyncio.gather(*(model.ainvoke("hi") for _ in range(200)))

    stats = model.stats()
    assert stats["a"].pending == stats["b"].pending == 0
    assert stats["a"].successes + stats["b"].successes == 200


async def test_cancelled_call_counts_against_nobody():
    """And frees its place."""
    clock = FakeClock()
    never = asyncio.Event()

    class Hanging(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "hanging"

        def _generate(self, *_args, **_kwargs):
            raise AssertionError

        async def _agenerate(self, *_args, **_kwargs):
            await never.wait()

    model = ChatSwitchyard(deployments=[Deployment(Hanging(), id="a")])
    task = asyncio.create_task(model.ainvoke("hi"))
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert model.stats()["a"].pending == 0
    assert dict(model.stats()["a"].errors) == {}
    assert clock.slept == []


async def test_observers_hear_everything_and_cannot_fail_a_request(caplog):
    """Events in their order; a broken listener is logged."""
    heard: list[str] = []

    def broken(event: Any) -> None:
        raise RuntimeError("listener")

    model = fleet(
        scripted("a", ConnectionError("x")),
        scripted("b", "fine"),
        observers=[broken, lambda event: heard.append(type(event).__name__)],
        retry=RetryPolicy(max_attempts=2),
    )

    await model.ainvoke("hi")

    assert heard == [
        "RequestStarted",
        "AttemptStarted",
        "AttemptEnded",
        "AttemptStarted",
        "AttemptEnded",
        "RequestEnded",
    ]
    assert "listener" in caplog.text


def test_token_counts_need_no_download():
    """For texts, messages and tools; Chinese counts as Chinese."""
    model = fleet(scripted("a", "x"))

    assert 40 <= model.get_num_tokens("中文" * 50) <= 110
    assert model.get_num_tokens_from_messages([HumanMessage("hello")]) > 1


def test_a_copy_with_an_update_is_a_router_of_its_own():
    """And one without shares what it has seen."""
    model = fleet(scripted("a", "x"))
    other = model.model_copy(update={"deployments": [Deployment(scripted("b", "y"), id="b")]})

    assert other.invoke("hi").text == "y"
    assert model.invoke("hi").text == "x"
    assert model.model_copy().stats()["a"].successes == 1


def test_errors_travel_to_other_processes():
    """With the story, without the sockets."""
    model = fleet(scripted("a", ConnectionError("down")))
    with pytest.raises(AllDeploymentsFailed) as caught:
        model.invoke("hi")

    error = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes.

    assert str(error) == str(caught.value)
    assert [attempt.deployment_id for attempt in error.attempts] == ["a", "a"]
    assert error.attempts[0].failure.kind == "connection"
    assert pickle.loads(pickle.dumps(StreamInterrupted("m", "part"))).partial == "part"  # noqa: S301


def test_tools_added_to_the_same_list_are_sent():
    """The last translation is kept only for the very same tools."""
    inner = scripted("a", "x")
    model = ChatSwitchyard(deployments=[Deployment(inner, id="a")])
    tools = [{"type": "function", "function": {"name": "one", "parameters": {}}}]
    model.invoke("hi", tools=tools)
    tools.append({"type": "function", "function": {"name": "two", "parameters": {}}})
    model.invoke("hi", tools=tools)

    assert [len(call.kwargs["tools"]) for call in inner.calls] == [1, 2]


def test_a_provider_s_own_tools_are_left_as_they_are():
    """Its integration knows them; we do not."""
    own = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}

    assert fleet(scripted("a", "x")).bind_tools([own]).kwargs["tools"] == [own]  # type: ignore[attr-defined]


def test_spans_tell_what_became_of_an_attempt():
    """Judged first, told afterwards."""
    told: list[Any] = []

    class Listener(Recorder):
        def on_chain_end(self, outputs, *, run_id, **kwargs):
            told.append(outputs["outcome"])

        def on_chain_error(self, error, *, run_id, **kwargs):
            told.append(type(error).__name__)

    model = fleet(scripted("a", TimeoutError("mute")), scripted("b", "fine"))
    stream = model.stream("hi", {"callbacks": [Listener()]})
    next(stream)
    stream.close()
    model.invoke("hi", {"callbacks": [Listener()]})

    assert told == ["TimeoutError", "abandoned", "TimeoutError", "success"]


def test_bound_config_that_would_be_lost_is_warned_of():
    """Tags of an inner model have no run to stand on."""
    with pytest.warns(UserWarning, match="tags"):
        Deployment(scripted("a", "x").with_config(tags=["t"]))  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_impossible_weights_are_refused(weight):
    """When they are given."""
    with pytest.raises(ConfigurationError, match="weight"):
        Deployment(scripted("a", "x"), weight=weight)
