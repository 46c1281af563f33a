"""The key: what changes it, and what must not."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import tool
from pydantic import BaseModel, create_model

from langchain_switchyard.cache.errors import Uncacheable
from langchain_switchyard.cache.keys.key import KeyMaker, scope_of
from langchain_switchyard.cache.keys.request import Request
from tests.unit_tests.cache.builders import address, asked


def digest(messages: list[BaseMessage], **parameters: Any) -> bytes:
    """The digest of a conversation."""
    return KeyMaker().key(Request(messages=messages, parameters=parameters)).digest


def with_call(call_id: str, **facts: Any) -> list[BaseMessage]:
    """A conversation with one tool call and its result."""
    call = {"name": "find", "args": {"q": "茶"}, "id": call_id}
    return [
        HumanMessage("find tea"),
        AIMessage("", tool_calls=[call], **facts),
        ToolMessage("found", tool_call_id=call_id),
    ]


def test_equal_requests_share_a_key_whatever_objects_they_are_made_of() -> None:
    """Ids, usage and provider metadata say how a message came about, not what it says."""
    plain = [HumanMessage("a"), AIMessage("b")]
    marked = [
        HumanMessage("a", id="1"),
        AIMessage("b", id="2", response_metadata={"x": 1}, additional_kwargs={"y": 2}),
    ]
    assert digest(plain) == digest(marked)


def test_a_summed_stream_shares_the_key_of_a_whole_answer() -> None:
    """A history does not remember how its answers travelled."""
    assert digest([HumanMessage("a"), AIMessageChunk("b")]) == digest(
        [HumanMessage("a"), AIMessage("b")]
    )


def test_tool_call_ids_are_numbered_by_position() -> None:
    """Two threads that did the same share a key although providers draw ids by lot."""
    assert digest(with_call("call_1")) == digest(with_call("call_2"))


def test_a_result_that_answers_another_call_is_another_request() -> None:
    """Numbering keeps which result belongs to which call."""
    calls = [{"name": n, "args": {}, "id": n} for n in ("a", "b")]
    said = AIMessage("", tool_calls=calls)
    results = [ToolMessage("1", tool_call_id="a"), ToolMessage("2", tool_call_id="b")]
    crossed = [ToolMessage("1", tool_call_id="b"), ToolMessage("2", tool_call_id="a")]
    assert digest([said, *results]) != digest([said, *crossed])


@pytest.mark.parametrize(
    "other",
    [
        [HumanMessage("a "), AIMessage("b")],
        [HumanMessage("A"), AIMessage("b")],
        [SystemMessage("a"), AIMessage("b")],
        [HumanMessage("a", name="eve"), AIMessage("b")],
        [HumanMessage("ab"), AIMessage("")],
        [HumanMessage("a")],
        [HumanMessage(["a"]), AIMessage("b")],
        [AIMessage("b"), HumanMessage("a")],
    ],
)
def test_whatever_a_model_would_see_changes_the_key(other: list[BaseMessage]) -> None:
    """Role, name, text, form, number and order all count."""
    assert digest([HumanMessage("a"), AIMessage("b")]) != digest(other)


def test_unicode_forms_and_line_ends_do_not_change_the_key() -> None:
    """The same characters typed on two systems are the same text; nothing else is folded."""
    assert digest([HumanMessage("cafe\u0301\r\nx")]) == digest([HumanMessage("caf\u00e9\nx")])


@pytest.mark.parametrize(
    "inert",
    [
        {"timeout": 3},
        {"max_retries": 1},
        {"stream": True},
        {"api_key": "sk-1"},
        {"metadata": {"run": 1}},
        {"stop": None},
        {"extra_headers": {"X": "y"}},
    ],
)
def test_inert_parameters_do_not_change_the_key(inert: dict[str, Any]) -> None:
    """Transport, credentials and tracing change no answer."""
    assert digest([HumanMessage("a")]) == digest([HumanMessage("a")], **inert)


@pytest.mark.parametrize(
    "counting",
    [
        {"temperature": 0.1},
        {"top_p": 0.9},
        {"seed": 1},
        {"max_tokens": 5},
        {"stop": ["x"]},
        {"model": "other"},
        {"a_parameter_of_next_year": 1},
        {"tool_choice": "any"},
        {"response_format": {"type": "json_object"}},
        {"user": "eve"},
    ],
)
def test_every_other_parameter_changes_the_key(counting: dict[str, Any]) -> None:
    """A deny-list: what is not known to be inert counts, also what nobody has heard of yet."""
    assert digest([HumanMessage("a")]) != digest([HumanMessage("a")], **counting)


def test_zero_is_zero_however_it_is_written() -> None:
    """`temperature=0` and `temperature=0.0` ask for the same."""
    asks = [HumanMessage("a")]
    assert digest(asks, temperature=0) == digest(asks, temperature=0.0)


def test_tools_count_by_schema_in_their_order() -> None:
    """Key order inside a schema is nothing; the order of tools is what the model reads."""
    one = {"type": "function", "function": {"name": "f", "parameters": {"a": 1, "b": 2}}}
    turned = {"function": {"parameters": {"b": 2, "a": 1}, "name": "f"}, "type": "function"}
    other = {"type": "function", "function": {"name": "g", "parameters": {}}}
    asks = [HumanMessage("a")]
    assert digest(asks, tools=[one]) == digest(asks, tools=[turned])
    assert digest(asks, tools=[one, other]) != digest(asks, tools=[other, one])


def test_a_tool_object_counts_by_its_schema() -> None:
    """A tool of LangChain has a JSON form."""

    @tool
    def find(q: str) -> str:
        """Find."""
        return q

    @tool("find")
    def twin(q: str) -> str:
        """Find."""
        return q + "!"

    asks = [HumanMessage("a")]
    assert digest(asks, tools=[find]) == digest(asks, tools=[twin])


def test_two_classes_of_one_name_have_two_keys() -> None:
    """A response format counts by its whole schema, not by its name."""
    first: type[BaseModel] = create_model("Answer", x=(int, ...))
    second: type[BaseModel] = create_model("Answer", y=(str, ...))
    asks = [HumanMessage("a")]
    assert digest(asks, response_format=first) != digest(asks, response_format=second)
    assert digest(asks, response_format=first) == digest(asks, response_format=first)


@pytest.mark.parametrize(
    "value", [object(), lambda: 1, float("nan"), {(1, 2): 2}, 1 << 70, "\ud800"]
)
def test_what_has_no_json_form_has_no_key(value: Any) -> None:
    """An object's repr would put its address into the key."""
    with pytest.raises(Uncacheable):
        digest([HumanMessage("a")], strange=value)


def test_half_a_surrogate_pair_in_a_message_has_no_key() -> None:
    """Broken text cannot be hashed, and must not crash."""
    with pytest.raises(Uncacheable, match="Unicode"):
        digest([HumanMessage("\ud800")])


def test_tenant_namespace_model_subject_and_vary_keep_answers_apart() -> None:
    """Each of them is part of the address."""
    keys = {
        address().digest,
        address(tenant="a").digest,
        address(tenant="b").digest,
        address(namespace="a").digest,
        address(model="a").digest,
        address(subject="a").digest,
        address(vary={"locale": "zh"}).digest,
    }
    assert len(keys) == 7


def test_a_number_that_json_does_not_know_has_no_key_in_vary() -> None:
    """It would share the key of None."""
    with pytest.raises(Uncacheable, match="vary"):
        address(vary={"score": {"x": math.nan}})
    assert address(vary={"score": {"x": 1.5}}) != address(vary={"score": {"x": None}})


def test_keys_of_parameters_may_be_numbers() -> None:
    """`logit_bias` has token ids for keys."""
    assert digest([HumanMessage("q")], logit_bias={50256: -100}) != digest(
        [HumanMessage("q")], logit_bias={50257: -100}
    )


def test_a_tenant_named_like_a_namespace_is_not_that_namespace() -> None:
    """Parts are joined as JSON, so that nothing can run over into its neighbour."""
    assert scope_of("a", "b") != scope_of("b", "a")
    assert scope_of("a", None) != scope_of("a", "None")


def test_blocks_count_by_content_and_not_by_their_own_ids() -> None:
    """Images, documents and text in blocks; an index or a provider's cache mark is nothing."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 200}}
    other = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "B" * 200}}
    text = {"type": "text", "text": "look"}
    marked = {**text, "id": "x", "index": 0, "cache_control": {"type": "ephemeral"}}
    assert digest([HumanMessage([text, image])]) == digest([HumanMessage([marked, image])])
    assert digest([HumanMessage([text, image])]) != digest([HumanMessage([text, other])])


def test_tool_use_blocks_are_numbered_too() -> None:
    """Anthropic's content blocks carry the call's id a second time."""

    def said(call_id: str) -> list[BaseMessage]:
        block = {"type": "tool_use", "id": call_id, "name": "f", "input": {}}
        result = {"type": "tool_result", "tool_use_id": call_id, "content": "x"}
        return [AIMessage([block]), HumanMessage([result])]

    assert digest(said("toolu_1")) == digest(said("toolu_2"))


def test_a_partition_is_everything_but_the_last_text() -> None:
    """Two questions under one system prompt may be compared; under two, never."""
    keys = KeyMaker()

    def partition(system: str, text: str, **facts: Any) -> bytes:
        messages = [SystemMessage(system), HumanMessage(text)]
        return keys.partition(Request(messages=messages, **facts))

    assert partition("s", "a") == partition("s", "b")
    assert partition("s", "a") != partition("t", "a")
    assert partition("s", "a") != partition("s", "a", tenant="x")
    assert partition("s", "a") != keys.key(asked("a")).digest


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_remembered_digests_give_the_same_key_as_fresh_ones(texts: list[str]) -> None:
    """The memory of texts is only ever a shortcut."""
    keys = KeyMaker()
    request = Request(messages=[HumanMessage(text) for text in texts])
    assert keys.key(request) == keys.key(request) == KeyMaker().key(request)


def test_a_mutated_message_has_another_key() -> None:
    """Digests are remembered by value: an edit in place is seen."""
    keys, message = KeyMaker(), HumanMessage("a" * 300)
    before = keys.key(Request(messages=[message]))
    message.content = "b" * 300
    assert keys.key(Request(messages=[message])) != before


def test_marks_for_a_providers_own_cache_are_left_out_wherever_they_stand() -> None:
    """They say what may be remembered, not what is asked."""
    mark = {"cache_control": {"type": "ephemeral"}}
    tool = {"type": "function", "function": {"name": "look_up", "parameters": {}}}

    def key(block: dict[str, Any], tools: list[Any], **parameters: Any) -> bytes:
        said = [{"type": "text", "text": "你好，很长的系统提示", **block}]
        request = Request(
            messages=[SystemMessage(said), HumanMessage("hi")],  # type: ignore[arg-type]  # blocks
            parameters={"tools": tools, **parameters},
        )
        return KeyMaker().key(request).digest

    plain = key({}, [tool])
    assert key(mark, [tool]) == plain
    assert key({}, [{**tool, **mark}]) == plain
    assert key({}, [tool], **mark) == plain
    assert key({}, [{**tool, "strict": True}]) != plain
