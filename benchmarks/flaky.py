"""Whether the breaker helps or harms when providers are merely flaky, and when they are down.

```bash
python benchmarks/flaky.py            # the router, the bare model, and without a breaker
python benchmarks/flaky.py --check    # exit 1 if a limit is missed
python benchmarks/flaky.py --smoke    # a few seconds, for CI
```

Part one: every attempt fails with the same chance, independently of all others, with a reset
connection. There is nothing to wait for and nobody to be spared: a breaker can only do harm, and
the question is how much. Part two: everything fails for 60 seconds. The questions are how many
attempts the dead deployment saw, and how soon it serves again. Part three: one deployment goes on
failing more often than not; there, with somebody else to ask, opening is right.

Requests come 10 times a second and last half a second, or fail at once. Time is virtual, chance is
seeded, everything else as shipped; `off` is the same router with a breaker that never opens.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from langchain_switchyard import BreakerPolicy, ChatSwitchyard, Deployment, Timeouts, World
from langchain_switchyard.routing.circuit_policy import Window
from langchain_switchyard.testing import Delay, FakeClock, Say, ScriptedChatModel

EVERY = 0.1
"""Seconds between two requests."""
LATENCY = 0.5
"""Seconds of an answer."""
OUTAGE = (60.0, 120.0)
"""Seconds from which, and until which, the primary is dead."""

MAX_LOSS = 0.02
"""Share of answers that the breaker may cost where failures are independent."""
MIN_PRIMARY = 0.9
"""Share of answers that the first tier gives, of what it gives without a breaker."""
MAX_DEAD_ATTEMPTS = 20
"""Attempts in 60 seconds at a dead deployment, where another tier serves."""
MAX_DEAD_ALONE = 40
"""The same where there is nobody else."""
MAX_RETURN = 30.0
"""Seconds after which a healed deployment serves again."""

NEVER_OPENS = BreakerPolicy(consecutive=10**9, window=Window(calls=1, minimum=2))

Fails = Callable[[float], float]
"""Chance of failure at an instant."""


@dataclass(frozen=True)
class Fleet:
    """Who serves, beside whom."""

    name: str
    primaries: int = 1
    has_fallback: bool = False


ALONE, PAIR, BACKED = Fleet("1"), Fleet("2 in a tier", 2), Fleet("1 + healthy tier 1", 1, True)


@dataclass(frozen=True)
class Figure:
    """What became of the requests of one run; shares of all requests."""

    fleet: str
    breaker: str
    failing: float
    deadline: float
    answered: float
    by_primary: float
    slowest: float
    """95th percentile of seconds a request took."""
    dead_attempts: int
    """Attempts at the primary during the outage."""
    returned: float
    """Seconds from the end of the outage until the primary served again."""


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="not needed here")
    parser.add_argument("--smoke", action="store_true", help="seconds: fewer requests")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--check", action="store_true", help="exit 1 if a limit is missed")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    shares = (0.1, 0.3) if args.smoke else (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
    deadlines = (30.0,) if args.smoke else (5.0, 30.0)
    requests = 1000 if args.smoke else 3000
    figures = [
        run(fleet, breaker, share, deadline, requests)
        for share in shares
        for fleet in (ALONE, PAIR, BACKED)
        for deadline in deadlines
        for breaker in ("default", "off")
    ]
    figures += [run(fleet, "default", 1.0, 30.0, 2000) for fleet in (ALONE, PAIR, BACKED)]
    report(figures)
    missed = missed_limits(figures)
    if args.json:
        args.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2), "utf-8")
    for line in missed:
        print(f"MISSED: {line}")
    return 1 if args.check and missed else 0


def run(
    fleet: Fleet, breaker: str, failing: float, deadline: float, requests: int, *, seed: int = 2
) -> Figure:
    """One fleet for that many requests; it fails always, if in the outage only."""
    clock, rng = FakeClock(), random.Random(seed)
    fails: Fails = outage if failing >= 1 else lambda _now: failing
    asked: list[float] = []

    def primary(name: str) -> BaseChatModel:
        def answer(_messages: object, _kwargs: object) -> list[object]:
            asked.append(clock.now())
            if rng.random() < fails(clock.now()):
                raise ConnectionError("reset")
            return [Delay(LATENCY), Say(name)]

        return ScriptedChatModel(script=answer, clock=clock)

    deployments = [Deployment(primary("primary"), id=f"p{i}") for i in range(fleet.primaries)]
    if fleet.has_fallback:
        spare = ScriptedChatModel(script=[[Delay(LATENCY), Say("spare")]], clock=clock)
        deployments.append(Deployment(spare, id="spare", tier=1))
    model = ChatSwitchyard(
        deployments=deployments,
        world=World(clock=clock, random=random.Random(seed)),
        timeouts=Timeouts(deadline=deadline),
        breaker=BreakerPolicy() if breaker == "default" else NEVER_OPENS,
    )
    results: list[tuple[str, float, float]] = []

    async def one(index: int) -> None:
        await asyncio.sleep(index * EVERY)
        began = clock.now()
        try:
            said = (await model.ainvoke("hi")).text
        except Exception as error:  # noqa: BLE001 - whatever it is, it is counted by its name.
            said = type(error).__name__
        results.append((said, clock.now() - began, clock.now()))

    async def all_of_them() -> None:
        await asyncio.gather(*[one(index) for index in range(requests)])

    clock.run(all_of_them())
    counts = Counter(said for said, _, _ in results)
    began, ended = OUTAGE
    back = [now for said, _, now in results if said == "primary" and now > ended]
    return Figure(
        fleet=fleet.name,
        breaker=breaker,
        failing=failing,
        deadline=deadline,
        answered=(counts["primary"] + counts["spare"]) / requests,
        by_primary=counts["primary"] / requests,
        slowest=sorted(took for _, took, _ in results)[int(requests * 0.95)],
        dead_attempts=sum(began <= now < ended for now in asked),
        returned=min(back, default=float("inf")) - ended,
    )


def outage(now: float) -> float:
    """Dead for a minute, else well."""
    began, ended = OUTAGE
    return 1.0 if began <= now < ended else 0.0


def report(figures: list[Figure]) -> None:
    """Two tables."""
    print(
        "fleet              failing  deadline |  bare |   off  by tier 0 | router by tier 0   p95"
    )
    flaky = [figure for figure in figures if figure.failing < 1]
    for ours, off in zip(flaky[::2], flaky[1::2], strict=True):
        print(
            f"{ours.fleet:18s}   {ours.failing:4.0%}    {ours.deadline:4.0f} s  | "
            f"{1 - ours.failing:5.1%} | {off.answered:6.1%}  {off.by_primary:6.1%}  | "
            f"{ours.answered:6.1%}  {ours.by_primary:6.1%}  {ours.slowest:5.1f}"
        )
    print("\n60 s outage        answered  attempts at the dead  back after")
    for figure in figures:
        if figure.failing >= 1:
            print(
                f"{figure.fleet:18s}   {figure.answered:6.1%}  {figure.dead_attempts:20d}  "
                f"{figure.returned:8.1f} s"
            )


def missed_limits(figures: list[Figure]) -> list[str]:
    """What is not as good as it must be."""
    missed = []
    flaky = [figure for figure in figures if figure.failing < 1]
    for ours, off in zip(flaky[::2], flaky[1::2], strict=True):
        where = f"{ours.fleet}, {ours.failing:.0%} failing, deadline {ours.deadline:g} s"
        # Up to there failures are a nuisance; above it opening is right, but never worse than bare.
        least = off.answered if ours.failing <= 0.3 else 1 - ours.failing
        if ours.answered < least - MAX_LOSS:
            missed.append(f"{where}: {ours.answered:.1%}, without a breaker {off.answered:.1%}")
        if ours.failing <= 0.3 and ours.by_primary < MIN_PRIMARY * off.by_primary:
            missed.append(f"{where}: tier 0 gave {ours.by_primary:.1%} of {off.by_primary:.1%}")
    for figure in figures:
        if figure.failing < 1:
            continue
        limit = MAX_DEAD_ATTEMPTS if figure.fleet == BACKED.name else MAX_DEAD_ALONE
        if figure.dead_attempts > limit:
            missed.append(f"{figure.fleet}, dead: asked {figure.dead_attempts} times, not {limit}")
        if figure.returned > MAX_RETURN:
            missed.append(f"{figure.fleet}, dead: back after {figure.returned:.1f} s")
    return missed


if __name__ == "__main__":
    raise SystemExit(main())
