"""Remember each hot term's ``tf / (tf + norm)`` so that a query only multiplies and adds.

The values hold for one mean document length. Adding a document moves the mean, so entries carry the
mean they were made for and are remade when next asked for; an add itself costs nothing here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from langchain_switchyard.forks import guarded_lock
from langchain_switchyard.retrieval.lexical.bm25 import Floats
from langchain_switchyard.retrieval.lexical.segment import Ints, Segment

# The segment itself, not its id(): a number could come back for another object.
Key = tuple[Segment, int, int]


@dataclass(frozen=True, slots=True)
class Contribution:
    """Global slots of a term in one segment, and what each adds before idf.

    Attributes:
        mean_length: Mean tokens per document the values hold for.
        slots: ``(p,)`` slots counted over the whole index.
        values: ``(p,)`` saturated counts, 0 to 1.
    """

    mean_length: float
    slots: Ints
    values: Floats

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return int(self.slots.nbytes + self.values.nbytes)


class ContributionCache:
    """Least-recently-used store of contributions, limited by bytes; safe for threads.

    Args:
        limit: Most bytes kept; 0 keeps nothing.
    """

    def __init__(self, limit: int) -> None:
        """Start empty."""
        self._limit = limit
        self._held = 0
        self._entries: OrderedDict[Key, Contribution] = OrderedDict()
        self._lock = guarded_lock()

    def get(self, key: Key, mean_length: float, make: Callable[[], Contribution]) -> Contribution:
        """Return the entry for ``key``, made anew when missing or made for another mean length."""
        with self._lock:
            found = self._entries.get(key)
            if found is not None and found.mean_length == mean_length:
                self._entries.move_to_end(key)
                return found
        made = make()
        with self._lock:
            replaced = self._entries.pop(key, None)
            self._held += made.nbytes - (replaced.nbytes if replaced else 0)
            self._entries[key] = made
            while self._held > self._limit and self._entries:
                _, oldest = self._entries.popitem(last=False)
                self._held -= oldest.nbytes
        return made

    def clear(self) -> None:
        """Forget everything, after segments were renumbered."""
        with self._lock:
            self._entries.clear()
            self._held = 0
