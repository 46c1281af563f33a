"""Invalidation in one step: a namespace or tag gets a new epoch, and older entries no longer count.

Every entry remembers the epochs that were known when its question was asked. Nothing has to be
searched or deleted, and an answer that was under way during the invalidation is not served
afterwards either. With a shared level, processes look for each other's news every half second.

Epochs only grow, so an entry holds as long as no newer one is known than it remembers. What could
not be told to the others yet has a negative epoch, which equals itself only. Of very old epochs
only the newest is remembered: who was asked before that does not hold.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import threading
from collections.abc import Iterable, Sequence

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.level import KEPT, OLDEST, RENEWED, SharedLevel
from langchain_switchyard.routing.effects import Io, Steps

_log = logging.getLogger(__name__)

_EVERY = 0.5
"""Seconds between looks at the shared level."""
_OVERLAP = 10_000_000
"""Microseconds looked back: bumps may arrive a little out of order."""
_RESTORED = "restored"
"""A scope without entries: a new epoch means that the shared level was told old ones again."""
RENEWED_AT = RENEWED + "at"
"""No scope: which epoch an answer began that took another one's place."""


@functools.lru_cache(maxsize=4096)
def scope(namespace: str, tag: str | None = None, tenant: str | None = None) -> str:
    """The name of a scope: a digest, for tags may name people."""
    kind = b"n" if tag is None else b"t"
    owner = [] if tenant is None else [tenant.encode()]
    form = b"\0".join([kind, namespace.encode(), (tag or "").encode(), *owner])
    return hashlib.blake2b(form, digest_size=9, person=b"swyd-epoch").hexdigest()


def scope_of_subject(subject: str, tenant: str | None = None) -> str:
    """The scope of everything about one subject, over all namespaces."""
    return scope("\0subject", subject, tenant)


def scope_of_key(key: Key) -> str:
    """The scope of one answer."""
    return RENEWED + key.digest[:9].hex()


class Epochs:
    """Knows the epoch of every scope that was bumped, but for those bumped long ago.

    Args:
        shared: Where processes tell each other; None: this process is alone.
        kept: Epochs remembered of each kind, about.
    """

    def __init__(self, shared: SharedLevel | None = None, kept: int = KEPT) -> None:
        """Know of no bump."""
        self._shared = shared
        self._kept = kept
        self._known: dict[str, int] = {}
        self._untold: set[str] = set()
        self._newest = "", 0
        self._has_renewed = False
        self.changes = 0
        """Grows whenever something is invalidated."""
        self._looked = float("-inf")
        self._lock = threading.Lock()

    def stamp(
        self,
        namespace: str,
        tags: Iterable[str],
        subject: str | None = None,
        tenant: str | None = None,
    ) -> tuple[tuple[str, int], ...]:
        """What an entry asked for now has to remember."""
        known, tags = self._known, sorted(tags)
        stamp = [(OLDEST, self._newest[1])]
        for owner in (None,) if tenant is None else (None, tenant):
            scopes = [scope(namespace, None, owner), *(scope(namespace, t, owner) for t in tags)]
            if subject is not None:
                scopes.append(scope_of_subject(subject, owner))
            stamp.extend((name, known.get(name, 0)) for name in scopes)
        return tuple(stamp)

    def holds(self, entry: Entry) -> bool:
        """Whether nothing was invalidated since the entry was asked for."""
        return self.are_current(entry.epochs)

    def are_current(self, stamp: Iterable[tuple[str, int]]) -> bool:
        """Whether nothing was invalidated since a stamp was taken."""
        known = self._known.get
        for name, epoch in stamp:
            held = known(name, 0)
            if held != epoch and not 0 <= held < epoch:
                return False
        return True

    def is_replaced(self, key: Key, entry: Entry) -> bool:
        """Whether another process has replaced this entry, as far as is known."""
        if not self._has_renewed:
            return False  # On the path of every hit.
        known = self._known
        newest = max(known.get(scope_of_key(key), 0), known.get(RENEWED, 0))
        return newest > 0 and all(
            epoch < newest for name, epoch in entry.epochs if name in (OLDEST, RENEWED_AT)
        )

    def refresh(self, now: float) -> Steps[None]:
        """Hear what other processes invalidated, and tell what they could not hear; twice a second.

        Args:
            now: Seconds on any clock that does not jump.
        """
        shared = self._shared
        if shared is None or now - self._looked < _EVERY:
            return
        self._looked = now
        news = yield from self._ask(shared, max(0, self._newest[1] - _OVERLAP))
        if news is None:
            return
        name, newest = self._newest
        is_lost = news.get(name, 0) < newest
        if is_lost or news.get(_RESTORED, 0) > self._known.get(_RESTORED, 0):
            news = yield from self._ask(shared, 0)
            if news is None:
                return
        self._hear(news)
        if is_lost:
            yield from self._remind(shared, news)
        yield from self.tell_rest()

    def bump(self, names: Sequence[str], wall: float) -> Steps[bool]:
        """Begin a new epoch of these scopes, here at once and elsewhere as soon as they hear.

        Returns:
            Whether everybody else can hear of it.
        """
        now = int(wall * 1e6)
        with self._lock:
            for name in names:
                if self._shared is None:
                    self._learn(name, max(now, self._newest[1] + 1))
                else:
                    self._known[name] = min(-now, self._known.get(name, 0)) - 1
                    self._untold.add(name)
            self.changes += 1
            self._forget_old()
        return (yield from self.tell_rest())

    def renew(self, key: Key) -> Steps[int | None]:
        """Let other processes know that they hold an old answer to this key.

        Returns:
            Its epoch, for the new answer to remember. None: nobody can hear of it.
        """
        shared, name = self._shared, scope_of_key(key)
        if shared is None:
            return None
        epoch: int | None = yield Io(lambda: shared.bump(name), lambda: shared.abump(name))
        if epoch is not None:
            with self._lock:
                self._learn(name, epoch)
                self._forget_old()
        return epoch

    def tell_rest(self) -> Steps[bool]:
        """Tell the others what they could not hear yet; returns whether nothing is left."""
        if self._shared is None:
            return True
        for name in list(self._untold):
            if not (yield from self._tell(self._shared, name)):
                return False
        return True

    def _ask(self, shared: SharedLevel, since: int) -> Steps[dict[str, int] | None]:
        news = yield Io(lambda: shared.news(since), lambda: shared.anews(since))
        return None if news is None else dict(news)

    def _tell(self, shared: SharedLevel, name: str) -> Steps[bool]:
        epoch: int | None = yield Io(lambda: shared.bump(name), lambda: shared.abump(name))
        if epoch is None:
            return False
        with self._lock:
            # The shared level's word is what the others know.
            self._untold.discard(name)
            self._learn(name, epoch)
            self.changes += 1
        return True

    def _remind(self, shared: SharedLevel, news: dict[str, int]) -> Steps[None]:
        """The shared level has lost what it knew, as after a restart: tell it again."""
        with self._lock:
            lost = {name: e for name, e in self._known.items() if e > max(0, news.get(name, 0))}
        if not lost or not (yield Io(lambda: shared.remind(lost), lambda: shared.aremind(lost))):
            return
        _log.warning("the shared cache level had lost %d epochs, and was told again", len(lost))
        # Old epochs are no news; this one is, and says to look at all of them.
        yield from self._tell(shared, _RESTORED)

    def _hear(self, news: dict[str, int]) -> None:
        with self._lock:
            for name, epoch in news.items():
                if name not in self._untold and epoch > self._known.get(name, 0):
                    self._learn(name, epoch)
                    self.changes += 1
            self._forget_old()

    def _learn(self, name: str, epoch: int) -> None:
        self._known[name] = epoch
        self._has_renewed = self._has_renewed or name.startswith(RENEWED)
        if epoch > self._newest[1]:
            self._newest = name, epoch

    def _forget_old(self) -> None:
        if len(self._known) <= 2 * self._kept:
            return
        for oldest in (OLDEST, RENEWED):
            kind = [(e, name) for name, e in self._known.items() if e > 0 and _kind(name) == oldest]
            for epoch, name in sorted(kind)[: -self._kept]:
                del self._known[name]
                self._known[oldest] = max(epoch, self._known.get(oldest, 0))


def _kind(name: str) -> str:
    return RENEWED if name.startswith(RENEWED) else OLDEST
