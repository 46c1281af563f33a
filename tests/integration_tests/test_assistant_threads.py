"""The checkpointers that threads are kept in pass LangGraph's own conformance suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from langchain_switchyard.cli.threads import open_threads

Factory = Callable[[Path], AsyncIterator[BaseCheckpointSaver[Any]]]


class SyncFace(BaseCheckpointSaver[Any]):
    """Shows the synchronous half of a saver to a suite that only asks the asynchronous one.

    Each call runs in a thread of its own, as LangGraph's worker threads do it.
    """

    def __init__(self, inner: BaseCheckpointSaver[Any]) -> None:
        super().__init__(serde=inner.serde)
        self.inner = inner

    def get_next_version(self, current, channel):
        return self.inner.get_next_version(current, channel)

    async def aget_tuple(self, config):
        return await asyncio.to_thread(self.inner.get_tuple, config)

    async def alist(self, config, **options):
        for found in await asyncio.to_thread(lambda: list(self.inner.list(config, **options))):
            yield found

    async def aput(self, config, checkpoint, metadata, new_versions):
        return await asyncio.to_thread(self.inner.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(self, config, writes, task_id, task_path=""):
        await asyncio.to_thread(self.inner.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id):
        await asyncio.to_thread(self.inner.delete_thread, thread_id)


async def of_the_command_line(folder: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """What `switchyard chat` opens."""
    with open_threads(folder) as saver:
        yield SyncFace(saver)


async def asynchronous(folder: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """What an asynchronous application opens over the same kind of file."""
    async with AsyncSqliteSaver.from_conn_string(f"{folder}.sqlite") as saver:
        await saver.setup()
        yield saver


async def forgetful(_: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """One that loses what it is given: the suite must notice."""

    class Forgetful(InMemorySaver):
        async def aget_tuple(self, config):
            return None

    yield Forgetful()


async def conformance(factory: Factory, folder: Path) -> Any:
    """Run the suite; every capability gets a file of its own."""
    opened = iter(range(100))

    @checkpointer_test(name=factory.__name__)
    async def saver():
        async for opening in factory(folder / str(next(opened))):
            yield opening

    return await validate(saver)


@pytest.mark.parametrize("factory", [of_the_command_line, asynchronous])
async def test_threads_are_kept_as_langgraph_expects(factory: Factory, tmp_path: Path) -> None:
    """Put, pending writes, get, list and delete: every test of each, in both halves."""
    report = await conformance(factory, tmp_path)

    ran = {name: result for name, result in report.results.items() if result.passed is not None}
    assert {"put", "put_writes", "get_tuple", "list", "delete_thread"} <= ran.keys()
    assert sum(result.tests_passed for result in ran.values()) >= 50
    assert not [failure for result in ran.values() for failure in result.failures]
    assert report.passed_all_base()


async def test_the_suite_notices_a_saver_that_forgets(tmp_path: Path) -> None:
    """The test above could fail."""
    report = await conformance(forgetful, tmp_path)

    assert not report.passed_all_base()
