"""Every fault a provider can have, seen through its real SDK, on all four ways in.

The caller gets the whole answer exactly once, or a bounded clear error: never a truncated or mixed
answer presented as success.
"""

from __future__ import annotations

import asyncio
import functools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI

from langchain_switchyard import (
    AllDeploymentsFailed,
    CallOptions,
    ChatSwitchyard,
    Deployment,
    StreamInterrupted,
    Timeouts,
    Traits,
    World,
)
from langchain_switchyard.testing import (
    ContentPolicyViolation,
    ContextLengthExceeded,
    CutAfter,
    ErrorEventInStream,
    FakeClock,
    Fault,
    FaultyProvider,
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
    ResetBeforeHeaders,
    ServerError,
    Stall,
    TruncatedJson,
)

BAD = "the first provider says these very words and then some more"
GOOD = "the second provider answers in full, 一字不差"
WAYS = ["invoke", "ainvoke", "stream", "astream"]
QUICK = Timeouts(first_token=0.4, stall=0.4, total=1.0)


@pytest.fixture
def bad() -> Iterator[FaultyProvider]:
    """The provider that fails."""
    with FaultyProvider(answer=BAD) as provider:
        yield provider


@pytest.fixture
def good() -> Iterator[FaultyProvider]:
    """The provider that answers."""
    with FaultyProvider(answer=GOOD) as provider:
        yield provider


def deployment(provider: FaultyProvider, name: str, **fields: Any) -> Deployment:
    model = ChatOpenAI(base_url=provider.base_url, model=name, api_key="x", stream_usage=True)
    return Deployment(model, id=name, **fields)


def yard(bad: FaultyProvider, good: FaultyProvider, **settings: Any) -> ChatSwitchyard:
    return ChatSwitchyard(
        deployments=[deployment(bad, "bad"), deployment(good, "good", tier=1)],
        **{"timeouts": QUICK, **settings},
    )


async def ask(model: ChatSwitchyard, way: str, **kwargs: Any) -> Any:
    """The answer as its consumer holds it; streams are summed."""
    if way == "invoke":
        return model.invoke("hi", **kwargs)
    if way == "ainvoke":
        return await model.ainvoke("hi", **kwargs)
    if way == "stream":
        chunks = list(model.stream("hi", **kwargs))
    else:
        chunks = [chunk async for chunk in model.astream("hi", **kwargs)]
    return functools.reduce(operator.add, chunks)


def assert_whole(message: AIMessage, text: str, name: str) -> None:
    """Text, model and usage are those of whoever answered."""
    assert message.text == text
    assert message.response_metadata["model_name"] == name
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_tokens"] > 0


@dataclass(frozen=True)
class Case:
    """A fault that lasts, and how often the bad provider may be asked."""

    fault: Fault
    attempts: int
    breaks_after_commit: bool = False
    streams_only: bool = False


LASTING = {
    "silent": Case(NeverAnswers(), 1),
    "late_first_token": Case(LateFirstToken(30), 1, streams_only=True),
    "reset_before_headers": Case(ResetBeforeHeaders(), 2),
    "500_for_ever": Case(ServerError(500), 2),
    "503_for_ever": Case(Overloaded(), 2),
    "429_without_hint": Case(RateLimited(), 1),
    "429_with_hint": Case(RateLimited(retry_after=60), 1),
    "html_with_200": Case(HtmlWith200(), 2),
    "truncated_json": Case(TruncatedJson(), 2),
    "insufficient_quota": Case(InsufficientQuota(), 1),
    "invalid_key": Case(InvalidApiKey(), 1),
    "model_not_found": Case(ModelNotFound(), 1),
    "context_length": Case(ContextLengthExceeded(), 1),
    "cut_before_content": Case(CutAfter(0), 2, streams_only=True),
    "cut": Case(CutAfter(3), 2, breaks_after_commit=True, streams_only=True),
    "cut_with_rst": Case(CutAfter(3, reset=True), 2, breaks_after_commit=True, streams_only=True),
    "stall": Case(Stall(3), 1, breaks_after_commit=True, streams_only=True),
    "stall_with_pings": Case(Stall(3, pings=True), 1, True, True),
    "error_event": Case(ErrorEventInStream(3), 2, breaks_after_commit=True, streams_only=True),
    "no_finish_reason": Case(NoFinishReason(), 2, breaks_after_commit=True, streams_only=True),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", LASTING)
async def test_lasting_fault_ends_in_the_whole_answer_of_the_next(bad, good, way, name):
    """With restart opted in, all four ways come to the same whole answer."""
    case = LASTING[name]
    if case.streams_only and "stream" not in way:
        bad.set_default(Overloaded())
    else:
        bad.set_default(case.fault)
    model = yard(bad, good, recovery="restart", world=World(clock=_impatient_clock()))

    answer = await ask(model, way)

    assert_whole(answer, GOOD, "good")
    assert 1 <= bad.attempts <= (case.attempts if "stream" in way or not case.streams_only else 2)
    assert good.attempts == 1


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("name", [n for n, case in LASTING.items() if case.breaks_after_commit])
async def test_break_before_the_reader_s_eyes_is_an_error_by_default(bad, good, way, name):
    """The error carries what was shown; nobody else's words are mixed in."""
    bad.set_default(LASTING[name].fault)
    seen: list[str] = []
    model = yard(bad, good)
    with pytest.raises(StreamInterrupted) as caught:
        if way == "stream":
            for chunk in model.stream("hi"):
                seen.append(chunk.text)
        else:
            async for chunk in model.astream("hi"):
                seen.append(chunk.text)

    assert caught.value.partial == "".join(seen)
    assert BAD.startswith("".join(seen).strip())
    assert bad.attempts == 1
    assert good.attempts == 0


@pytest.mark.parametrize("way", WAYS)
async def test_500_once_is_retried_on_the_same_provider(bad, good, way):
    """A hiccup does not cost the better tier."""
    bad.script(ServerError(500))

    answer = await ask(yard(bad, good), way)

    assert_whole(answer, BAD, "bad")
    assert (bad.attempts, good.attempts) == (2, 0)


@pytest.mark.parametrize("way", WAYS)
async def test_retry_after_is_obeyed(bad, way):
    """Two seconds mean two seconds, on the only provider there is."""
    bad.script(RateLimited(retry_after=2))
    clock = _impatient_clock()
    model = ChatSwitchyard(deployments=[deployment(bad, "bad")], world=World(clock=clock))

    answer = await ask(model, way)

    assert_whole(answer, BAD, "bad")
    assert 2 <= sum(clock.slept) <= 2.2
    assert bad.attempts == 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", [RateLimited(), RateLimited(retry_after=1), Overloaded()])
async def test_persistent_refusal_is_a_bounded_clear_error(bad, way, fault):
    """At most three attempts, and the error tells them all."""
    bad.set_default(fault)
    world = World(clock=_impatient_clock())
    model = ChatSwitchyard(deployments=[deployment(bad, "bad")], world=world)

    with pytest.raises(AllDeploymentsFailed) as caught:
        await ask(model, way)

    assert bad.attempts == len(caught.value.attempts) <= 3


@pytest.mark.parametrize("way", WAYS)
async def test_filtered_content_is_not_routed_around(bad, good, way):
    """The provider's reason reaches the caller, and nobody else is asked."""
    bad.set_default(ContentPolicyViolation())

    with pytest.raises(Exception, match="safety system") as caught:
        await ask(yard(bad, good), way)

    assert type(caught.value).__module__.startswith(("openai", "langchain_openai"))
    assert (bad.attempts, good.attempts) == (1, 0)


@pytest.mark.parametrize("way", WAYS)
async def test_overflow_is_not_sent_to_a_window_of_the_same_size(bad, good, way):
    """One attempt, and an error that trimming code knows."""
    bad.set_default(ContextLengthExceeded())
    window = Traits(context_window=8192)
    model = ChatSwitchyard(
        deployments=[
            deployment(bad, "bad", traits=window),
            deployment(good, "good", tier=1, traits=window),
        ],
        timeouts=QUICK,
    )

    with pytest.raises(ContextOverflowError):
        await ask(model, way)

    assert (bad.attempts, good.attempts) == (1, 0)


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_stream_without_done_is_fine(bad, good, way):
    """The finish reason is what counts."""
    bad.set_default(NoDone())

    answer = await ask(yard(bad, good), way)

    assert_whole(answer, BAD, "bad")


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_one_malformed_event_is_survived(bad, good, way):
    """Noise between good events costs nobody a stream."""
    bad.set_default(MalformedEvent(3))

    answer = await ask(yard(bad, good), way)

    assert_whole(answer, BAD, "bad")
    assert (bad.attempts, good.attempts) == (1, 0)


@pytest.mark.parametrize("way", WAYS)
async def test_deadline_bounds_a_fleet_of_silent_providers(bad, good, way):
    """One attempt each at most, and an error in time."""
    bad.set_default(NeverAnswers())
    good.set_default(NeverAnswers())

    with pytest.raises(AllDeploymentsFailed):
        await ask(yard(bad, good), way, switchyard=CallOptions(deadline=0.5))

    assert bad.attempts == 1
    assert good.attempts <= 1


async def test_primary_serves_again_after_an_outage_and_saw_few_probes(bad, good):
    """Sixty seconds of 503, a call a second: back within thirty, on a virtual clock."""
    clock = FakeClock()
    model = yard(bad, good, world=World(clock=clock))
    bad.set_default(Overloaded())
    for _ in range(60):
        assert (await model.ainvoke("hi")).text == GOOD
        clock.advance(1)
    probes = bad.attempts
    bad.set_default(Healthy())
    served = []
    for _ in range(30):
        served.append((await model.ainvoke("hi")).text)
        clock.advance(1)

    assert probes <= 12
    assert served[-10:] == [BAD] * 10


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
async def test_nothing_of_an_abandoned_attempt_holds_a_connection(bad, good, way):
    """The silent provider sees its client go away."""
    bad.set_default(NeverAnswers() if way == "ainvoke" else Stall(2))
    model = yard(bad, good, recovery="restart")

    await ask(model, way)

    for _ in range(200):
        if bad.abandoned == 1:
            break
        await asyncio.sleep(0.01)
    assert bad.abandoned == 1


def _impatient_clock() -> FakeClock:
    """Waits between attempts take no time; a provider's silence is real."""
    return FakeClock()
