"""W-TinyLFU: which entries stay when there is not room for all.

New entries pass through a small window kept by recency. Leaving it, one must be asked for more
often than the entry it would replace; entries asked for again are protected from newcomers. The
window's share climbs towards the better hit ratio, because traffic differs in how much recency
matters (Einziger, Friedman, Manes: TinyLFU, 2017; Einziger, Eytan, Friedman, Manes: Adaptive
Software Cache Management, 2018).
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterator

from langchain_switchyard.cache.levels.climb import Climb
from langchain_switchyard.cache.levels.sketch import Sketch

WHOLE = 1 << 40
"""All the room there is. Sizes are integer shares of it, so that sums never drift."""

_PROTECTED = 0.8
"""Share of the room outside the window that is kept for entries asked for again."""

_Segment = OrderedDict[bytes, int]


class TinyLFU:
    """Orders digests and names those that must go. Not thread-safe: its owner holds the lock.

    Args:
        capacity: About how many entries fit.
        rng: Lets a warm newcomer in now and then, so that no key set can lock the cache.
    """

    def __init__(self, capacity: int, rng: random.Random) -> None:
        """Hold nothing."""
        self._sketch = Sketch(capacity)
        self._climb = Climb(capacity)
        self._rng = rng
        self._window: _Segment = OrderedDict()
        self._probation: _Segment = OrderedDict()
        self._protected: _Segment = OrderedDict()
        self._in_window = self._in_main = self._in_protected = 0

    def __len__(self) -> int:
        """How many digests it holds."""
        return len(self._window) + len(self._probation) + len(self._protected)

    def hit(self, digest: bytes) -> None:
        """A held digest was asked for."""
        self._sketch.add(digest)
        self._climb.note(hit=True)
        if digest in self._window:
            self._window.move_to_end(digest)
        elif digest in self._protected:
            self._protected.move_to_end(digest)
        elif (share := self._probation.pop(digest, None)) is not None:
            self._protected[digest] = share
            self._in_protected += share
            self._shrink_protected()

    def miss(self, digest: bytes) -> None:
        """A digest was asked for that is not held."""
        self._sketch.add(digest)
        self._climb.note(hit=False)

    def put(self, digest: bytes, share: int) -> list[bytes]:
        """Hold a digest that takes `share` of `WHOLE`; returns who must go, perhaps itself."""
        self.remove(digest)
        self._window[digest] = share
        self._in_window += share
        return self._settle()

    def remove(self, digest: bytes) -> None:
        """Hold a digest no longer."""
        if (share := self._window.pop(digest, None)) is not None:
            self._in_window -= share
        elif (share := self._probation.pop(digest, None)) is not None:
            self._in_main -= share
        elif (share := self._protected.pop(digest, None)) is not None:
            self._in_main -= share
            self._in_protected -= share

    def _settle(self) -> list[bytes]:
        """Move what overflows the window, then evict what overflows everything."""
        limit = int(self._climb.window * WHOLE)
        evicted: list[bytes] = []
        while self._in_window > limit and self._window:
            digest, share = self._window.popitem(last=False)
            self._in_window -= share
            self._probation[digest] = share
            self._in_main += share
            evicted.extend(self._make_room(digest))
        evicted.extend(self._make_room(None))
        self._shrink_protected()
        return evicted

    def _make_room(self, candidate: bytes | None) -> Iterator[bytes]:
        """Evict until everything fits; the candidate must win against each it would replace."""
        while self._in_window + self._in_main > WHOLE:
            victim = self._next_victim()
            if candidate is not None and candidate != victim and not self._wins(candidate, victim):
                victim, candidate = candidate, None
            self.remove(victim)
            yield victim

    def _next_victim(self) -> bytes:
        for segment in (self._probation, self._protected, self._window):
            if segment:
                return next(iter(segment))
        raise RuntimeError("nothing is held, yet there is no room")

    def _wins(self, candidate: bytes, victim: bytes) -> bool:
        mine, theirs = self._sketch.estimate(candidate), self._sketch.estimate(victim)
        return mine > theirs or (mine > 5 and self._rng.random() < 1 / 128)

    def _shrink_protected(self) -> None:
        limit = int((1 - self._climb.window) * _PROTECTED * WHOLE)
        while self._in_protected > limit and self._protected:
            digest, share = self._protected.popitem(last=False)
            self._in_protected -= share
            self._probation[digest] = share
