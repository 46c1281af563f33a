"""The assistant as users meet it: separate processes, real files, a provider over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from langchain_switchyard.config import Switchyard
from langchain_switchyard.graph import build_assistant
from langchain_switchyard.retrieval import HybridRetriever
from langchain_switchyard.testing import CutAfter, FaultyProvider, InsufficientQuota, ServerError

ANSWER = "Refunds are paid within five working days. [1]"
QUESTION = "Within how many days are refunds paid?"

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Two documents, one of them Chinese."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "shop.md").write_text(
        "# Refunds\n\nRefunds are paid within five working days.\n\n"
        "# Receipts\n\nA receipt is needed above 100 euros.\n",
        "utf-8",
    )
    (folder / "概念.md").write_text("# 熔断器\n\n熔断器在连续失败三次后打开。\n", "utf-8")
    return folder


@pytest.fixture
def switchyard(tmp_path: Path, docs: Path) -> Command:
    """Run the command line in a process of its own, without a terminal."""

    def run(
        *arguments: str, typed: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        bare = {
            name: value
            for name, value in os.environ.items()
            if not name.endswith(("_API_KEY", "_MODEL", "_BASE_URL"))
        }
        return subprocess.run(  # noqa: S603 - ourselves.
            [sys.executable, "-m", "langchain_switchyard.cli", *arguments],
            cwd=tmp_path,
            env={**bare, **environment},
            input=typed,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )

    return run


def openai_at(provider: FaultyProvider) -> dict[str, str]:
    """The environment of somebody who has a key."""
    return {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": provider.base_url}


def test_a_thread_survives_the_process(switchyard: Command) -> None:
    """A second process knows what the first one talked about, in either language."""
    first = switchyard("chat", "--docs", "docs", "--json", typed=f"{QUESTION}\n什么是熔断器？\n")
    second = switchyard("chat", "--docs", "docs", "--json", typed="继续上面的话题\n")

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    [told] = [json.loads(line) for line in second.stdout.splitlines()]
    assert told["intent"]["intent_type"] == "task_continuation"
    assert told["thread"] == json.loads(first.stdout.splitlines()[0])["thread"]
    assert "熔断器在连续失败三次后打开" in told["answer"]


def test_the_second_command_does_not_index_again(switchyard: Command) -> None:
    """What did not change is not read."""
    switchyard("ask", QUESTION, "--docs", "docs")
    report = json.loads(switchyard("index", "--docs", "docs", "--json").stdout)

    assert report["unchanged"] == 2
    assert report["added"] == []


def test_with_a_key_the_same_command_asks_the_provider(switchyard: Command) -> None:
    """The prompt carries the sources; the answer's citations are resolved."""
    with FaultyProvider(answer=ANSWER) as provider:
        ran = switchyard("ask", QUESTION, "--docs", "docs", "--json", **openai_at(provider))
        requests = [request for request in provider.requests if "chat" in request.path]

    told = json.loads(ran.stdout)
    assert told["answer"] == ANSWER
    assert told["switchyard"]["deployment"] == "openai"
    assert told["citations"][0]["source"] == "docs/shop.md"
    assert len(requests) == 1
    assert "Refunds are paid within five working days." in json.dumps(requests[0].body)


def test_a_provider_without_quota_is_replaced_by_the_offline_model(switchyard: Command) -> None:
    """And the user is told."""
    with FaultyProvider(default=InsufficientQuota()) as provider:
        ran = switchyard("ask", QUESTION, "--docs", "docs", **openai_at(provider))

    assert ran.returncode == 0
    assert "five working days" in ran.stdout
    assert "answered by local after openai" in ran.stderr


def test_an_answer_cut_in_the_middle_reaches_a_pipe_whole_and_once(switchyard: Command) -> None:
    """Nothing of the dead stream is left in the output."""
    with FaultyProvider(answer="ELEPHANT " * 40, default=CutAfter(tokens=5)) as provider:
        ran = switchyard("ask", QUESTION, "--docs", "docs", **openai_at(provider))

        assert provider.attempts >= 1
    assert ran.returncode == 0
    assert "ELEPHANT" not in ran.stdout
    assert ran.stdout.count("five working days") == 1


def test_an_invention_of_the_provider_is_sent_back_once(switchyard: Command) -> None:
    """The second answer is what the user sees; an unimproved one comes with a warning."""
    with FaultyProvider(answer="Chocolate elephants arrive every 77 Tuesdays.") as provider:
        ran = switchyard("ask", QUESTION, "--docs", "docs", **openai_at(provider))

        assert provider.attempts == 2
    assert ran.returncode == 0
    assert ran.stdout.count("Chocolate") == 1
    assert "doubtful, " in ran.stderr


def test_nobody_answering_is_an_error_and_no_answer(switchyard: Command) -> None:
    """With the default provider dead and the offline model unable: not asked to fake one."""
    with FaultyProvider(default=ServerError(status=500)) as provider:
        ran = switchyard("check", "--spend", "--json", **openai_at(provider))

    assert ran.returncode == 1
    rows = {row["id"]: row for row in json.loads(ran.stdout)["deployments"]}
    assert rows["openai"]["ok"] is False
    assert rows["openai"]["kind"] == "server_error"
    assert rows["local"]["ok"] is True


async def test_an_asynchronous_thread_streams_once_and_survives(docs: Path, tmp_path: Path) -> None:
    """Over HTTP, with the asynchronous SQLite checkpointer and a stream that breaks."""
    library = HybridRetriever.open(tmp_path / "index", create=True)
    library.sync_folder(docs)
    thread: Any = {"configurable": {"thread_id": "t"}}
    database = str(tmp_path / "threads.sqlite")
    async with FaultyProvider(answer=ANSWER, faults=[CutAfter(tokens=4)]) as provider:
        async with (
            Switchyard.from_env(openai_at(provider)) as yard,
            AsyncSqliteSaver.from_conn_string(database) as saver,
        ):
            assistant = build_assistant(yard.chat(), retriever=library, checkpointer=saver)
            total: AIMessageChunk | None = None
            async for chunk, data in assistant.astream(
                {"messages": [("user", QUESTION)]}, thread, stream_mode="messages"
            ):
                assert data["langgraph_node"] == "generate"
                total = chunk if total is None else total + chunk
        assert provider.attempts >= 1
    async with AsyncSqliteSaver.from_conn_string(database) as saver:
        again = build_assistant(Switchyard.from_env({}).chat(), checkpointer=saver)
        state = await again.aget_state(thread)
    library.close()

    assert total is not None
    assert [message.text for message in state.values["messages"]] == [QUESTION, total.text]
    assert "five working days" in total.text
