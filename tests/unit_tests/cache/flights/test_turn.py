"""Processes that ask the same at the same time: one asks, the others hear it live."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from langchain_switchyard.cache.policy import CachePolicy, Freshness, SingleFlight
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.errors import DeadlineExceeded, StreamInterrupted
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.deployment import Deployment, Traits
from langchain_switchyard.testing import CallTool, Delay, FakeClock, Say, ScriptedChatModel
from tests.unit_tests.cache.builders import told, wishes, yard

SLOW = [[Delay(5), Say("one two three "), Delay(5), Say("four five")]]
ALL = "one two three four five"


class Inline(SqliteLevel):
    """A real file, read on the event loop itself: threads know nothing of virtual time."""

    dead = False
    """A dead process does nothing any more, not even tidy up."""


def _inline(name: str) -> Callable[..., Any]:
    async def method(self: Inline, *args: Any) -> Any:
        return getattr(self, name)(*args)

    return method


for _name in dir(SqliteLevel):
    if not _name.startswith("_") and hasattr(SqliteLevel, f"a{_name}"):
        setattr(Inline, f"a{_name}", _inline(_name))


class Mortal(Inline):
    """One that can die."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("renew", "tell", "unlock", "publish", "put") and self.dead:
            return lambda *_: None
        return super().__getattribute__(name)


class Absent(Inline):
    """One that can be away for a while."""

    down = False

    def _do(self, operation: Any, default: Any) -> Any:
        return default if self.down else super()._do(operation, default)


class Town:
    """Several processes and their shared file, in one virtual time."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.path = folder / "cache.db"
        self.levels: list[Any] = []
        self.caches: list[ResponseCache] = []

    def process(
        self,
        script: Any,
        *,
        kind: type[SqliteLevel] = Inline,
        rule: Any = None,
        traits: Any = None,
        **facts: Any,
    ) -> tuple[ChatSwitchyard, ScriptedChatModel]:
        """One more process: its own memory, its own handle, its own model."""
        self.levels.append(kind(self.path, wall=self.clock.wall))
        policy = CachePolicy(single_flight=rule or SingleFlight())
        self.caches.append(ResponseCache([MemoryLevel(), self.levels[-1]], policy, **facts))
        model = ScriptedChatModel(script=script, clock=self.clock)
        deployment = Deployment(model=model, id="d0", traits=traits or Traits())
        world = World(clock=self.clock, random=random.Random(7))
        router = ChatSwitchyard(deployments=[deployment], cache=self.caches[-1], world=world)
        return router, model


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """Empty."""
    return Town(tmp_path)


async def read(router: ChatSwitchyard, **options: Any) -> str:
    """A stream's text."""
    return "".join([chunk.text async for chunk in router.astream("q", **options)])


async def later(seconds: float, call: Any) -> Any:
    """What comes of it when it is begun later."""
    await asyncio.sleep(seconds)
    return await call


async def outcome(call: Any) -> Any:
    """An answer's text, or the error."""
    try:
        answer = await call
    except Exception as error:  # noqa: BLE001 - looked at by the test.
        return error
    return answer if isinstance(answer, str) else answer.text


async def summed(router: ChatSwitchyard, **options: Any) -> str:
    """What a reader who adds chunks up ends with."""
    total: Any = None
    async for chunk in router.astream("q", **options):
        total = chunk if total is None else total + chunk
    return str(total.text)


def test_followers_in_another_process_see_words_as_they_come(town: Town) -> None:
    """One model call; half of the answer is seen long before the whole."""
    first, _ = town.process(SLOW)
    second, idle = town.process(SLOW)
    seen: list[tuple[float, str]] = []

    async def watch() -> None:
        async for chunk in second.astream("q"):
            if chunk.text:
                seen.append((town.clock.now(), chunk.text))

    async def both() -> Any:
        return await asyncio.gather(read(first), later(1, watch()))

    assert town.clock.run(both())[0] == ALL
    assert "".join(text for _, text in seen) == ALL
    assert seen[0][0] < 5.2
    assert 10 <= seen[-1][0] < 10.2
    assert not idle.calls


@pytest.mark.parametrize("first_streams", [True, False])
@pytest.mark.parametrize("second_streams", [True, False])
def test_whole_and_streamed_callers_share_across_processes(
    town: Town, first_streams: bool, second_streams: bool
) -> None:
    """However either travels; the second one is billed nothing."""
    first, _ = town.process(SLOW)
    second, idle = town.process(SLOW)
    ways = [
        read(router) if streams else router.ainvoke("q")
        for router, streams in ((first, first_streams), (second, second_streams))
    ]

    async def both() -> Any:
        return await asyncio.gather(outcome(ways[0]), later(1, outcome(ways[1])))

    assert town.clock.run(both()) == [ALL, ALL]
    assert not idle.calls
    assert town.caches[1].stats().count("coalesced") == 1


def test_a_shared_live_answer_says_so_and_costs_nothing(town: Town) -> None:
    """Like every coalesced one."""
    first, _ = town.process(SLOW)
    second, _ = town.process(SLOW)

    async def both() -> Any:
        chunks = [chunk async for chunk in second.astream("q")]
        total = chunks[0]
        for chunk in chunks[1:]:
            total = total + chunk
        return total

    async def run() -> Any:
        return (await asyncio.gather(read(first), later(1, both())))[1]

    total = town.clock.run(run())
    assert total.text == ALL
    assert told(total)["cache"] == "exact"
    assert told(total)["cache_detail"]["coalesced"]
    assert told(total)["saved_usage"]["output_tokens"] > 0
    assert not total.usage_metadata or total.usage_metadata["output_tokens"] == 0


def test_many_followers_in_many_processes_make_one_call(town: Town) -> None:
    """Each process has riders of its own."""
    processes = [town.process(SLOW) for _ in range(5)]

    async def all_at_once() -> list[Any]:
        calls = (read(router) for router, _ in processes * 10)
        return await asyncio.gather(*calls)

    assert set(town.clock.run(all_at_once())) == {ALL}
    assert sum(len(model.calls) for _, model in processes) == 1


def _killed_after(town: Town, seconds: float, follower: Any, leads: Any = None) -> list[Any]:
    """A leader dies after so many seconds; what becomes of the follower."""
    first, _ = town.process([[Say("one two three "), Delay(1e6), Say("never said")]], kind=Mortal)

    async def run() -> list[Any]:
        leading = asyncio.create_task(outcome(leads(first) if leads else read(first)))
        await asyncio.sleep(seconds)
        following = asyncio.create_task(outcome(follower))
        await asyncio.sleep(1)
        town.levels[-1].dead = True
        died = town.clock.now()
        ended = await following
        leading.cancel()
        return [ended, town.clock.now() - died]

    return town.clock.run(run())


def test_a_dead_leader_frees_whole_followers_within_the_lease(town: Town) -> None:
    """They ask by themselves."""
    second, model = town.process(["mine"])
    ended, waited = _killed_after(town, 1, second.ainvoke("q"))
    assert ended == "mine"
    assert waited < 10.2
    assert len(model.calls) == 1


def test_a_reader_of_plain_text_is_told_what_it_has_of_a_dead_leaders_answer(town: Town) -> None:
    """Never half of one answer and half of another."""
    second, model = town.process(["mine"])
    ended, waited = _killed_after(town, 1, read(second))
    assert isinstance(ended, StreamInterrupted)
    assert ended.partial == "one two three "
    assert waited < 10.2
    assert not model.calls


def test_a_reader_who_takes_restarts_gets_the_next_ones_whole_answer(town: Town) -> None:
    """The dead leader's words are taken back."""
    options = wishes(recovery="restart")
    second, model = town.process([[Say("all mine")]])
    ended, waited = _killed_after(
        town, 1, summed(second, **options), lambda first: read(first, **options)
    )
    assert ended == "all mine"
    assert waited < 10.2
    assert len(model.calls) == 1


def test_a_reader_who_takes_continuations_gets_one_where_a_model_can(town: Town) -> None:
    """The next process's model goes on from the dead leader's words, or the reader is told."""
    options = wishes(recovery="continue")
    for abilities in (frozenset({"prefill"}), frozenset()):
        second, model = town.process([[Say("and mine")]], traits=Traits(capabilities=abilities))
        ended, waited = _killed_after(
            town, 1, read(second, **options), lambda first: read(first, **options)
        )
        assert waited < 10.2
        if abilities:
            assert ended == "one two three and mine"
            assert model.calls[0].messages[-1].text == "one two three "
        else:
            assert isinstance(ended, StreamInterrupted)
            assert ended.partial == "one two three "


def test_third_processes_follow_the_one_that_took_over(town: Town) -> None:
    """Without a word of the first one's."""
    options = wishes(recovery="restart")
    second, model = town.process([[Say("all "), Delay(5), Say("new")]])
    third, idle = town.process(["unasked"])

    async def both() -> str:
        ends = await asyncio.gather(summed(second, **options), summed(third, **options))
        assert ends[0] == ends[1]
        return ends[1]

    ended, _ = _killed_after(town, 1, both(), lambda first: read(first, **options))
    assert ended in ("all new", "unasked")
    assert len(model.calls) + len(idle.calls) == 1


def test_a_late_leader_cannot_overwrite_the_next_ones_answer(town: Town) -> None:
    """It was stopped for longer than its lease, and does not know."""
    first, _ = town.process([[Delay(30), Say("old")]], kind=Mortal)
    second, _ = town.process(["new"])

    async def run() -> list[Any]:
        leading = asyncio.create_task(outcome(first.ainvoke("q")))
        await asyncio.sleep(1)
        town.levels[0].dead = True
        following = await outcome(second.ainvoke("q"))
        town.levels[0].dead = False
        return [following, await leading, await outcome(first.ainvoke("q"))]

    assert town.clock.run(run()) == ["new", "old", "new"]
    assert town.caches[0].stats().reasons["default", "not stored: overtaken"] == 1


def test_a_slow_leader_that_lives_is_not_overtaken(town: Town) -> None:
    """Its lease is renewed for as long as it takes."""
    rule = SingleFlight(lease=2)
    first, _ = town.process([[Delay(9), Say("worth "), Delay(9), Say("the wait")]], rule=rule)
    second, idle = town.process(["unasked"], rule=rule)

    async def both() -> Any:
        return await asyncio.gather(read(first), later(1, read(second)))

    assert town.clock.run(both()) == ["worth the wait"] * 2
    assert not idle.calls


def test_who_hears_nothing_for_too_long_asks_by_itself(town: Town) -> None:
    """Patience is the follower's own; a stream that goes on is not silence."""
    rule = SingleFlight(follow_for=3)
    talking = [[Say("one ")] + [part for _ in range(5) for part in (Delay(2), Say("more "))]]
    first, _ = town.process(talking, rule=rule)
    second, idle = town.process(["mine"], rule=rule)

    async def both() -> Any:
        return await asyncio.gather(read(first), later(1, read(second)))

    one, two = town.clock.run(both())
    assert one == two == "one " + "more " * 5
    assert not idle.calls
    first, _ = town.process([[Delay(60), Say("late")]], rule=rule)
    second, model = town.process(["mine"], rule=rule)

    async def impatient() -> Any:
        other = asyncio.create_task(first.ainvoke("other"))
        answer = await later(1, second.ainvoke("other"))
        assert town.clock.now() < 20
        await other
        return answer.text

    assert town.clock.run(impatient()) == "mine"
    assert len(model.calls) == 1


def test_an_answer_stored_since_one_looked_is_not_asked_for_again(town: Town) -> None:
    """Between looking and locking another process may have been through with it."""
    first, _ = town.process(["theirs"])
    second, idle = town.process(["unasked"])
    lock = town.levels[1].lock

    def other_is_quicker(*args: Any) -> Any:
        if town.caches[0].stats().requests == 0:
            first.invoke("q")
        return lock(*args)

    town.levels[1].lock = other_is_quicker
    assert second.invoke("q").text == "theirs"
    assert not idle.calls


def test_a_refresh_is_not_content_with_what_is_there(town: Town) -> None:
    """It is to be replaced, fresh or not."""
    policy = CachePolicy(freshness=Freshness(fresh_for=10, stale_while_revalidate=60, jitter=0))
    level = Inline(town.path, wall=town.clock.wall)
    cache = ResponseCache([MemoryLevel(), level], policy)
    router, model = yard(cache, ["old", "new"], clock=town.clock)

    async def run() -> list[str]:
        texts = [(await router.ainvoke("q")).text]
        await asyncio.sleep(11)
        texts.append((await router.ainvoke("q")).text)
        await cache.asettle()
        return [*texts, (await router.ainvoke("q")).text]

    assert town.clock.run(run()) == ["old", "old", "new"]
    assert len(model.calls) == 2


def test_an_error_lets_the_next_process_try(town: Town) -> None:
    """At once, not when a lease ends."""
    first, _ = town.process([[Delay(5), ValueError("a bug")]])
    second, model = town.process(["mine"])

    async def both() -> Any:
        return await asyncio.gather(outcome(read(first)), later(1, outcome(read(second))))

    failed, answered = town.clock.run(both())
    assert isinstance(failed, Exception)
    assert answered == "mine"
    assert len(model.calls) == 1
    assert town.clock.now() < 6


def test_answers_that_may_not_be_stored_are_shared_while_they_come(town: Town) -> None:
    """A tool call is nobody's to keep, but who asks the same now gets the same."""
    first, _ = town.process([[Delay(5), CallTool("pay", {"元": 5})]])
    second, idle = town.process(["unasked"])

    async def both() -> Any:
        return await asyncio.gather(first.ainvoke("q"), later(1, second.ainvoke("q")))

    answers = town.clock.run(both())
    assert [answer.tool_calls[0]["args"] for answer in answers] == [{"元": 5}] * 2
    assert not idle.calls
    assert town.levels[0].usage().entries == 0


def test_nothing_is_told_before_redaction(town: Town) -> None:
    """Others get what is stored, and nothing else ever leaves the process."""
    redact = lambda message: message.model_copy(update={"content": "[redacted]"})
    first, _ = town.process(SLOW, redact=redact)
    second, idle = town.process(["unasked"], redact=redact)
    told_frames: list[Any] = []
    town.levels[0].tell = lambda *args: told_frames.append(args)

    async def both() -> Any:
        return await asyncio.gather(read(first), later(1, read(second)))

    assert town.clock.run(both()) == [ALL, "[redacted]"]
    assert not idle.calls
    assert not told_frames


def test_no_store_leaves_no_trace_in_the_shared_level(town: Town) -> None:
    """Neither an entry nor a frame; the other process asks by itself."""
    first, _ = town.process(SLOW)
    second, model = town.process(["mine"])
    told_frames: list[Any] = []
    town.levels[0].tell = lambda *args: told_frames.append(args)
    options = wishes(cache=CacheOptions(no_store=True))

    async def both() -> Any:
        return await asyncio.gather(read(first, **options), later(1, read(second)))

    assert town.clock.run(both()) == [ALL, "mine"]
    assert len(model.calls) == 1
    assert not told_frames


def test_requests_that_must_be_fresh_wait_for_nobody(town: Town) -> None:
    """`no_cache` asks at once."""
    first, _ = town.process(SLOW)
    second, model = town.process(["mine"])
    options = wishes(cache=CacheOptions(no_cache=True))

    async def both() -> Any:
        leading = asyncio.create_task(read(first))
        answer = await later(1, read(second, **options))
        assert town.clock.now() < 1.2
        await leading
        return answer

    assert town.clock.run(both()) == "mine"
    assert len(model.calls) == 1


def test_a_follower_keeps_its_own_deadline(town: Town) -> None:
    """However long another process takes."""
    first, _ = town.process(SLOW)
    second, _ = town.process(["unasked"])

    async def both() -> Any:
        leading = asyncio.create_task(read(first))
        error = await later(1, outcome(second.ainvoke("q", **wishes(deadline=2))))
        assert 3 <= town.clock.now() < 3.2
        await leading
        return error

    assert isinstance(town.clock.run(both()), DeadlineExceeded)


def test_what_was_asked_before_an_invalidation_is_not_followed_after_it(town: Town) -> None:
    """Neither in this process nor in another."""
    old = [[Delay(5), Say("old knowledge")], "new knowledge"]
    first, model = town.process(old)
    second, _ = town.process([[Delay(5), Say("newer knowledge")]])

    async def run() -> list[Any]:
        leading = asyncio.create_task(read(first))
        await asyncio.sleep(1)
        await town.caches[0].ainvalidate()
        await asyncio.sleep(1)
        here = asyncio.create_task(read(first))
        there = asyncio.create_task(read(second))
        return [await leading, await here, await there]

    before, here, there = town.clock.run(run())
    assert before == "old knowledge"
    assert "old" not in here
    assert "old" not in there
    assert len(model.calls) <= 2


def test_unreadable_frames_are_not_shown(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """The stored answer is there in the end."""
    first, _ = town.process(SLOW)
    second, idle = town.process(["unasked"])
    town.levels[1].heard = lambda *_: [b"x{}"]

    async def both() -> Any:
        return await asyncio.gather(read(first), later(1, read(second)))

    with caplog.at_level(logging.WARNING):
        assert town.clock.run(both()) == [ALL, ALL]
    assert not idle.calls
    assert "unreadable frame" in caplog.text


def _breaking(town: Town, follower: ChatSwitchyard, *, until: float) -> list[Any]:
    """The shared level is down from the fourth second on; what becomes of leader and follower."""
    script = [[Say("one "), Delay(5), Say("two three "), Delay(5), Say("four five")]]
    first, _ = town.process(script, kind=Absent)
    levels = [level for level in town.levels if isinstance(level, Absent)]

    async def trouble() -> None:
        await asyncio.sleep(4)
        for level in levels:
            level.down = True
        await asyncio.sleep(until - 4)
        for level in levels:
            level.down = False

    async def all_of_it() -> Any:
        ways = outcome(read(first)), later(1, outcome(read(follower))), trouble()
        return (await asyncio.gather(*ways))[:2]

    return town.clock.run(all_of_it())


def test_a_level_that_comes_back_in_time_costs_no_reader_its_stream(town: Town) -> None:
    """What could not be told is told then."""
    second, idle = town.process(["unasked"], kind=Absent)
    assert _breaking(town, second, until=9.5) == [ALL, ALL]
    assert not idle.calls


def test_a_level_that_stays_away_does_not_end_in_a_mixed_text(town: Town) -> None:
    """Half was heard: the reader is told, in time."""
    second, idle = town.process(["unasked"], kind=Absent)
    one, two = _breaking(town, second, until=1000)
    assert one == ALL
    assert isinstance(two, StreamInterrupted)
    assert two.partial == "one "
    assert not idle.calls


def test_a_leader_that_cannot_tell_its_end_does_not_hold_up_its_event_loop(town: Town) -> None:
    """Storing takes its time, and nobody can be told meanwhile."""
    router, _ = town.process(["quick"])
    level = town.levels[0]
    level.tell = lambda *_: False

    async def slowly(*_: Any) -> bool:
        await asyncio.sleep(5)
        return True

    level.apublish = slowly

    async def run() -> str:
        text = await read(router)
        await town.caches[0].asettle()
        return text

    assert town.clock.run(run()) == "quick"
    assert 5 <= town.clock.now() < 6


def test_what_is_about_somebody_is_not_told_ahead(town: Town) -> None:
    """`erase` must find everything there is."""
    first, _ = town.process(SLOW)
    told_frames: list[Any] = []
    town.levels[0].tell = lambda *args: told_frames.append(args)
    town.clock.run(read(first, **wishes(cache=CacheOptions(subject="eve"))))
    assert not told_frames
    assert town.caches[0].erase("eve") == 1


@pytest.mark.parametrize("across", [True, False])
def test_processes_may_be_told_to_keep_to_themselves(town: Town, across: bool) -> None:
    """`across_processes=False`: each asks."""
    rule = SingleFlight(across_processes=across)
    processes = [town.process(SLOW, rule=rule) for _ in range(2)]

    async def both() -> Any:
        return await asyncio.gather(*(read(router) for router, _ in processes))

    assert town.clock.run(both()) == [ALL, ALL]
    assert sum(len(model.calls) for _, model in processes) == (1 if across else 2)
