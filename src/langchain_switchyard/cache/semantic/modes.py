"""When a past answer may be served: three pure decisions over the nearest stored questions.

`Agreement` is the default: the nearest stored questions must all have *equivalent answers*, and
their group must outweigh everything else around, the unknown included. A fixed `Threshold` on
similarity, which most caches use, serves several times as many wrong answers at the same hit rate.
`Bounded` (in `bounded.py`) learns a threshold for each entry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from langchain_switchyard.cache.semantic.neighbour import Neighbour
from langchain_switchyard.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Choice:
    """What a mode says: who may be served, best first, or why nobody."""

    candidates: tuple[Neighbour, ...] = ()
    reason: str = ""


class Mode(Protocol):
    """A rule of decision; frozen data."""

    @property
    def neighbours(self) -> int:
        """How many stored questions it looks at."""
        ...

    @property
    def comparisons(self) -> int:
        """With how many groups a fresh answer is compared."""
        ...

    @property
    def keeps_equals(self) -> bool:
        """Whether a fresh question is stored although its answer equals a neighbour's."""
        ...

    def choose(self, near: Sequence[Neighbour], draw: float) -> Choice:
        """Decide.

        Args:
            near: The nearest stored questions, nearest first.
            draw: Uniform in [0, 1), for rules that explore.
        """
        ...

    def stricter(self) -> Mode | None:
        """Return the next stricter rule, None when only closing is left."""
        ...


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Serve what the neighbourhood agrees on.

    Three conditions: the nearest question is near enough; the `k` nearest have equivalent answers;
    and their group's weight is at least `odds` times the weight of all other groups in view plus
    one stranger. A neighbour weighs `exp(focus * (similarity - stranger))`, so the stranger, the
    chance that the question is about something never seen, counts as one neighbour at that
    similarity. Young partitions serve nothing: there are no `k` neighbours to agree.

    The numbers are measured with all-MiniLM-L6-v2; `calibrate` moves them to another encoder's
    scale.
    """

    k: int = 3
    """Nearest questions that must have equivalent answers."""
    similarity: float = 0.78
    """The nearest question must be at least this near."""
    odds: float = 3.0
    """How many times the group must outweigh everything else; 0: its weight does not matter."""
    stranger: float = 0.7
    """Similarity at which a neighbour weighs as much as the unknown."""
    focus: float = 15.0
    """How fast weight falls with distance."""
    comparisons: int = 3
    neighbours: int = 20
    keeps_equals: bool = True

    def __post_init__(self) -> None:
        """Refuse what could never serve, or always would."""
        _check_similarity("Agreement", self.similarity)
        if not 1 <= self.k <= self.neighbours:
            raise ConfigurationError(
                f"Agreement.k must be between 1 and neighbours ({self.neighbours}), got {self.k}"
            )
        if self.focus <= 0:
            raise ConfigurationError(
                f"Agreement.focus must be above 0: nearer questions weigh more; got {self.focus}"
            )
        if self.comparisons < 1:
            raise ConfigurationError(
                "Agreement.comparisons must be 1 or more: groups are learned by comparing answers"
            )

    def choose(self, near: Sequence[Neighbour], draw: float) -> Choice:
        """Serve the nearest of the group that the neighbourhood agrees on."""
        del draw
        if len(near) < self.k:
            return Choice(reason="cold")
        if near[0].similarity < self.similarity:
            return Choice(reason="too far")
        group = near[0].group
        if any(other.group != group for other in near[: self.k]):
            return Choice(reason="no agreement")
        if self._weight(near, group) < self.odds * (1.0 + self._weight_of_others(near, group)):
            return Choice(reason="outvoted")
        alike = (other for other in near if other.group == group)
        return Choice(tuple(one for one in alike if one.similarity >= self.similarity))

    def stricter(self) -> Agreement | None:
        """Ask for a quarter more weight and a little more similarity, four times with the default.

        How much is little depends on the encoder: `focus` knows, it is measured on the same scale.
        """
        highest, step = self.stranger + 3.0 / self.focus, 0.45 / self.focus
        if self.similarity >= min(highest, 1.0):
            return None
        similarity = min(self.similarity + step, 1.0)
        return replace(self, odds=self.odds * 1.25, similarity=similarity)

    def _weight(self, near: Sequence[Neighbour], group: int) -> float:
        return sum(self._pull(one) for one in near if one.group == group)

    def _weight_of_others(self, near: Sequence[Neighbour], group: int) -> float:
        return sum(self._pull(one) for one in near if one.group != group)

    def _pull(self, one: Neighbour) -> float:
        return math.exp(self.focus * (one.similarity - self.stranger))


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Serve the nearest question's answer above a similarity, whatever stands next to it."""

    similarity: float
    comparisons: int = 0
    neighbours: int = 3
    keeps_equals: bool = True

    def __post_init__(self) -> None:
        """Refuse what could never serve, or always would."""
        _check_similarity("Threshold", self.similarity)

    def choose(self, near: Sequence[Neighbour], draw: float) -> Choice:
        """Serve whoever is near enough."""
        del draw
        if not near:
            return Choice(reason="cold")
        enough = tuple(one for one in near if one.similarity >= self.similarity)
        return Choice(enough, "" if enough else "too far")

    def stricter(self) -> Threshold | None:
        """Go half the way to 1."""
        if self.similarity >= 0.97:
            return None
        return replace(self, similarity=(1.0 + self.similarity) / 2)


def _check_similarity(mode: str, similarity: float) -> None:
    if not 0 < similarity <= 1:
        raise ConfigurationError(
            f"{mode}.similarity is a cosine in (0, 1], got {similarity}: 1 means equal"
        )


def agreement(k: int = 3, similarity: float = 0.78, odds: float = 3.0) -> Agreement:
    """Return the default rule: `k` neighbours of one answer, outweighing the rest by `odds`."""
    return Agreement(k=k, similarity=similarity, odds=odds)


def threshold(similarity: float) -> Threshold:
    """Return the plain rule: serve the nearest question's answer above a similarity."""
    return Threshold(similarity=similarity)
