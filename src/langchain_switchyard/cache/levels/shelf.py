"""All levels as one: look in the near ones first, keep in all, and let invalidation reach each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.epochs import Epochs, scope, scope_of_subject
from langchain_switchyard.cache.levels.level import Level, SharedLevel
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Io, Steps


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
                entry = level.get(key, now)
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

    def near(self, key: Key, now: float) -> Entry | None:
        """A fresh entry in a level that does not wait, or None; asks nobody else."""
        for level in self.levels:
            if not level.waits:
                entry = level.get(key, now)
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

    def invalidate(self, namespace: str, tags: Iterable[str] | None, clock: Clock) -> Steps[None]:
        """Let a namespace's entries no longer count; with tags, only those that carry one."""
        names = [scope(namespace)] if tags is None else [scope(namespace, tag) for tag in tags]
        yield from self.epochs.bump(names, clock.wall())

    def erase(self, subject: str, clock: Clock) -> Steps[int]:
        """Delete a subject's entries everywhere; returns how many the fullest level had."""
        # Other processes' memories cannot be reached: there the entries stop counting.
        yield from self.epochs.bump([scope_of_subject(subject)], clock.wall())
        most = 0
        for level in self.levels:
            erased: int = yield Io(partial(level.erase, subject), partial(level.aerase, subject))
            most = max(most, erased)
        return most

    def close(self) -> Steps[None]:
        """Close all levels."""
        for level in self.levels:
            yield Io(level.close, level.aclose)
