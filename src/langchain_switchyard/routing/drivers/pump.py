"""Runs blocking calls in a thread of their own, so that their silence can be timed.

A blocking read cannot be interrupted in Python. Whoever waits gives up on time, and `wake`s the
thread: what it reads through an HTTP client of ours ends at once (`inner/leash.py`). Any other
client's reader ends at the next chunk, or when that client's own timeout ends its read.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Pump(Generic[T]):
    """Reads an iterator ahead of its consumer; nothing is lost by that, as answers are kept whole.

    Args:
        source: Opens the stream; runs in the reader thread, with the caller's context variables.
        name: Of the thread.
        wake: Called when the rest is not wanted any more; ends what the thread waits for.
    """

    def __init__(
        self,
        source: Callable[[], Iterator[T]],
        name: str,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """Start reading."""
        self._source = source
        self._wake = wake
        self._has_ended = False
        self._items: SimpleQueue[T | _End] = SimpleQueue()
        self._abandoned = False
        context = contextvars.copy_context()
        # A daemon: a provider that never answers must not keep the process from ending.
        threading.Thread(target=context.run, args=(self._read,), name=name, daemon=True).start()

    def get(self, seconds: float | None) -> T | None:
        """The next item, or None at the end.

        Raises:
            TimeoutError: If nothing came in time.
            BaseException: Whatever the stream raised.
        """
        try:
            item = self._items.get(timeout=seconds)
        except Empty:
            raise TimeoutError("the provider was silent for too long") from None
        if not isinstance(item, _End):
            return item
        self._has_ended = True
        if item.error is not None:
            raise item.error
        return None

    def close(self) -> None:
        """Tell the reader that nobody wants the rest."""
        if not self._has_ended:
            self._abandoned = True
            self._wake()

    def _read(self) -> None:
        try:
            items = self._source()
            try:
                for item in items:
                    if self._abandoned:
                        break
                    self._items.put(item)
            finally:
                if close := getattr(items, "close", None):
                    close()
        except BaseException as error:  # noqa: BLE001 - raised again in the consumer's thread.
            self._items.put(_End(error))
        else:
            self._items.put(_End(None))


class _End:
    """The end of the items, with the error that brought it about."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def watched(call: Callable[[], T], seconds: float, name: str, wake: Callable[[], None]) -> T:
    """The value of a blocking call, or `TimeoutError` when it takes too long.

    Costs a thread; used only for models whose client cannot be told a timeout.
    """
    pump = Pump(lambda: iter(((call(),),)), name, wake)
    try:
        value = pump.get(seconds)
    except TimeoutError:
        pump.close()
        raise
    if value is None:
        raise RuntimeError("unreachable: the pump gives the one value before its end")
    return value[0]
