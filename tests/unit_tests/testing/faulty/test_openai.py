"""OpenAI's dialect, read by OpenAI's own SDK."""

import json

import openai
import pytest

from langchain_switchyard.testing import Answer, FaultyProvider, Question, ToolUse
from langchain_switchyard.testing.tokens import pieces
from tests.unit_tests.testing.faulty.clients import WAYS, ask

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}


def user(text: str) -> list[dict]:
    """Return a conversation of one message."""
    return [{"role": "user", "content": text}]


@pytest.fixture
def client(provider):
    """The blocking SDK."""
    with openai.OpenAI(base_url=provider.base_url, api_key="sk-rehearsal-1", max_retries=0) as one:
        yield one


@pytest.mark.parametrize("way", WAYS)
def test_plain_and_streamed_answers_are_the_same(provider, way):
    """Text, usage and finish reason do not depend on the way."""
    plain, streamed = (WAYS[way](provider, stream=stream) for stream in (False, True))
    assert plain.error is None
    assert streamed.error is None
    assert plain.text == streamed.text != ""
    assert plain.usage == streamed.usage
    assert (plain.finish, streamed.finish) == ("stop", "stop")
    assert len(streamed.tokens) == streamed.usage.completion_tokens


def test_chinese_is_answered_in_chinese_and_counted_by_characters(provider):
    """The prompt costs about a token per character, the answer streams by characters."""
    heard = ask(provider, stream=True, messages=user("长江有多长？"))
    assert "长江有多长" in heard.text
    assert heard.tokens[:4] == ["关", "于", "“", "长"]
    assert 6 <= heard.usage.prompt_tokens <= 15


def test_usage_comes_only_when_asked(client):
    """Without `include_usage` the stream says nothing about tokens."""
    stream = client.chat.completions.create(model="m", messages=user("hi"), stream=True)
    assert all(chunk.usage is None and chunk.choices for chunk in stream)


def test_the_model_is_echoed(client):
    """Whatever is asked answers under its name."""
    assert client.chat.completions.create(model="gpt-x", messages=user("hi")).model == "gpt-x"


def test_a_fixed_answer_is_given():
    """`answer=` needs no brain."""
    with FaultyProvider(answer="四十二") as provider:
        assert ask(provider, stream=True).text == "四十二"


def test_a_brain_may_answer_with_text_tools_or_thoughts():
    """It sees the question in plain words."""
    asked: list[Question] = []

    def brain(question):
        asked.append(question)
        return Answer("six", reasoning="two times three", tool_calls=[ToolUse("f", {"x": 1})])

    with FaultyProvider(brain=brain) as provider:
        messages = [{"role": "developer", "content": "be short"}, *user("2*3?")]
        with openai.OpenAI(base_url=provider.base_url, api_key="x") as client:
            message = (
                client.chat.completions.create(model="m", messages=messages).choices[0].message
            )
    assert message.content == "six"
    assert message.reasoning_content == "two times three"
    assert message.tool_calls[0].function.arguments == '{"x":1}'
    assert [m["role"] for m in asked[0].messages] == ["system", "user"]
    assert asked[0].text == "2*3?"


def test_a_required_tool_is_called_with_arguments_from_the_question(client):
    """`required` calls one; the arguments fit the schema."""
    answer = client.chat.completions.create(
        model="m", messages=user("How is Paris?"), tools=[WEATHER, CLOCK], tool_choice="required"
    ).choices[0]
    (call,) = answer.message.tool_calls
    assert answer.finish_reason == "tool_calls"
    assert answer.message.content is None
    assert call.function.name == "get_weather"
    assert set(json.loads(call.function.arguments)) == {"city"}


def test_a_named_tool_is_called_and_none_forbids(client):
    """The choice is obeyed."""
    named = {"type": "function", "function": {"name": "get_time"}}
    options = {"model": "m", "messages": user("weather?"), "tools": [WEATHER, CLOCK]}
    call = client.chat.completions.create(**options, tool_choice=named).choices[0].message
    assert call.tool_calls[0].function.name == "get_time"
    assert call.tool_calls[0].function.arguments == "{}"
    silent = client.chat.completions.create(**options, tool_choice="none").choices[0].message
    assert silent.tool_calls is None


def test_parallel_tool_calls_stream_in_fragments_with_their_index(client):
    """Names first, arguments in at least two pieces each, ids unique."""
    text = "Use get_weather and get_time for '北京'"
    stream = client.chat.completions.create(
        model="m", messages=user(text), tools=[WEATHER, CLOCK], stream=True
    )
    deltas = [call for chunk in stream for call in (chunk.choices[0].delta.tool_calls or [])]
    assert {call.index for call in deltas} == {0, 1}
    assert [call.function.name for call in deltas if call.function.name] == [
        "get_weather",
        "get_time",
    ]
    fragments = [call.function.arguments for call in deltas if call.index == 0]
    assert len([fragment for fragment in fragments if fragment]) >= 2
    assert json.loads("".join(fragments)) == {"city": "北京"}
    assert len({call.id for call in deltas if call.id}) == 2


def test_one_call_at_a_time_if_asked(client):
    """`parallel_tool_calls=False` is obeyed."""
    answer = client.chat.completions.create(
        model="m",
        messages=user("Use get_weather and get_time"),
        tools=[WEATHER, CLOCK],
        parallel_tool_calls=False,
    )
    assert len(answer.choices[0].message.tool_calls) == 1


def test_a_tool_result_is_answered_with_text(client):
    """The loop of an agent ends."""
    messages = user("What is the weather in Rome?")
    first = client.chat.completions.create(model="m", messages=messages, tools=[WEATHER])
    call = first.choices[0].message
    result = {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "sunny"}
    answer = client.chat.completions.create(
        model="m", messages=[*messages, call.model_dump(), result], tools=[WEATHER]
    ).choices[0]
    assert answer.finish_reason == "stop"
    assert "sunny" in answer.message.content


def test_json_schema_is_filled_and_json_object_is_an_object(client):
    """Structured answers parse."""
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 7}},
    }
    answer = client.chat.completions.create(
        model="m",
        messages=user("Plan 5 days in Rome"),
        response_format={"type": "json_schema", "json_schema": {"name": "plan", "schema": schema}},
    )
    assert json.loads(answer.choices[0].message.content) == {"city": "Rome", "days": 5}
    free = client.chat.completions.create(
        model="m", messages=user("json"), response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(free.choices[0].message.content), dict)


def test_the_token_limit_and_stop_sequences_are_obeyed(provider):
    """`length` and `stop` are what a provider would say."""
    short = ask(provider, stream=True, max_completion_tokens=3)
    assert (len(short.tokens), short.finish, short.usage.completion_tokens) == (3, "length", 3)
    stopped = ask(provider, stream=False, stop=["rivers"])
    assert stopped.text == 'About "Tell me about '
    assert stopped.finish == "stop"


def test_an_answer_is_continued_after_a_prefill():
    """A last assistant message is not said again."""
    with FaultyProvider(answer="one two three four") as provider:
        prefill = {"role": "assistant", "content": "one two"}
        heard = ask(provider, stream=True, messages=[*user("count"), prefill])
        assert heard.text == " three four"
        other = {"role": "assistant", "content": "eins"}
        assert ask(provider, stream=False, messages=[*user("count"), other]).text == (
            "one two three four"
        )


def test_images_and_files_are_accepted(client):
    """Multimodal content counts, and its text is read."""
    content = [
        {"type": "text", "text": "What is in "},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "text", "text": "this picture?"},
    ]
    plain = client.chat.completions.create(model="m", messages=user("What is in this picture?"))
    answer = client.chat.completions.create(model="m", messages=user(content))
    assert "What is in this picture?" in answer.choices[0].message.content
    assert answer.usage.prompt_tokens - plain.usage.prompt_tokens == 85


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([], "Missing required parameter"),
        (
            [*user("x"), {"role": "tool", "tool_call_id": "c", "content": "y"}],
            "must be a response to a",
        ),
        (
            [
                *user("x"),
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": "c9", "type": "function", "function": {"name": "f", "arguments": ""}}
                    ],
                },
                *user("y"),
            ],
            "did not have response messages: c9",
        ),
    ],
)
def test_requests_that_openai_refuses_are_refused(client, messages, says):
    """A history torn apart is found here, and not by the first customer."""
    with pytest.raises(openai.BadRequestError, match=says):
        client.chat.completions.create(model="m", messages=messages)


def test_a_body_that_is_no_json_is_refused(client):
    """With OpenAI's own words."""
    with pytest.raises(openai.BadRequestError, match="could not parse the JSON body"):
        client.post("/chat/completions", cast_to=object, content=b"{nonsense")


def test_wrong_keys_are_refused_when_keys_are_set():
    """Completions and lists alike."""
    with FaultyProvider(api_keys={"sk-right"}) as provider:
        with openai.OpenAI(base_url=provider.base_url, api_key="sk-rehearsal-9") as wrong:
            with pytest.raises(
                openai.AuthenticationError, match=r"Incorrect API key.*sk-\*\*\*al-9"
            ):
                wrong.chat.completions.create(model="m", messages=user("hi"))
            with pytest.raises(openai.AuthenticationError):
                wrong.models.list()
        with openai.OpenAI(base_url=provider.base_url, api_key="sk-right") as right:
            assert right.chat.completions.create(model="m", messages=user("hi")).choices


def test_models_are_listed(client):
    """One by one, too; an unknown one is a 404."""
    assert [model.id for model in client.models.list()] == ["rehearsal"]
    assert client.models.retrieve("rehearsal").id == "rehearsal"
    with pytest.raises(openai.NotFoundError, match="`nope` does not exist"):
        client.models.retrieve("nope")


def test_embeddings_are_deterministic_and_know_neighbours(client):
    """Texts that share words are nearer; both encodings agree; Chinese too."""

    def embed(*texts, **more):
        found = client.embeddings.create(model="e", input=list(texts), **more)
        return [item.embedding for item in found.data]

    def dot(a, b):
        return sum(x * y for x, y in zip(a, b, strict=True))

    cat, kitten, car = embed("the cat sleeps", "the cat sleeps now", "red car engine")
    assert embed("the cat sleeps") == [cat]
    assert dot(cat, kitten) > 0.5 > dot(cat, car)
    assert dot(cat, cat) == pytest.approx(1, abs=1e-5)
    assert embed("the cat sleeps", encoding_format="float")[0] == pytest.approx(cat)
    assert len(embed("x", dimensions=64)[0]) == 64
    chinese, near, far = embed("今天天气很好", "今天天气不错", "数据库索引")
    assert dot(chinese, near) > dot(chinese, far)


def test_embeddings_of_token_numbers_are_embeddings_too(client):
    """Some clients tokenize before they send."""
    one, same, other = (
        client.embeddings.create(model="e", input=tokens).data[0].embedding
        for tokens in ([1, 2, 3], [1, 2, 3], [7, 8, 9])
    )
    assert one == same != other


def test_an_answer_of_nothing_is_an_empty_text():
    """No token, but a finish reason."""
    with FaultyProvider(answer="") as provider:
        for stream in (False, True):
            heard = ask(provider, stream=stream)
            assert (heard.text, heard.finish, heard.error) == ("", "stop", None)


def test_a_history_without_a_user_is_answered(provider):
    """Only the system has spoken."""
    assert ask(provider, stream=False, messages=[{"role": "system", "content": "be kind"}]).text


def test_azure_paths_carry_the_deployment_and_filter_results(provider):
    """The SDK's Azure client works."""
    with openai.AzureOpenAI(
        azure_endpoint=provider.root_url, api_key="k", api_version="2024-10-21", max_retries=0
    ) as client:
        answer = client.chat.completions.create(model="my-gpt", messages=user("hi"))
        stream = client.chat.completions.create(model="my-gpt", messages=user("hi"), stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert answer.model == "my-gpt"
    assert answer.choices[0].content_filter_results["hate"]["filtered"] is False
    assert text == answer.choices[0].message.content
    (first, _) = provider.requests
    assert first.path == "/openai/deployments/my-gpt/chat/completions"
    assert first.query == "api-version=2024-10-21"
    assert first.headers["api-key"] == "k"


def test_tokens_of_a_stream_are_the_pieces_of_the_text(provider):
    """What faults count is what usage counts."""
    heard = ask(provider, stream=True)
    assert tuple(heard.tokens) == pieces(heard.text)
