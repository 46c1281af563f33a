"""The scripted chat model, seen as LangChain sees any model."""

import asyncio
import threading
import time
from typing import Any

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, HumanMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from pydantic import BaseModel, ValidationError

from langchain_switchyard.testing import (
    CallTool,
    Delay,
    Fail,
    FakeClock,
    Say,
    ScriptedChatModel,
    ScriptExhausted,
    improvise,
)


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


def summed(chunks: Any) -> Any:
    """Add chunks the way LangChain does."""
    chunks = list(chunks)
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    return total


class TestScriptedStandard(ChatModelUnitTests):
    """LangChain's own unit suite."""

    @property
    def chat_model_class(self):
        """Under test."""
        return ScriptedChatModel

    @property
    def chat_model_params(self):
        """The shortest script."""
        return {"script": "hello"}


class TestImprovisedStandard(ChatModelIntegrationTests):
    """LangChain's own integration suite, with a model that improvises."""

    chat_model_class = ScriptedChatModel
    supports_model_override = True
    model_override_value = "another"

    @property
    def chat_model_params(self):
        """No script at all."""
        return {"script": improvise}


def test_lines_are_played_one_per_call_and_the_last_repeats():
    """The default after the end is to go on as at the end."""
    model = ScriptedChatModel(script=["a", "b"])
    assert [model.invoke("x").text for _ in range(4)] == ["a", "b", "b", "b"]


def test_a_finished_script_can_fail_instead():
    """One call too many is told apart from a planned one."""
    model = ScriptedChatModel(script=["a"], then="fail")
    model.invoke("x")
    with pytest.raises(ScriptExhausted, match="call 2"):
        model.invoke("x")


def test_bad_scripts_fail_when_the_model_is_built():
    """Neither an empty nor a foreign script survives construction."""
    with pytest.raises(ValidationError, match="empty"):
        ScriptedChatModel(script=[])
    with pytest.raises(TypeError, match="a script holds"):
        ScriptedChatModel(script=[3])


async def test_streamed_and_plain_answers_agree():
    """Text, usage, finish reason and tool calls do not depend on the way they are fetched."""
    model = ScriptedChatModel(
        script=[[Say("你好, brave world"), CallTool("f", {"城市": "北京"}), CallTool("g")]]
    )
    answers = [
        model.invoke("问"),
        await model.ainvoke("问"),
        summed(model.stream("问")),
        summed([chunk async for chunk in model.astream("问")]),
    ]
    for answer in answers:
        assert answer.text == "你好, brave world"
        assert [(call["name"], call["args"]) for call in answer.tool_calls] == [
            ("f", {"城市": "北京"}),
            ("g", {}),
        ]
        assert answer.usage_metadata == answers[0].usage_metadata
        assert answer.response_metadata["finish_reason"] == "tool_calls"
        assert answer.response_metadata["model_name"] == "scripted"
    assert answers[0].usage_metadata["output_tokens"] > 0


def test_chinese_streams_by_characters():
    """Each character is its own chunk, then the closing one."""
    chunks = list(ScriptedChatModel(script="天气好").stream("x"))
    assert [chunk.text for chunk in chunks] == ["天", "气", "好", ""]
    assert chunks[-1].chunk_position == "last"


def test_usage_is_counted_once_by_callbacks():
    """A usage handler sees the same tokens streamed and plain."""
    model, counter = ScriptedChatModel(script="one two three"), UsageMetadataCallbackHandler()
    model.invoke("hi", config={"callbacks": [counter]})
    plain = counter.usage_metadata["scripted"]["output_tokens"]
    list(model.stream("hi", config={"callbacks": [counter]}))
    assert counter.usage_metadata["scripted"]["output_tokens"] == 2 * plain == 6


def test_usage_can_be_given_or_left_out():
    """Providers differ; so can scripts."""
    usage = {"input_tokens": 7, "output_tokens": 9, "total_tokens": 16}
    model = ScriptedChatModel(script=[Say("a", usage=usage), Say("a", usage=False)])
    assert model.invoke("x").usage_metadata == usage
    assert model.invoke("x").usage_metadata is None


@pytest.mark.parametrize("error", [ValueError("down"), ValueError, lambda: ValueError("made")])
async def test_fail_raises_before_anything(error):
    """An error instance, class or factory is raised on every way in."""
    model = ScriptedChatModel(script=Fail(error))
    with pytest.raises(ValueError):
        model.invoke("x")
    with pytest.raises(ValueError):
        await model.ainvoke("x")
    with pytest.raises(ValueError):
        next(iter(model.stream("x")))
    with pytest.raises(ValueError):
        await anext(model.astream("x"))


def test_a_cut_stream_gives_its_first_chunks_and_then_breaks():
    """What came before the break was really delivered."""
    stream = ScriptedChatModel(script=Say("a b c d", cut_after=2)).stream("x")
    assert [next(stream).text, next(stream).text] == ["a", " b"]
    with pytest.raises(ConnectionResetError, match="after 2 chunks"):
        next(stream)


def test_a_plain_call_of_a_cut_answer_breaks_too():
    """A body cut in the middle is no answer."""
    with pytest.raises(ConnectionResetError):
        ScriptedChatModel(script=Say("a b c", cut_after=1)).invoke("x")


def test_a_stream_can_end_without_a_finish_reason():
    """The model itself says nothing after the text."""
    model = ScriptedChatModel(script=Say("a b", ends_without_finish=True))
    chunks = list(model._stream([HumanMessage("x")]))
    assert [chunk.text for chunk in chunks] == ["a", " b"]
    assert all("finish_reason" not in chunk.message.response_metadata for chunk in chunks)
    assert "finish_reason" not in model.invoke("x").response_metadata


def test_delays_pass_on_the_injected_clock():
    """Nobody waits for real."""
    clock = FakeClock()
    model = ScriptedChatModel(script=[[Delay(2, each=0.5), Say("a b c")]], clock=clock)
    started = time.perf_counter()
    model.invoke("x")
    assert clock.slept == [3.5]
    list(model.stream("x"))
    assert clock.slept[1:] == [2, 0.5, 0.5, 0.5]
    assert time.perf_counter() - started < 1


async def test_async_delays_pass_on_the_injected_clock():
    """The same waits, awaited."""
    clock = FakeClock()
    model = ScriptedChatModel(script=[[Delay(1, each=1), "a b"]], clock=clock)
    await model.ainvoke("x")
    assert [chunk.text async for chunk in model.astream("x")] == ["a", " b", ""]
    assert clock.slept == [3, 1, 1, 1]


def test_concurrent_calls_overlap_in_virtual_time():
    """Ten calls of three seconds take three seconds."""
    clock = FakeClock()
    model = ScriptedChatModel(script=[[Delay(3), "a"]], clock=clock)

    async def main() -> None:
        await asyncio.gather(*(model.ainvoke("x") for _ in range(10)))

    clock.run(main())
    assert clock.now() == 3


async def test_a_delay_beyond_the_timeout_ends_at_the_timeout():
    """The call sleeps as long as it may and gives up."""
    clock = FakeClock()
    model = ScriptedChatModel(script=[[Delay(10), "late"]], clock=clock)
    with pytest.raises(TimeoutError, match="4 s"):
        model.invoke("x", timeout=4)
    with pytest.raises(TimeoutError):
        await model.ainvoke("x", timeout=4)
    with pytest.raises(TimeoutError):
        list(model.stream("x", timeout=4))
    with pytest.raises(TimeoutError):
        async for _ in model.astream("x", timeout=4):
            pass
    assert clock.slept == [4, 4, 4, 4]


def test_a_delay_within_the_timeout_is_no_timeout():
    """A slow answer in time is an answer; in a stream each gap counts by itself."""
    clock = FakeClock()
    model = ScriptedChatModel(script=[[Delay(3, each=3), "a b"]], clock=clock)
    assert model.invoke("x", timeout=9).text == "a b"
    assert summed(model.stream("x", timeout=3)).text == "a b"
    assert clock.now() == 18


def test_a_scripted_error_takes_its_time():
    """A failure after a delay happens after the delay."""
    clock = FakeClock()
    model = ScriptedChatModel(script=[[Delay(5), Fail(ValueError)]], clock=clock)
    with pytest.raises(ValueError):
        model.invoke("x")
    assert clock.now() == 5


def test_a_line_may_be_a_function_of_the_call():
    """It sees messages and keyword arguments."""
    model = ScriptedChatModel(
        script=lambda messages, kwargs: [Say(f"{messages[-1].text} {kwargs['seed']}")]
    )
    assert model.invoke("hi", seed=4).text == "hi 4"


def test_every_call_is_recorded():
    """Messages, arguments and the way of calling are kept as they arrived."""
    model = ScriptedChatModel(script="a")
    model.invoke("plain", stop=["z"], temperature=0.1)
    list(model.bind(seed=1).stream("streamed"))
    first, second = model.calls
    assert (first.messages[0].text, first.streamed) == ("plain", False)
    assert first.kwargs == {"stop": ["z"], "temperature": 0.1}
    assert (second.messages[0].text, second.streamed, second.kwargs) == (
        "streamed",
        True,
        {"seed": 1},
    )


def test_rewind_starts_the_script_again():
    """One model can serve several acts."""
    model = ScriptedChatModel(script=["a", "b"])
    model.invoke("x")
    model.rewind()
    assert model.calls == []
    assert model.invoke("x").text == "a"


def test_threads_share_the_script_without_losing_a_line():
    """Each line is played exactly once, whoever asks."""
    model = ScriptedChatModel(script=[str(n) for n in range(200)], then="fail")
    heard: list[str] = []
    threads = [
        threading.Thread(target=lambda: [heard.append(model.invoke("x").text) for _ in range(25)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard, key=int) == [str(n) for n in range(200)]
    assert len(model.calls) == 200


def test_a_copy_plays_the_same_script_further():
    """Copies made by wrappers still report to the original."""
    model = ScriptedChatModel(script=["a", "b"])
    copy = model.model_copy()
    assert (model.invoke("x").text, copy.invoke("x").text) == ("a", "b")
    assert len(model.calls) == 2


def test_answers_share_no_mutable_state():
    """Changing one answer leaves the next alone."""
    model = ScriptedChatModel(script="a")
    first = model.invoke("x")
    for field in (first.additional_kwargs, first.response_metadata, first.usage_metadata):
        field["spoiled"] = True
    first.tool_calls.append({"name": "x", "args": {}, "id": "1", "type": "tool_call"})
    second = model.invoke("x")
    assert "spoiled" not in {
        **second.additional_kwargs,
        **second.response_metadata,
        **second.usage_metadata,
    }
    assert second.tool_calls == []


def test_an_answer_equals_a_message_built_by_hand():
    """The fast construction yields an ordinary message."""
    message = ScriptedChatModel(script="a")._generate([HumanMessage("x")]).generations[0].message
    by_hand = AIMessage(
        content="a",
        usage_metadata=message.usage_metadata,
        response_metadata=message.response_metadata,
    )
    assert message == by_hand
    assert dumpd(message) == dumpd(by_hand)


def test_stop_sequences_end_the_text():
    """As with a provider, the stop sequence itself is not said."""
    model = ScriptedChatModel(script="one two three")
    assert model.invoke("x", stop=["two"]).text == "one "
    assert summed(model.stream("x", stop=["two"])).text == "one "


def test_bound_tools_arrive_in_openai_format():
    """Whoever wraps the model can see what it was given."""
    model = ScriptedChatModel(script=CallTool("Joke", {"setup": "s", "punchline": "p"}))
    answer = model.bind_tools([Joke], tool_choice="any").invoke("x")
    assert answer.tool_calls[0]["name"] == "Joke"
    kwargs = model.calls[0].kwargs
    assert kwargs["tools"][0]["function"]["name"] == "Joke"
    assert kwargs["tool_choice"] == "any"


def test_structured_output_works_through_tools():
    """LangChain's own parser reads the scripted tool call."""
    model = ScriptedChatModel(script=CallTool("Joke", {"setup": "为什么", "punchline": "因为"}))
    joke = model.with_structured_output(Joke).invoke("x")
    assert joke == Joke(setup="为什么", punchline="因为")


def test_the_model_is_not_serialised():
    """A script is code; it must not look loadable."""
    assert not ScriptedChatModel.is_lc_serializable()
    assert ScriptedChatModel.keeps_timeout
