"""Prepare in other processes, in order, with only a few tasks under way."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from multiprocessing import get_context, parent_process
from typing import Any

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.sync.preparation import Preparation, Prepared, Task

_logger = logging.getLogger(__name__)
Workers = int | Executor | None
Group = Sequence[Task]


@contextlib.contextmanager
def executor_of(workers: Workers) -> Iterator[Executor | None]:
    """Give the executor to prepare in: the caller's own, one for the block, or none.

    Raises:
        ConfigurationError: No number of processes.
    """
    if workers is None or isinstance(workers, Executor):
        yield workers
        return
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ConfigurationError(f"workers is a number from 1 or an Executor, got {workers!r}")
    # Not forked: this process may have threads, and their locks would stay locked in the child.
    executor = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_leave_with_parent)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def prepared(
    groups: Iterable[Group], preparation: Preparation, executor: Executor | None
) -> Iterator[tuple[Group, list[Prepared]]]:
    """Yield each group with its results, in the order given.

    Args:
        groups: Read no further ahead than needed to keep the workers busy.
        preparation: Its tokeniser and model are used by workers only.
        executor: Where to prepare; ``None`` prepares right here and leaves those parts to the
            writer.
    """
    if executor is None:
        here = Preparation(preparation.splitter)
        for group in groups:
            yield group, here(group)
        return
    frozen = _frozen(preparation)
    ahead = 2 * (getattr(executor, "_max_workers", None) or os.cpu_count() or 1)
    waiting: deque[tuple[Group, Future[list[Prepared]]]] = deque()
    try:
        for group in groups:
            waiting.append((group, executor.submit(_prepare, frozen, group)))
            if len(waiting) >= ahead:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        for _, future in waiting:
            future.cancel()


def portable(preparation: Preparation) -> Preparation:
    """Return what of a preparation can travel to another process; the writer does the rest.

    Raises:
        ConfigurationError: The splitter cannot travel.
    """
    if not _travels(preparation.splitter):
        raise ConfigurationError(
            "workers need a splitter that can be pickled: count= must be a function of a module"
        )
    kept: dict[str, Any] = {}
    for part in ("tokenizer", "embeddings"):
        if not _travels(getattr(preparation, part)):
            _logger.info("%s cannot be pickled: this process does its part of the work", part)
            kept[part] = None
    return replace(preparation, **kept)


def _travels(part: object) -> bool:
    try:
        pickle.dumps(part)
    except Exception as error:  # noqa: BLE001 - pickle raises whatever an object's hooks raise.
        _logger.debug("not picklable: %s", error)
        return False
    return True


def _frozen(preparation: Preparation) -> bytes:
    return pickle.dumps(portable(preparation))


@lru_cache(maxsize=2)
def _thawed(frozen: bytes) -> Preparation:
    """Once per process: a model may take long to load."""
    found: Preparation = pickle.loads(frozen)  # noqa: S301 - what our own parent process sent.
    return found


def _leave_with_parent() -> None:
    """End with the process that started this one, even if that is killed: nobody else would."""
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _prepare(frozen: bytes, group: Group) -> list[Prepared]:
    return _thawed(frozen)(group)
