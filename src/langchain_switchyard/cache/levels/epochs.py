"""Invalidation in one step: a namespace or tag gets a new epoch, and older entries no longer count.

Every entry remembers the epochs that held when its question was asked. Nothing has to be searched
or deleted, and an answer that was under way during the invalidation is not served afterwards
either. With a shared level, processes look for each other's news every half second.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterable, Sequence

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.levels.level import SharedLevel
from langchain_switchyard.routing.effects import Io, Steps

_EVERY = 0.5
"""Seconds between looks at the shared level."""
_OVERLAP = 10_000_000
"""Microseconds looked back: bumps may arrive a little out of order."""


@functools.lru_cache(maxsize=4096)
def scope(namespace: str, tag: str | None = None) -> str:
    """The name of a scope: a digest, for tags may name people."""
    kind = b"n" if tag is None else b"t"
    form = b"\0".join([kind, namespace.encode(), (tag or "").encode()])
    return hashlib.blake2b(form, digest_size=9, person=b"swyd-epoch").hexdigest()


def scope_of_subject(subject: str) -> str:
    """The scope of everything about one subject, over all namespaces."""
    return scope("\0subject", subject)


class Epochs:
    """Knows the epoch of every scope that was ever bumped.

    Args:
        shared: Where processes tell each other; None: this process is alone.
    """

    def __init__(self, shared: SharedLevel | None = None) -> None:
        """Know of no bump."""
        self._shared = shared
        self._known: dict[str, int] = {}
        self._untold: set[str] = set()
        self._newest = 0
        self.changes = 0
        """Grows whenever something is invalidated."""
        self._looked = float("-inf")
        self._lock = threading.Lock()

    def stamp(
        self, namespace: str, tags: Iterable[str], subject: str | None = None
    ) -> tuple[tuple[str, int], ...]:
        """What an entry asked for now has to remember."""
        known = self._known
        scopes = [scope(namespace), *(scope(namespace, tag) for tag in sorted(tags))]
        if subject is not None:
            scopes.append(scope_of_subject(subject))
        return tuple((name, known.get(name, 0)) for name in scopes)

    def holds(self, entry: Entry) -> bool:
        """Whether nothing was invalidated since the entry was asked for."""
        return self.are_current(entry.epochs)

    def are_current(self, stamp: Iterable[tuple[str, int]]) -> bool:
        """Whether nothing was invalidated since a stamp was taken."""
        known = self._known
        return all(known.get(name, 0) == epoch for name, epoch in stamp)

    def refresh(self, now: float) -> Steps[None]:
        """Hear what other processes invalidated, and tell what they could not hear; twice a second.

        Args:
            now: Seconds on any clock that does not jump.
        """
        shared = self._shared
        if shared is None or now - self._looked < _EVERY:
            return
        self._looked = now
        for name in list(self._untold):
            yield from self._tell(shared, name)
        since = max(0, self._newest - _OVERLAP)
        self._hear((yield Io(lambda: shared.news(since), lambda: shared.anews(since))))

    def bump(self, names: Sequence[str], wall: float) -> Steps[None]:
        """Begin a new epoch of these scopes, here at once and elsewhere as soon as they hear."""
        with self._lock:
            for name in names:
                self._known[name] = max(int(wall * 1e6), self._known.get(name, 0) + 1)
            self.changes += 1
        if self._shared is not None:
            for name in names:
                yield from self._tell(self._shared, name)

    def _tell(self, shared: SharedLevel, name: str) -> Steps[None]:
        with self._lock:
            self._untold.add(name)
        epoch = yield Io(lambda: shared.bump(name), lambda: shared.abump(name))
        if epoch is not None:
            with self._lock:
                # The shared level's word is what the others know.
                self._known[name] = epoch
                self._untold.discard(name)
                self.changes += 1

    def _hear(self, news: Sequence[tuple[str, int]] | None) -> None:
        with self._lock:
            for name, epoch in news or ():
                self._newest = max(self._newest, epoch)
                if name not in self._untold and epoch > self._known.get(name, 0):
                    self._known[name] = epoch
                    self.changes += 1
