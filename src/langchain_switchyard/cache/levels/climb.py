"""Hill climbing: try a larger window, keep going while the hit ratio rises, else turn round."""

from __future__ import annotations

_FIRST_STEP = 0.0625
_CALMER = 0.98
"""Each step is a little smaller than the last, so that the search settles."""
_SURPRISE = 0.05
"""A change of the hit ratio beyond this means that the traffic changed: search anew."""


class Climb:
    """Finds the share of the room that recency deserves.

    Args:
        capacity: About how many entries fit; a sample is five times as many accesses.
    """

    def __init__(self, capacity: int) -> None:
        """Begin with a window of one percent."""
        self.window = 0.01
        self._sample = 5 * capacity
        self._step = _FIRST_STEP
        self._hits = self._seen = 0
        self._before: float | None = None

    def note(self, *, hit: bool) -> None:
        """Count an access; now and then move the window."""
        self._seen += 1
        self._hits += hit
        if self._seen >= self._sample:
            self._adapt(self._hits / self._seen)
            self._hits = self._seen = 0

    def _adapt(self, ratio: float) -> None:
        before, self._before = self._before, ratio
        if before is None:
            return
        change = ratio - before
        direction = self._step if change >= 0 else -self._step
        if abs(change) >= _SURPRISE:
            self._step = _FIRST_STEP if direction > 0 else -_FIRST_STEP
        else:
            self._step = direction * _CALMER
        self.window = min(0.8, max(0.01, self.window + self._step))
