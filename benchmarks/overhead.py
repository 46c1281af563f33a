"""What a call through `ChatSwitchyard` costs above the bare model, in CPU time.

```bash
python benchmarks/overhead.py            # table of all contenders
python benchmarks/overhead.py --check    # exit 1 if a limit is missed
python benchmarks/overhead.py --smoke    # a few seconds, for CI
```

All contenders run in one process, in many short rounds: each calls every one of them a few times,
in an order drawn anew, so that whatever else the machine does, and whatever the one before left in
its caches, hits all alike. Figures are CPU
time of the whole process, second threads included (`process_time`), never wall time. `added` is the
median over rounds of the difference to the bare model in the same round; `ratio` is the median of
quotients. A sync call to a model that cannot be told a timeout is "watched" by a second thread: its
price is shown, and has no limit here.

The model answers at once and does no I/O: what is measured is the code around it. LiteLLM's router
joins if it is importable; it is no LangChain model, so its bare call is its own.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, ClassVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable

from langchain_switchyard import ChatSwitchyard, Deployment

USAGE = {"input_tokens": 8, "output_tokens": 2, "total_tokens": 10}
QUESTION = "How many planets are there?"
FEW, MANY = 100, 600
"""Chunks of a short and a long stream; the slope between them is the price of one chunk."""

MAX_RATIO = 1.15
MAX_CHUNK = 1.0
"""Microseconds added to each chunk."""
MIN_ADVANTAGE = 5.0
"""How many times less than retry with fallbacks."""
MAX_IMPORT = 0.25
"""Seconds over `langchain_core`."""


class BareChatModel(BaseChatModel):
    """Answers at once, by all four ways; what LangChain itself costs is all there is."""

    keeps_timeout: ClassVar[bool] = True
    chunks: int = FEW

    @property
    def _llm_type(self) -> str:
        return "bare"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        del messages, args, kwargs
        message = AIMessage("eight", usage_metadata=USAGE, response_metadata={"model_name": "m"})
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop, run_manager, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        del messages, stop, run_manager, kwargs
        for _ in range(self.chunks - 1):
            yield ChatGenerationChunk(message=AIMessageChunk("word "))
        yield ChatGenerationChunk(
            message=AIMessageChunk("", usage_metadata=USAGE, chunk_position="last"),
            generation_info={"finish_reason": "stop", "model_name": "m"},
        )

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages, stop, run_manager, **kwargs):
            yield chunk


class UntimedChatModel(BareChatModel):
    """The same, but it cannot be told a timeout: a sync call must be watched by another thread."""

    keeps_timeout: ClassVar[bool] = False


@dataclass(frozen=True)
class Figure:
    """One contender in one way of calling; microseconds of CPU."""

    way: str
    contender: str
    minimum: float
    median: float
    added: float
    ratio: float


Contenders = Mapping[str, Callable[[int], Awaitable[None]]]
"""Name -> what makes that many calls."""


def main() -> int:
    """Measure, print, judge."""
    args = arguments()
    rounds, calls = (40, 10) if args.smoke else (args.rounds, 10)
    figures = asyncio.run(measure_all(rounds, calls))
    chunks = chunk_costs(figures)
    imports = import_costs(3 if args.smoke else 9)
    print_tables(figures, chunks, imports)
    missed = missed_limits(figures, chunks, imports)
    if args.json:
        report = {"figures": [asdict(f) for f in figures], "chunks": chunks, "imports": imports}
        args.json.write_text(json.dumps(report, indent=2), "utf-8")
    for line in missed:
        print(f"MISSED: {line}")
    return 1 if args.check and missed else 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="not needed here")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--smoke", action="store_true", help="seconds: fewer rounds")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--check", action="store_true", help="exit 1 if a limit is missed")
    return parser.parse_args()


def switchyard(model: type[BareChatModel] = BareChatModel, tiers: int = 1, **fields: Any) -> Any:
    """A router over as many healthy tiers, everything else as shipped."""
    return ChatSwitchyard(
        deployments=[
            Deployment(model=model(**fields), id=f"tier-{tier}", tier=tier) for tier in range(tiers)
        ]
    )


async def measure_all(rounds: int, calls: int) -> list[Figure]:
    """All ways of calling, one after another; contenders of one way interleaved."""
    figures: list[Figure] = []
    peers = litellm_contenders()
    bare, guarded = BareChatModel(), BareChatModel().with_retry().with_fallbacks([BareChatModel()])
    models = {
        "bare": bare,
        "switchyard": switchyard(),
        "switchyard, 3 tiers": switchyard(tiers=3),
        "retry + fallbacks": guarded,
    }
    figures += await measure(
        "ainvoke", {name: by_ainvoke(model) for name, model in models.items()}, rounds, calls
    )
    models["switchyard, watched"] = switchyard(UntimedChatModel)
    figures += await measure(
        "invoke", {name: by_invoke(model) for name, model in models.items()}, rounds, calls
    )
    for count in (FEW, MANY):
        streams = {
            "bare": BareChatModel(chunks=count),
            "switchyard": switchyard(chunks=count),
            "retry + fallbacks": BareChatModel(chunks=count)
            .with_retry()
            .with_fallbacks([BareChatModel(chunks=count)]),
        }
        few = max(1, calls * 20 // count)
        fewer = max(20, rounds // (count // 200 or 1))
        asynchronous = {name: by_astream(model) for name, model in streams.items()}
        figures += await measure(f"astream {count}", asynchronous, fewer, few)
        streams["switchyard, watched"] = switchyard(UntimedChatModel, chunks=count)
        synchronous = {name: by_stream(model) for name, model in streams.items()}
        figures += await measure(f"stream {count}", synchronous, fewer, few)
    if peers:
        figures += await measure("litellm acompletion", peers, rounds, calls)
    return figures


def by_ainvoke(model: Runnable[Any, Any]) -> Callable[[int], Awaitable[None]]:
    """Whole answers, awaited."""

    async def run(calls: int) -> None:
        for _ in range(calls):
            await model.ainvoke(QUESTION)

    return run


def by_invoke(model: Runnable[Any, Any]) -> Callable[[int], Awaitable[None]]:
    """Whole answers, blocking."""

    async def run(calls: int) -> None:
        for _ in range(calls):
            model.invoke(QUESTION)

    return run


def by_astream(model: Runnable[Any, Any]) -> Callable[[int], Awaitable[None]]:
    """Streams, awaited."""

    async def run(calls: int) -> None:
        for _ in range(calls):
            async for _chunk in model.astream(QUESTION):
                pass

    return run


def by_stream(model: Runnable[Any, Any]) -> Callable[[int], Awaitable[None]]:
    """Streams, blocking."""

    async def run(calls: int) -> None:
        for _ in range(calls):
            for _chunk in model.stream(QUESTION):
                pass

    return run


def litellm_contenders() -> dict[str, Callable[[int], Awaitable[None]]]:
    """LiteLLM's router over a handler of ours that answers at once; empty if not installed."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    try:
        import litellm  # noqa: PLC0415 - optional, and slow to import.
    except ImportError:
        return {}

    class Instant(litellm.CustomLLM):  # type: ignore[name-defined,misc] # It has no stubs.
        async def acompletion(self, *_args: Any, **kwargs: Any) -> Any:
            answer = kwargs["model_response"]
            answer.choices[0].message.content = "eight"
            answer.usage = litellm.Usage(prompt_tokens=8, completion_tokens=2, total_tokens=10)
            return answer

    litellm.custom_provider_map = [{"provider": "instant", "custom_handler": Instant()}]
    litellm.utils.custom_llm_setup()
    model = {"model_name": "m", "litellm_params": {"model": "instant/m", "api_key": "none"}}
    router = litellm.Router(model_list=[model])
    messages = [{"role": "user", "content": QUESTION}]

    async def bare(calls: int) -> None:
        for _ in range(calls):
            await litellm.acompletion(model="instant/m", messages=messages, api_key="none")

    async def routed(calls: int) -> None:
        for _ in range(calls):
            await router.acompletion(model="m", messages=messages)

    return {"bare": bare, "litellm router": routed}


async def measure(way: str, contenders: Contenders, rounds: int, calls: int) -> list[Figure]:
    """Call the contenders in rounds and compare each to `bare` within its round."""
    names = list(contenders)
    spent: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        await contenders[name](calls)  # Warms caches, thread pools and specialised bytecode.
    gc.collect()
    gc.freeze()  # What was imported is no contender's garbage.
    rng = Random(1)
    for _ in range(rounds):
        for name in rng.sample(names, len(names)):
            start = time.process_time()
            await contenders[name](calls)
            spent[name].append((time.process_time() - start) / calls * 1e6)
    pairs = {name: list(zip(spent[name], spent["bare"], strict=True)) for name in names}
    return [
        Figure(
            way,
            name,
            minimum=min(spent[name]),
            median=median(spent[name]),
            added=median(own - bare for own, bare in pairs[name]),
            ratio=median(own / bare for own, bare in pairs[name]),
        )
        for name in names
    ]


def chunk_costs(figures: list[Figure]) -> dict[str, float]:
    """Microseconds that each further chunk costs more than at the bare model."""
    known = {(figure.way, figure.contender): figure.added for figure in figures}
    return {
        f"{way}: {contender}": (added - known[f"{way} {FEW}", contender]) / (MANY - FEW)
        for (long, contender), added in known.items()
        for way in ("astream", "stream")
        if long == f"{way} {MANY}" and contender != "bare"
    }


def import_costs(rounds: int) -> dict[str, float]:
    """Seconds of CPU to import the base class of chat models, and our package; medians."""
    statements = {
        "langchain_core": "from langchain_core.language_models import BaseChatModel",
        "langchain_switchyard": "from langchain_switchyard import ChatSwitchyard, Deployment",
    }
    spent: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(rounds):
        for name, statement in statements.items():
            code = f"import time; {statement}; print(time.process_time())"
            done = subprocess.run(  # noqa: S603 - our own interpreter, our own text.
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            )
            spent[name].append(float(done.stdout))
    return {name: median(values) for name, values in spent.items()}


def print_tables(
    figures: list[Figure], chunks: Mapping[str, float], imports: Mapping[str, float]
) -> None:
    """Print all figures."""
    print("| way | contender | min µs | median µs | added µs | ratio |\n|---|---|--:|--:|--:|--:|")
    for figure in figures:
        print(
            f"| {figure.way} | {figure.contender} | {figure.minimum:.1f} | {figure.median:.1f} "
            f"| {figure.added:+.1f} | {figure.ratio:.2f} |"
        )
    print(f"\n| added per chunk (limit {MAX_CHUNK} µs) | µs |\n|---|--:|")
    for name, cost in chunks.items():
        print(f"| {name} | {cost:+.2f} |")
    print("\n| import | CPU seconds |\n|---|--:|")
    for name, seconds in imports.items():
        print(f"| {name} | {seconds:.3f} |")


def missed_limits(
    figures: list[Figure], chunks: Mapping[str, float], imports: Mapping[str, float]
) -> list[str]:
    """What is asked of us, and not met."""
    known = {(figure.way, figure.contender): figure for figure in figures}
    missed = []
    for way, contender in product(("ainvoke", "invoke"), ("switchyard", "switchyard, 3 tiers")):
        own, peer = known[way, contender], known[way, "retry + fallbacks"].added
        if own.ratio > MAX_RATIO:
            missed.append(f"{way}, {contender}: ratio {own.ratio:.2f}, limit {MAX_RATIO}")
        if own.added * MIN_ADVANTAGE > peer:
            missed.append(
                f"{way}, {contender}: added {own.added:.1f} µs, retry + fallbacks {peer:.1f}: "
                f"limit is {MIN_ADVANTAGE:.0f} times less"
            )
    missed += [
        f"{name}: {chunks[name]:.2f} µs per chunk, limit {MAX_CHUNK}"
        for name in ("astream: switchyard", "stream: switchyard")
        if chunks[name] > MAX_CHUNK
    ]
    added = imports["langchain_switchyard"] - imports["langchain_core"]
    if added > MAX_IMPORT:
        missed.append(f"import: {added:.3f} s over langchain_core, limit {MAX_IMPORT}")
    return missed


if __name__ == "__main__":
    sys.exit(main())
