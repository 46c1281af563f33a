"""Every fault, seen by the real SDK: blocking and asynchronous, plain and streamed."""

import json
import random
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path

import openai
import pytest

from langchain_switchyard.testing import (
    Arrearage,
    ContentFilterFinish,
    ContentPolicyViolation,
    ContextLengthExceeded,
    CutAfter,
    Drip,
    ErrorEventInStream,
    EveryNth,
    Fault,
    FaultyProvider,
    Flapping,
    Healthy,
    HtmlWith200,
    InsufficientQuota,
    InvalidApiKey,
    LateFirstToken,
    MalformedEvent,
    ModelNotFound,
    NeverAnswers,
    NoDone,
    NoFinishReason,
    Overloaded,
    RateLimited,
    RejectsPrefill,
    ResetBeforeHeaders,
    ServerError,
    SlowHeaders,
    Sometimes,
    Stall,
    Together,
    TruncatedJson,
    ZhipuError,
)
from langchain_switchyard.testing.faulty import faults
from tests.unit_tests.testing.faulty.clients import MESSAGES, WAYS, ask

both_ways = pytest.mark.parametrize("way", WAYS)
plain_and_streamed = pytest.mark.parametrize("stream", [False, True])

REFUSALS = [
    (RateLimited(), openai.RateLimitError, 429, "rate_limit_exceeded", "Rate limit reached for m"),
    (ServerError(), openai.InternalServerError, 500, None, "The server had an error"),
    (Overloaded(), openai.InternalServerError, 503, None, "currently overloaded"),
    (Overloaded(529), openai.InternalServerError, 529, None, "currently overloaded"),
    (
        InsufficientQuota(),
        openai.RateLimitError,
        429,
        "insufficient_quota",
        "You exceeded your current quota",
    ),
    (Arrearage(), openai.BadRequestError, 400, "Arrearage", "account is in good standing"),
    (
        ContextLengthExceeded(),
        openai.BadRequestError,
        400,
        "context_length_exceeded",
        "maximum context length is 8192 tokens",
    ),
    (
        ContentPolicyViolation(),
        openai.BadRequestError,
        400,
        "content_policy_violation",
        "safety system",
    ),
    (InvalidApiKey(), openai.AuthenticationError, 401, "invalid_api_key", "Incorrect API key"),
    (ModelNotFound(), openai.NotFoundError, 404, "model_not_found", "The model `m` does not exist"),
    (ZhipuError(1113), openai.RateLimitError, 429, "1113", "您的账户已欠费"),
    (ZhipuError(1302), openai.RateLimitError, 429, "1302", "并发数过高"),
    (ZhipuError("1261"), openai.BadRequestError, 400, "1261", "Prompt 超长"),
    (ZhipuError(1301), openai.BadRequestError, 400, "1301", "敏感内容"),
]


@both_ways
@plain_and_streamed
@pytest.mark.parametrize(
    ("fault", "expected"),
    [(fault, expected) for fault, *expected in REFUSALS],
    ids=[repr(fault) for fault, *_ in REFUSALS],
)
def test_refusals_look_like_the_providers_own(provider, way, stream, fault, expected):
    """Class, status, code and words; scripted once, it happens once."""
    kind, status, code, says = expected
    provider.script(fault)
    error = WAYS[way](provider, stream=stream).error
    assert isinstance(error, kind)
    assert (error.status_code, error.code) == (status, code)
    assert says in str(error)
    assert WAYS[way](provider, stream=stream).error is None
    assert provider.attempts == 2
    assert [request.faults for request in provider.requests] == [(type(fault).__name__,), ()]


@pytest.mark.parametrize(("status", "reason"), [(529, "Overloaded"), (599, "Unknown")])
def test_statuses_that_http_does_not_know_have_a_reason(provider, status, reason):
    """Some clients read the status line's words."""
    provider.script(ServerError(status))
    assert ask(provider, stream=False).error.response.reason_phrase == reason


@pytest.mark.parametrize("status", [502, 504])
def test_gateway_errors_are_html_pages(provider, status):
    """What stands before the provider does not speak JSON."""
    provider.script(ServerError(status))
    error = ask(provider, stream=False).error
    assert isinstance(error, openai.InternalServerError)
    assert error.status_code == status
    assert error.response.headers["content-type"] == "text/html"
    assert f"<title>{status} " in error.response.text


def test_retry_after_comes_as_seconds_date_or_milliseconds(provider):
    """All the ways a provider says when to come back."""
    moment = datetime(2030, 1, 2, 11, 4, 5, tzinfo=timezone(timedelta(hours=8)))
    provider.script(
        RateLimited(retry_after=2),
        RateLimited(retry_after=0.5),
        RateLimited(retry_after=moment),
        RateLimited(retry_after="soon", retry_after_ms=120),
        RateLimited(headers={"x-ratelimit-reset-requests": "6s"}),
    )
    headers = [ask(provider, stream=False).error.response.headers for _ in range(5)]
    assert headers[0]["retry-after"] == "2"
    assert headers[1]["retry-after"] == "0.5"
    assert headers[2]["retry-after"] == "Wed, 02 Jan 2030 03:04:05 GMT"
    assert parsedate_to_datetime(headers[2]["retry-after"]) == moment
    assert (headers[3]["retry-after"], headers[3]["retry-after-ms"]) == ("soon", "120")
    assert "retry-after" not in headers[4]
    assert headers[4]["x-ratelimit-reset-requests"] == "6s"


@both_ways
@plain_and_streamed
def test_a_reset_before_headers_is_a_connection_error(provider, way, stream):
    """And no timeout."""
    provider.script(ResetBeforeHeaders())
    error = WAYS[way](provider, stream=stream).error
    assert isinstance(error, openai.APIConnectionError)
    assert not isinstance(error, openai.APITimeoutError)


@both_ways
@plain_and_streamed
@pytest.mark.parametrize("fault", [NeverAnswers(), SlowHeaders(600), LateFirstToken(600)])
def test_silence_runs_into_the_clients_timeout(provider, way, stream, fault):
    """Before the headers or after them; and the client is seen leaving."""
    provider.script(fault)
    heard = WAYS[way](provider, stream=stream, within=0.15)
    # Major 2 of the SDK lets the transport's own timeout through in the middle of a stream.
    assert "Timeout" in type(heard.error).__name__
    assert heard.tokens == []
    provider.settle()
    assert provider.abandoned == 1


@both_ways
@plain_and_streamed
@pytest.mark.parametrize(
    "fault", [SlowHeaders(0.02), LateFirstToken(0.02), Drip(0.001), Stall(2, seconds=0.02)]
)
def test_a_short_delay_changes_nothing_but_time(provider, way, stream, fault):
    """The answer is whole."""
    healthy = WAYS[way](provider, stream=stream)
    provider.script(fault)
    slow = WAYS[way](provider, stream=stream)
    assert slow.error is None
    assert (slow.text, slow.finish, slow.usage) == (healthy.text, healthy.finish, healthy.usage)
    first, second = provider.requests
    assert second.finished - second.started > first.finished - first.started


@both_ways
@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("tokens", [0, 1, 5])
def test_a_stream_is_cut_after_so_many_tokens(provider, way, reset, tokens):
    """Exactly those tokens arrive, no finish reason does, and the client gets an error."""
    provider.script(CutAfter(tokens, reset=reset))
    heard = WAYS[way](provider, stream=True)
    assert len(heard.tokens) == tokens
    assert heard.finish is None
    assert heard.usage is None
    assert heard.error is not None
    assert "ProtocolError" in repr(heard.error.__cause__ or heard.error) or "ReadError" in repr(
        heard.error.__cause__ or heard.error
    )


@both_ways
def test_a_plain_body_is_cut_in_the_middle(provider, way):
    """The announced length never comes."""
    provider.script(CutAfter(3))
    heard = WAYS[way](provider, stream=False)
    assert isinstance(heard.error, openai.APIConnectionError)
    assert heard.text == ""


def test_a_cut_after_more_tokens_than_there_are_comes_before_the_finish():
    """A cut stream never looks complete."""
    with FaultyProvider(answer="a b c", faults=[CutAfter(99)]) as provider:
        heard = ask(provider, stream=True)
    assert heard.text == "a b c"
    assert heard.finish is None
    assert heard.error is not None


@both_ways
@plain_and_streamed
def test_a_stall_delivers_what_came_before_and_then_nothing(provider, way, stream):
    """Silence in the middle runs into the read timeout."""
    provider.script(Stall(after=3))
    heard = WAYS[way](provider, stream=stream, within=0.15)
    assert len(heard.tokens) == (3 if stream else 0)
    assert heard.error is not None
    assert "Timeout" in repr(heard.error)
    provider.settle()
    assert provider.abandoned == 1


@both_ways
def test_pings_defeat_the_read_timeout_but_bring_no_token(provider, way):
    """Comments keep the line alive; the answer still comes when the stall ends."""
    provider.script(Stall(after=1, seconds=0.3, pings=True, every=0.05))
    heard = WAYS[way](provider, stream=True, within=0.2)
    assert heard.error is None
    assert heard.finish == "stop"


@both_ways
def test_a_malformed_event_is_surrounded_by_good_ones(provider, way):
    """The SDK trips over it after the tokens before."""
    provider.script(MalformedEvent(after=2))
    heard = WAYS[way](provider, stream=True)
    assert len(heard.tokens) == 2
    assert isinstance(heard.error, json.JSONDecodeError)


def test_after_a_malformed_event_the_stream_goes_on(provider):
    """A client that skips it loses nothing: rest, finish and end are there."""
    provider.script(MalformedEvent(after=2))
    with openai.OpenAI(base_url=provider.base_url, api_key="x") as client:
        body = client.chat.completions.with_raw_response.create(
            model="m", messages=MESSAGES, stream=True
        ).http_response.read()
    lines = [line for line in body.decode().splitlines() if line.startswith("data: {")]
    broken = []
    for line in lines:
        try:
            json.loads(line[6:])
        except ValueError:
            broken.append(line)
    assert len(broken) == 1
    assert '"finish_reason":"stop"' in lines[-1]
    assert body.endswith(b"data: [DONE]\n\n")


@both_ways
def test_a_stream_without_done_still_says_that_it_is_complete(provider, way):
    """`[DONE]` is decoration; the finish reason counts."""
    provider.script(NoDone())
    heard = WAYS[way](provider, stream=True)
    assert (heard.error, heard.finish) == (None, "stop")


@both_ways
def test_a_stream_without_finish_reason_ends_cleanly_and_is_incomplete(provider, way):
    """The SDK notices nothing: no error, no finish reason."""
    provider.script(NoFinishReason())
    heard = WAYS[way](provider, stream=True)
    assert (heard.error, heard.finish, heard.usage) == (None, None, None)
    assert heard.tokens


@both_ways
def test_an_error_event_ends_a_stream_that_began_well(provider, way):
    """The SDK raises an error without a status."""
    provider.script(ErrorEventInStream(after=2, kind="rate_limited"))
    heard = WAYS[way](provider, stream=True)
    assert len(heard.tokens) == 2
    assert type(heard.error) is openai.APIError
    assert heard.error.code == "rate_limit_exceeded"


@both_ways
def test_an_error_event_of_a_plain_call_is_a_refusal(provider, way):
    """There is no stream to break."""
    provider.script(ErrorEventInStream(code="boom", message="my words"))
    error = WAYS[way](provider, stream=False).error
    assert (error.status_code, error.code) == (500, "boom")
    assert "my words" in str(error)


@both_ways
@plain_and_streamed
def test_a_content_filter_stops_the_answer(provider, way, stream):
    """A few tokens and the reason; usage counts what was said."""
    provider.script(ContentFilterFinish(after=4))
    heard = WAYS[way](provider, stream=stream)
    assert heard.finish == "content_filter"
    assert heard.usage.completion_tokens == 4


@both_ways
@plain_and_streamed
def test_html_with_200_is_no_answer(provider, way, stream):
    """The SDK passes a page off as an answer, or finds no event; no token comes either way."""
    provider.script(HtmlWith200())
    heard = WAYS[way](provider, stream=stream)
    assert heard.tokens == []
    assert heard.finish is None
    assert stream or heard.error is not None


@both_ways
def test_truncated_json_is_valid_http_around_half_a_body(provider, way):
    """Not a connection error: the length is right, the JSON is not."""
    provider.script(TruncatedJson())
    heard = WAYS[way](provider, stream=False)
    assert isinstance(heard.error, json.JSONDecodeError)
    provider.script(TruncatedJson())
    streamed = WAYS[way](provider, stream=True)
    assert (streamed.tokens, streamed.finish) == ([], None)


def test_a_prefill_is_rejected_only_when_there_is_one(provider):
    """A request that ends with the user is answered."""
    provider.set_default(RejectsPrefill())
    assert ask(provider, stream=False).error is None
    prefilled = [*MESSAGES, {"role": "assistant", "content": "Rivers"}]
    assert isinstance(ask(provider, stream=True, messages=prefilled).error, openai.BadRequestError)


def test_a_context_limit_refuses_only_what_is_longer(provider):
    """The limit is in tokens of the prompt."""
    provider.set_default(ContextLengthExceeded(limit=50))
    assert ask(provider, stream=False).error is None
    long = [{"role": "user", "content": "长" * 60}]
    assert ask(provider, stream=False, messages=long).error.code == "context_length_exceeded"


def outcomes(provider: FaultyProvider, count: int) -> str:
    """Ask several times; return `.` for an answer and `x` for an error."""
    return "".join(
        "x" if ask(provider, stream=False).error is not None else "." for _ in range(count)
    )


@pytest.mark.parametrize(
    ("fault", "pattern"),
    [
        (Flapping(ServerError()), ".x.x.x"),
        (Flapping(ServerError(), period=2), "..xx.."),
        (EveryNth(ServerError(), 3), "..x..x"),
        (Sometimes(ServerError(), 1.0), "xxxxxx"),
        (Sometimes(ServerError(), 0.0), "......"),
    ],
)
def test_faults_come_in_their_pattern(provider, fault, pattern):
    """By the number of the completion, or by chance."""
    provider.set_default(fault)
    assert outcomes(provider, 6) == pattern


def test_chance_is_seeded(provider):
    """The same rehearsal again, with the caller's own dice."""

    def pattern(seed):
        provider.set_default(Sometimes(ServerError(), 0.5, random.Random(seed)))
        return outcomes(provider, 12)

    assert pattern(7) == pattern(7)
    assert set(pattern(7)) == {".", "x"}


def test_several_faults_spoil_one_response(provider):
    """Slow and cut at once; the record names both."""
    provider.script(Together(SlowHeaders(0.01), Drip(0.005), CutAfter(2)))
    heard = ask(provider, stream=True)
    assert len(heard.tokens) == 2
    assert heard.error is not None
    (request,) = provider.requests
    assert request.faults == ("SlowHeaders", "Drip", "CutAfter")
    assert request.finished - request.started >= 0.02


def test_the_script_comes_before_the_default(provider):
    """One fault per completion; lists of models consume none."""
    provider.set_default(Overloaded())
    provider.script(Healthy(), ServerError())
    with openai.OpenAI(base_url=provider.base_url, api_key="x") as client:
        assert client.models.list().data
    assert ask(provider, stream=False).error is None
    assert ask(provider, stream=False).error.status_code == 500
    assert ask(provider, stream=False).error.status_code == 503


def test_healthy_answers_may_carry_headers(provider):
    """Limits that a client could read."""
    provider.set_default(Healthy(headers={"x-ratelimit-remaining-requests": "3"}))
    with openai.OpenAI(base_url=provider.base_url, api_key="x") as client:
        raw = client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES)
    assert raw.headers["x-ratelimit-remaining-requests"] == "3"


def test_a_home_made_fault_is_a_few_lines(provider):
    """Overriding `play` is enough; an error in it is reported."""

    class Refusing(Fault):
        def play(self, steps, exchange):
            if exchange.question.text == "boom":
                raise RuntimeError("bug in my fault")
            return steps

    provider.set_default(Refusing())
    assert ask(provider, stream=True).error is None
    boom = [{"role": "user", "content": "boom"}]
    assert ask(provider, stream=True, messages=boom).error.status_code == 500
    assert str(provider.errors[0]) == "bug in my fault"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Flapping(ServerError(), period=0),
        lambda: EveryNth(ServerError(), 0),
        lambda: Sometimes(ServerError(), 1.5),
        lambda: ZhipuError(42),
        lambda: ErrorEventInStream(kind="bad luck"),
    ],
)
def test_nonsense_faults_are_refused_when_made(make):
    """With what would be right."""
    with pytest.raises(ValueError, match=r"give|known"):
        make()


@pytest.mark.parametrize(
    ("url", "fault", "code", "says"),
    [
        ("qwen_url", RateLimited(), "limit_requests", "requests"),
        ("qwen_url", ContentPolicyViolation(), "data_inspection_failed", "DataInspectionFailed"),
        ("qwen_url", ContextLengthExceeded(), "invalid_parameter_error", "Range of input length"),
        ("zhipu_url", RateLimited(), "1302", "并发数过高"),
        ("zhipu_url", InsufficientQuota(), "1113", "欠费"),
        ("zhipu_url", ContentPolicyViolation(), "1301", "敏感内容"),
        ("zhipu_url", ServerError(), "500", "内部错误"),
    ],
)
def test_each_flavour_has_its_own_words(provider, url, fault, code, says):
    """The same fault, worded as the provider behind the URL does."""
    provider.script(fault)
    with openai.OpenAI(base_url=getattr(provider, url), api_key="x", max_retries=0) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model="m", messages=MESSAGES)
        assert caught.value.code == code
        assert says in caught.value.message
        assert client.chat.completions.create(model="m", messages=MESSAGES).choices


def test_azure_says_why_content_was_filtered(provider):
    """With its inner error and the deployment's 404."""
    provider.script(ContentPolicyViolation(), ModelNotFound(), RateLimited(retry_after=20))
    with openai.AzureOpenAI(
        azure_endpoint=provider.root_url, api_key="k", api_version="2024-10-21", max_retries=0
    ) as client:
        errors = []
        for _ in range(3):
            with pytest.raises(openai.APIStatusError) as caught:
                client.chat.completions.create(model="d", messages=MESSAGES)
            errors.append(caught.value)
    assert errors[0].code == "content_filter"
    assert errors[0].body["innererror"]["code"] == "ResponsibleAIPolicyViolation"
    assert errors[1].code == "DeploymentNotFound"
    assert (errors[2].code, errors[2].response.headers["retry-after"]) == ("429", "20")


def test_every_fault_is_documented():
    """Each public fault has its place on the page about testing."""
    page = (Path(__file__).parents[4] / "docs" / "testing.md").read_text("utf-8")
    assert [name for name in faults.__all__ if f"`{name}" not in page] == []
