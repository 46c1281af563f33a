"""A level that fails is left alone for a second: a sick server costs little time and no error.

Two things are not let go so easily. What must not be left undone is tried in any case (`insist`),
and raised if it fails; and a level that was set up wrongly says so to everybody, for it would never
work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from langchain_switchyard.cache.errors import LevelUnreachable
from langchain_switchyard.errors import ConfigurationError

_log = logging.getLogger(__name__)

R = TypeVar("R")

_REST = 1.0
"""Seconds a failed level is not asked; then one caller tries whether it is back."""


class Fuse:
    """Runs operations of one level, and turns their errors into a default answer.

    Args:
        name: The level's, for the log.
        now: Monotonic seconds.
    """

    def __init__(self, name: str, now: Callable[[], float] = time.monotonic) -> None:
        """Closed: everything goes through."""
        self._name = name
        self._now = now
        self._rests_until = 0.0
        self._is_out = False
        self.failures = 0
        self._lock = threading.Lock()

    def call(self, operation: Callable[[], R], default: R) -> R:
        """The operation's value, or the default if it fails or the level rests.

        Raises:
            ConfigurationError: The operation did: the level was set up wrongly.
        """
        return self.attempt(operation, default) if self._may_try() else default

    async def acall(self, operation: Callable[[], Awaitable[R]], default: R) -> R:
        """As `call`."""
        return await self.aattempt(operation, default) if self._may_try() else default

    def attempt(self, operation: Callable[[], R], default: R) -> R:
        """As `call`, also while the level rests."""
        try:
            return self.insist(operation, "an operation failed")
        except LevelUnreachable:
            return default

    async def aattempt(self, operation: Callable[[], Awaitable[R]], default: R) -> R:
        """As `attempt`."""
        try:
            return await self.ainsist(operation, "an operation failed")
        except LevelUnreachable:
            return default

    def insist(self, operation: Callable[[], R], undone: str) -> R:
        """The operation's value, tried also while the level rests.

        Args:
            operation: What to do.
            undone: What is to be said if it fails.

        Raises:
            LevelUnreachable: It failed.
            ConfigurationError: The level was set up wrongly.
        """
        try:
            value = operation()
        except ConfigurationError:
            raise
        except Exception as error:
            self._blow(error)
            raise LevelUnreachable([self._name], undone) from error
        self._mend()
        return value

    async def ainsist(self, operation: Callable[[], Awaitable[R]], undone: str) -> R:
        """As `insist`."""
        try:
            value = await operation()
        except ConfigurationError:
            raise
        except Exception as error:  # Cancellation is no Exception.
            self._blow(error)
            raise LevelUnreachable([self._name], undone) from error
        self._mend()
        return value

    def _may_try(self) -> bool:
        if not self._is_out:
            return True
        with self._lock:
            if self._now() < self._rests_until:
                return False
            # This caller tries; the others go on without until it knows.
            self._rests_until = self._now() + _REST
            return True

    def _blow(self, error: Exception) -> None:
        with self._lock:
            self.failures += 1
            was_out, self._is_out = self._is_out, True
            self._rests_until = self._now() + _REST
        if not was_out:
            _log.warning("cache level %s is left alone for now: %r", self._name, error)

    def _mend(self) -> None:
        if self._is_out:
            with self._lock:
                self._is_out = False
            _log.info("cache level %s is back", self._name)
