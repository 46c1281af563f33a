"""Run legs side by side and wait for them, in threads or on an event loop; nothing else waits."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.fusion.leg_runs import AsyncLegRuns, LegRuns, Outcome
from langchain_switchyard.retrieval.fusion.leg_threads import LegsStuck, LegThreads
from langchain_switchyard.retrieval.fusion.legs import LegResult

T = TypeVar("T")
# Seconds; the lexical leg takes a tenth of it, and no more than that can be gained by a second
# thread, which costs half a millisecond itself.
_WORTH_A_THREAD = 0.005


@dataclass(frozen=True, slots=True)
class LegCall:
    """Something to ask on a leg's behalf.

    Attributes:
        ask: Blocks; takes the query's vector if it ``encodes``, else ``None``.
        encodes: The query must be embedded first.
        fills: It is a leg's second call, for scores beyond its list; not traced.
    """

    ask: Callable[[Matrix | None], LegResult | None]
    encodes: bool = False
    fills: bool = False


class LegRunner:
    """Threads of its own for every leg, so that one that hangs cannot starve another.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start no thread yet."""
        self.clock = clock
        self.threads: defaultdict[str, LegThreads] = defaultdict(LegThreads)
        # How long a leg that embeds took last, embedding included; unknown counts as long.
        self._encoding_seconds = math.inf

    def run(
        self,
        legs: Mapping[str, LegCall],
        encode: Callable[[], Matrix | None],
        limit: float | None,
        runs: LegRuns,
    ) -> dict[str, Outcome]:
        """Return what every leg found, or its error; a leg over ``limit`` seconds is given up."""
        sent = self._sent(legs, limit)
        futures: dict[Future[LegResult | None], str] = {}
        outcomes: dict[str, Outcome] = {}

        def ended(name: str, outcome: Outcome) -> None:
            outcomes[name] = outcome
            if not legs[name].fills:
                runs.end(name, outcome)

        for name, leg in legs.items():
            if not leg.fills:
                runs.begin(name)
        for name in sent:
            try:
                work = partial(self._ask, legs[name], encode)
                futures[self.threads[name].submit(work)] = name
            except LegsStuck as error:
                ended(name, error)
        for name, leg in legs.items():
            if name not in sent:
                ended(name, _outcome(partial(self._ask, leg, encode)))
        self._await(futures, limit, ended)
        return {name: outcomes[name] for name in legs}

    async def arun(
        self,
        legs: Mapping[str, LegCall],
        encode: Callable[[], Awaitable[Matrix | None]],
        limit: float | None,
        runs: AsyncLegRuns,
    ) -> dict[str, Outcome]:
        """Do the same without blocking the event loop."""

        async def ask(name: str, leg: LegCall) -> LegResult | None:
            vector = await encode() if leg.encodes else None
            return await self.threads[name].run(partial(leg.ask, vector))

        async def outcome(name: str, leg: LegCall) -> Outcome:
            if not leg.fills:
                await runs.begin(name)
            found: Outcome
            try:
                found = await asyncio.wait_for(ask(name, leg), limit)
            except TimeoutError as error:
                found = error if str(error) else _late(limit)
            except Exception as error:  # noqa: BLE001 - judged and logged in collect.
                found = error
            if not leg.fills:
                await runs.end(name, found)
            return found

        found = await asyncio.gather(*(outcome(name, leg) for name, leg in legs.items()))
        return dict(zip(legs, found, strict=True))

    async def apart(self, work: Callable[[], T]) -> T:
        """Run blocking work that is no leg away from the event loop."""
        return await self.threads[""].run(work)

    def close(self) -> None:
        """Start nothing any more; wait for nobody."""
        self.threads[""].close()
        for threads in list(self.threads.values()):
            threads.close()

    def _sent(self, legs: Mapping[str, LegCall], limit: float | None) -> list[str]:
        """Return the legs that get a thread; the others run right here."""
        names = list(legs)
        if limit is not None:
            return names
        # Without a limit the last leg runs here: a thread less to wake. So does the dense one
        # once it is known to take less time than waking a thread is worth.
        return [] if self._encoding_seconds < _WORTH_A_THREAD else names[:-1]

    def _ask(self, leg: LegCall, encode: Callable[[], Matrix | None]) -> LegResult | None:
        if not leg.encodes:
            return leg.ask(None)
        start = self.clock()
        found = leg.ask(encode())
        seconds = self.clock() - start
        # Smoothed, so that one interruption by the system does not count as a slow leg.
        known = seconds if math.isinf(self._encoding_seconds) else self._encoding_seconds
        self._encoding_seconds = 0.8 * known + 0.2 * seconds
        return found

    def _await(
        self,
        futures: Mapping[Future[LegResult | None], str],
        limit: float | None,
        ended: Callable[[str, Outcome], None],
    ) -> None:
        waiting = dict(futures)
        try:
            for future in as_completed(futures, limit):
                ended(waiting.pop(future), _outcome(future.result))
        except TimeoutError:
            for name in waiting.values():
                ended(name, _late(limit))
        finally:
            for future, name in waiting.items():
                self.threads[name].give_up(future)


def _outcome(ask: Callable[[], LegResult | None]) -> Outcome:
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - judged and logged in collect.
        return error


def _late(limit: float | None) -> TimeoutError:
    return TimeoutError(f"no answer within {limit} s")
