"""Faults made of faults: now and then, in turns, or several at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from langchain_switchyard.testing.faulty.exchange import Exchange
from langchain_switchyard.testing.faulty.faults.fault import Fault, Healthy
from langchain_switchyard.testing.faulty.question import Answer
from langchain_switchyard.testing.faulty.wire import Step


@dataclass(frozen=True)
class Flapping(Fault):
    """Well for `period` completions, ill for the next `period`, and so on.

    Args:
        fault: What happens in the ill half.
        period: Completions in each half.
    """

    fault: Fault
    period: int = 1

    def __post_init__(self) -> None:
        """Refuse a period that is none."""
        if self.period < 1:
            raise ValueError(f"period={self.period}: give at least 1")

    def pick(self, exchange: Exchange) -> Fault:
        """Choose by the number of the completion."""
        ill = (exchange.number - 1) // self.period % 2
        return self.fault.pick(exchange) if ill else Healthy()


@dataclass(frozen=True)
class EveryNth(Fault):
    """Ill at every n-th completion, well otherwise.

    Args:
        fault: What happens then.
        n: 3 means the third, the sixth, the ninth...
    """

    fault: Fault
    n: int

    def __post_init__(self) -> None:
        """Refuse a number that is none."""
        if self.n < 1:
            raise ValueError(f"n={self.n}: give at least 1")

    def pick(self, exchange: Exchange) -> Fault:
        """Choose by the number of the completion."""
        return Healthy() if exchange.number % self.n else self.fault.pick(exchange)


@dataclass(frozen=True)
class Sometimes(Fault):
    """Ill with some probability.

    Args:
        fault: What happens then.
        rate: Share of completions, 0 to 1.
        rng: Draws; seeded, so that a rehearsal can be repeated.
    """

    fault: Fault
    rate: float
    rng: random.Random = field(default_factory=lambda: random.Random(0), compare=False)

    def __post_init__(self) -> None:
        """Refuse a rate that is none."""
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate={self.rate}: give a share between 0 and 1")

    def pick(self, exchange: Exchange) -> Fault:
        """Draw."""
        return self.fault.pick(exchange) if self.rng.random() < self.rate else Healthy()


@dataclass(frozen=True, init=False)
class Together(Fault):
    """Several faults in one response: `Together(Drip(0.01), CutAfter(5))`.

    Each spoils what the one before it left.
    """

    faults: tuple[Fault, ...]

    def __init__(self, *faults: Fault) -> None:
        """Take the faults in order."""
        object.__setattr__(self, "faults", faults)

    def pick(self, exchange: Exchange) -> Fault:
        """Let each choose."""
        return Together(*(fault.pick(exchange) for fault in self.faults))

    def retouch(self, answer: Answer) -> Answer:
        """Let each change the answer."""
        for fault in self.faults:
            answer = fault.retouch(answer)
        return answer

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Let each spoil the response."""
        for fault in self.faults:
            steps = fault.play(steps, exchange)
        return steps

    @property
    def names(self) -> tuple[str, ...]:
        """All their names."""
        return tuple(name for fault in self.faults for name in fault.names)
