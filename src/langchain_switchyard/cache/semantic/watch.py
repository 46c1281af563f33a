"""Watching a partition while it serves: a share of hits is checked against a fresh answer.

Of every hundred would-be hits a few are answered by the model all the same, and the two answers
compared. From that follows a Wilson interval of the wrong per hit. Surely above the target: the
bar is raised, at last the level closes. Surely below it: the bar comes down again, or it reopens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from langchain_switchyard.cache.semantic.modes import Mode
from langchain_switchyard.cache.semantic.wilson import wilson
from langchain_switchyard.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class ShadowPolicy:
    """How closely hits are watched."""

    share: float = 0.03
    """Share of would-be hits that are checked, 0 to 1; 0 switches watching off."""
    target: float = 0.02
    """Wrong per hit that may not be exceeded."""
    confidence: float = 0.95
    """How sure one must be, of either bound, to act."""

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        for name in ("share", "target"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(
                    f"ShadowPolicy.{name} is a share from 0 to 1, got {getattr(self, name)}"
                )
        if not 0.5 < self.confidence < 1:
            raise ConfigurationError(
                f"ShadowPolicy.confidence must be in (0.5, 1), got {self.confidence}"
            )


class Move(StrEnum):
    """What a check led to."""

    STAY = "stay"
    RAISED = "raised"
    LOWERED = "lowered"
    CLOSED = "closed"
    REOPENED = "reopened"


class Watch:
    """The bar of one partition and what was checked at it. Its partition holds the lock.

    Args:
        mode: The rule to begin with; the bar never comes down below it.
        policy: How closely it is watched.
    """

    def __init__(self, mode: Mode, policy: ShadowPolicy) -> None:
        """Start at the first bar, with nothing checked."""
        self._bars = [mode]
        self._policy = policy
        self.is_closed = False
        self.checked = 0
        self.wrong = 0
        self.all_checked = 0
        self.all_wrong = 0

    @property
    def mode(self) -> Mode:
        """The rule in force."""
        return self._bars[-1]

    @property
    def raised(self) -> int:
        """How many times above its first height the bar stands."""
        return len(self._bars) - 1

    @property
    def state(self) -> tuple[int, ...]:
        """All of it, in numbers: what `adopt` takes."""
        counts = (self.checked, self.wrong, self.all_checked, self.all_wrong)
        return self.raised, int(self.is_closed), *counts

    def adopt(self, state: Sequence[int]) -> None:
        """Begin where another watch stood, if nothing was checked here yet."""
        if self.all_checked or len(state) != 6 or min(state) < 0:
            return
        raised, closed, checked, wrong, all_checked, all_wrong = state
        self.checked, self.wrong = checked, min(wrong, checked)
        self.all_checked, self.all_wrong = all_checked, min(all_wrong, all_checked)
        while self.raised < raised and (stricter := self.mode.stricter()) is not None:
            self._bars.append(stricter)
        self.is_closed = bool(closed)

    def bounds(self) -> tuple[float, float]:
        """Return the one-sided Wilson bounds of wrong per hit at the present bar."""
        return wilson(self.wrong, self.checked, self._policy.confidence)

    def check(self, *, right: bool) -> Move:
        """Take in a verdict on a would-be hit, and move the bar if it says so."""
        self.checked += 1
        self.all_checked += 1
        self.wrong += not right
        self.all_wrong += not right
        lower, upper = self.bounds()
        if lower > self._policy.target:
            return self._tighten()
        if upper <= self._policy.target and (self.is_closed or self.raised):
            return self._relax()
        return Move.STAY

    def _tighten(self) -> Move:
        stricter = self.mode.stricter()
        self._restart()
        if stricter is not None:
            self._bars.append(stricter)
            return Move.RAISED
        if self.is_closed:
            return Move.STAY
        self.is_closed = True
        return Move.CLOSED

    def _relax(self) -> Move:
        self._restart()
        if self.is_closed:
            self.is_closed = False
            return Move.REOPENED
        self._bars.pop()
        return Move.LOWERED

    def _restart(self) -> None:
        # What was checked at another bar says nothing about this one.
        self.checked = self.wrong = 0
