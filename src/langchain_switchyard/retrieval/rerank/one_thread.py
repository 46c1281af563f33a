"""One thread for a model that must not be used by two, also in children of a fork."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from langchain_switchyard.forks import FORKS


class OneThread:
    """An executor of one thread.

    Attributes:
        executor: Runs one call after another; do not keep it.
    """

    executor: ThreadPoolExecutor

    def __init__(self, name: str) -> None:
        """Start no thread yet."""
        self._name = name
        self.forked()
        FORKS.tend(self)

    def before_fork(self) -> None:
        """Nothing to let go of."""

    def forked(self) -> None:
        """Begin anew: the executor counts on a thread that a child has not."""
        self.executor = ThreadPoolExecutor(1, thread_name_prefix=self._name)
