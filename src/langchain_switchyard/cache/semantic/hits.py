"""What was served or checked lately, so that a later complaint finds its entry."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Served:
    """An entry that was served, or would have been."""

    partition: bytes
    entry: int
    """Number inside the partition."""
    agreed: tuple[int, ...]
    """Numbers of the entries that spoke for it."""


class HitLog:
    """The latest hits by their id. Safe for many threads.

    Args:
        capacity: Hits remembered; older ones can no longer be reported.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._capacity = capacity
        self._hits: OrderedDict[str, Served] = OrderedDict()

    def note(self, hit_id: str, served: Served) -> None:
        """Remember a hit."""
        with self._lock:
            self._hits[hit_id] = served
            if len(self._hits) > self._capacity:
                self._hits.popitem(last=False)

    def take(self, hit_id: str) -> Served | None:
        """Return a hit and forget it: nothing is reported twice."""
        with self._lock:
            return self._hits.pop(hit_id, None)

    def peek(self, hit_id: str) -> Served | None:
        """Return a hit without forgetting it."""
        with self._lock:
            return self._hits.get(hit_id)
