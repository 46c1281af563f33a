"""All levels as one: look in the near ones first, keep in all, and let invalidation reach each."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Sequence
from functools import partial

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.errors import LevelUnreachable
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.epochs import RENEWED_AT, Epochs, scope, scope_of_subject
from langchain_switchyard.cache.levels.level import Level, SharedLevel
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Io, Steps

_log = logging.getLogger(__name__)

_NOT_ERASED = "not everything about the subject could be erased; erase again when it is back"
_NOT_TOLD = (
    "other processes could not be told. Here it counts, and they are told as soon as the level is "
    "back while this process runs; else do it again"
)


class Shelf:
    """Levels in order, the nearest first.

    Args:
        levels: Where entries are kept.

    Raises:
        ConfigurationError: There is no level, or two have one name.
    """

    def __init__(self, levels: Sequence[Level]) -> None:
        """Find out whether a level is shared with other processes."""
        if not levels:
            raise ConfigurationError("a ResponseCache needs at least one level")
        names = [level.name for level in levels]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"levels must have names of their own, got {names}")
        self.levels = tuple(levels)
        # The farthest one, for it reaches the most processes.
        shared = (level for level in reversed(self.levels) if isinstance(level, SharedLevel))
        self.shared = next(shared, None)
        self.epochs = Epochs(self.shared)

    def find(self, key: Key, clock: Clock) -> Steps[tuple[Entry, str] | None]:
        """The best entry at this address and its level's name: a fresh one, or the youngest."""
        if self.shared is not None:
            yield from self.epochs.refresh(clock.now())
        now = clock.wall()
        best: tuple[Entry, str] | None = None
        for index, level in enumerate(self.levels):
            if level.waits:
                entry = yield Io(partial(level.get, key, now), partial(level.aget, key, now))
            else:
                entry = self._held_near(level, key, now)
            if entry is None or not self.epochs.holds(entry):
                continue
            if best is not None and entry.created <= best[0].created:
                continue
            for nearer in self.levels[:index]:
                if not nearer.waits:
                    nearer.put(key, entry, now)
            best = entry, level.name
            if now < entry.fresh_until:
                break
        return best

    def _held_near(self, level: Level, key: Key, now: float) -> Entry | None:
        """What a level of this process holds, unless another process has a newer one."""
        entry = level.get(key, now)
        return None if entry is None or self.epochs.is_replaced(key, entry) else entry

    def near(self, key: Key, now: float) -> Entry | None:
        """A fresh entry in a level that does not wait, or None; asks nobody else."""
        for level in self.levels:
            if not level.waits:
                entry = self._held_near(level, key, now)
                if entry is not None and now < entry.fresh_until and self.epochs.holds(entry):
                    return entry
        return None

    def keep(self, key: Key, entry: Entry, clock: Clock, *, waiting: bool) -> Steps[None]:
        """Keep an entry in the levels that wait, or in those that do not."""
        now = clock.wall()
        for level in self.levels:
            if level.waits is not waiting:
                continue
            if waiting:
                yield Io(partial(level.put, key, entry, now), partial(level.aput, key, entry, now))
            else:
                level.put(key, entry, now)

    def replace(self, key: Key, entry: Entry, clock: Clock) -> Steps[None]:
        """Keep an entry everywhere, also in place of what other processes' memories hold."""
        epoch = yield from self.epochs.renew(key)
        if epoch is not None:
            entry = dataclasses.replace(entry, epochs=(*entry.epochs, (RENEWED_AT, epoch)))
        yield from self.keep(key, entry, clock, waiting=False)
        yield from self.keep(key, entry, clock, waiting=True)

    def publish(self, key: Key, entry: Entry, clock: Clock, token: str) -> Steps[bool]:
        """Keep an entry in the levels that wait, unless another process was asked meanwhile.

        Args:
            key: Where.
            entry: What; the near levels have it already, and let it go again if it comes too late.
            clock: The time.
            token: Under which the model was asked.

        Returns:
            Whether it was in time, as far as can be told.
        """
        shared, now = self.shared, clock.wall()
        if shared is None:
            raise TypeError("a token is given by a shared level, and there is none")
        written: bool | None = yield Io(
            partial(shared.publish, key, token, entry, now),
            partial(shared.apublish, key, token, entry, now),
        )
        in_time = written is not False
        for level in self.levels:
            if not in_time and not level.waits:
                level.delete(key)
            elif in_time and level.waits and level is not shared:
                yield Io(partial(level.put, key, entry, now), partial(level.aput, key, entry, now))
        return in_time

    def invalidate(
        self, namespace: str, tags: Iterable[str] | None, tenant: str | None, clock: Clock
    ) -> Steps[None]:
        """Let a namespace's entries no longer count; with tags, only those that carry one.

        Raises:
            LevelUnreachable: Here they do not, but the others could not be told yet.
        """
        labels: Iterable[str | None] = [None] if tags is None else tags
        names = [scope(namespace, tag, tenant) for tag in labels]
        if not (yield from self.epochs.bump(names, clock.wall())):
            raise LevelUnreachable(self._shared_name, _NOT_TOLD)

    def erase(self, subject: str, tenant: str | None, clock: Clock) -> Steps[int]:
        """Delete a subject's entries everywhere; returns how many the fullest level had.

        Raises:
            LevelUnreachable: Not everywhere; all levels were tried.
        """
        # Other processes' memories cannot be reached: there the entries stop counting.
        yield from self.epochs.bump([scope_of_subject(subject, tenant)], clock.wall())
        most, missed = 0, list[str]()
        about = (subject,) if tenant is None else (subject, tenant)
        for level in self.levels:
            try:
                erased: int = yield Io(partial(level.erase, *about), partial(level.aerase, *about))
            except LevelUnreachable as error:
                _log.warning("not everything about a subject is erased", exc_info=error)
                missed.append(level.name)
            else:
                most = max(most, erased)
        if missed:
            raise LevelUnreachable(missed, _NOT_ERASED)
        if not (yield from self.epochs.tell_rest()):
            raise LevelUnreachable(self._shared_name, _NOT_TOLD)
        return most

    @property
    def _shared_name(self) -> tuple[str, ...]:
        return () if self.shared is None else (self.shared.name,)

    def close(self) -> Steps[None]:
        """Tell the others what they do not know yet, and close all levels."""
        if not (yield from self.epochs.tell_rest()):
            _log.warning("an invalidation was never told to other processes: invalidate again")
        for level in self.levels:
            yield Io(level.close, level.aclose)
