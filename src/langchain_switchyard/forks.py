"""What must hold when a process forks: gunicorn's ``--preload``, celery's prefork and the like.

A child has the memory of its parent and none of its threads. A lock that another thread held stays
locked in it for ever; a worker thread that its memory speaks of is not there; and connections to
SQLite must not be used on both sides. So before a fork, locks that were ``guarded`` are waited for
and taken, which also means that nobody is halfway through a change; objects that were ``tended``
then let go of what cannot be shared, and the child's begin anew.

The lists are the process's own, as forking is: ``os.register_at_fork`` forgets nothing, so that
every lock of every short-lived index would otherwise be kept.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Protocol, TypeVar
from weakref import WeakSet

_logger = logging.getLogger(__name__)
# Seconds that a fork waits for locks; then it goes on, and says so.
_PATIENCE = 5.0


class Lock(Protocol):
    """A lock of ``threading``."""

    def acquire(self, blocking: bool = ..., timeout: float = ...) -> bool:  # noqa: FBT001 - as there.
        """Take it."""

    def release(self) -> None:
        """Give it back."""


class Tended(Protocol):
    """Something that holds what a child of a fork cannot use."""

    def before_fork(self) -> None:
        """Let go of it; all guarded locks are held, so nobody else is at work."""

    def forked(self) -> None:
        """Begin anew: this is the child, and its only thread."""


Locked = TypeVar("Locked", bound=Lock)


class Forks:
    """Brings locks and their owners over a fork.

    Args:
        patience: Seconds to wait for locks that are held.
    """

    def __init__(self, patience: float = _PATIENCE) -> None:
        """Know nobody yet."""
        self._patience = patience
        self._locks: WeakSet[Lock] = WeakSet()
        self._tended: WeakSet[Tended] = WeakSet()
        self._held: list[Lock] = []

    def guarded(self, lock: Locked) -> Locked:
        """Return the lock, which no fork will find in the hands of another thread."""
        self._locks.add(lock)
        return lock

    def tend(self, owner: Tended) -> None:
        """Call the owner's methods when the process forks."""
        self._tended.add(owner)

    def before(self) -> None:
        """Take all locks, or none for the moment: no order of taking them can then be wrong."""
        end = time.monotonic() + self._patience
        busy: Lock | None = None
        while (busy := self._taken(busy, end - time.monotonic())) is not None:
            if time.monotonic() > end:
                _logger.warning(
                    "forked while threads were at work for more than %s s: what they held may be "
                    "stuck in the child",
                    self._patience,
                )
                return
        for owner in list(self._tended):
            owner.before_fork()

    def after(self) -> None:
        """Give the locks back."""
        held, self._held = self._held, []
        for lock in held:
            lock.release()

    def in_child(self) -> None:
        """Give the locks back, and let everybody begin anew."""
        self.after()
        for owner in list(self._tended):
            owner.forked()

    def _taken(self, busy: Lock | None, patience: float) -> Lock | None:
        """Take all locks, the one that was busy first, or none; return the one that is busy."""
        taken: list[Lock] = []
        others = [lock for lock in list(self._locks) if lock is not busy]
        # Waiting for it, rather than looking again and again: a busy lock may never be seen free.
        if busy is not None:
            if not busy.acquire(timeout=max(patience, 0.0)):
                return busy
            taken.append(busy)
        for lock in others:
            if not lock.acquire(blocking=False):
                for other in taken:
                    other.release()
                return lock
            taken.append(lock)
        self._held = taken
        return None


FORKS = Forks()
if hasattr(os, "register_at_fork"):  # Not on Windows, which does not fork.
    os.register_at_fork(
        before=FORKS.before, after_in_parent=FORKS.after, after_in_child=FORKS.in_child
    )


def guarded_lock() -> threading.Lock:
    """Return a new lock that survives forks."""
    return FORKS.guarded(threading.Lock())


def guarded_rlock() -> threading.RLock:
    """Return a new reentrant lock that survives forks."""
    return FORKS.guarded(threading.RLock())
