"""A day of a help desk, with and without the response cache.

```bash
python benchmarks/workload.py                 # generated questions, exact level
python benchmarks/workload.py --data DIR      # banking77 with vectors: semantic level, too
python benchmarks/workload.py --smoke --check
```

The day is made of what help desks see: popular questions (Zipf), mostly clicked or copied and
partly put in other words; follow-ups; pipeline calls that come again with each run; and questions
that nobody asks twice. Three tenants share the models and never an answer. For an hour in the
afternoon the provider is down; the application has agreed to marked answers from the past. The mix
(`SHARES`, `VERBATIM`) is an assumption, and the hit rate follows from it.

Time is virtual: both runs see the same arrivals, latencies and outage, and take seconds. An answer
is wrong if it was given to a question of another intent. Latency and tokens are compared over the
hours in which the provider was up, where both runs answer everything.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import ConfigDict

from langchain_switchyard.cache import CachePolicy, Degradation, Freshness, ResponseCache
from langchain_switchyard.errors import AllDeploymentsFailed
from langchain_switchyard.routing.call import CallOptions
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.deployment import Deployment, Price
from langchain_switchyard.testing import FakeClock

DAY = 86_400.0
OUTAGE = (15 * 3600.0, 16 * 3600.0)
SYSTEM = "You answer questions of our customers, briefly and kindly. " * 20
SHARES = {"popular": 0.62, "follow-up": 0.10, "pipeline": 0.18, "unique": 0.10}
"""What the day is made of."""
VERBATIM = 0.7
"""Share of popular questions asked in one of three usual wordings (buttons, copies)."""
TENANTS = (("north", 0.6), ("south", 0.3), ("east", 0.1))


@dataclass(frozen=True)
class Arrival:
    """One request of the day."""

    at: float
    tenant: str
    kind: str
    intent: str
    """What a right answer is about."""
    texts: tuple[str, ...]
    """The user's turns."""


@dataclass
class Outcome:
    """What became of the day."""

    latency: list[float] = field(default_factory=list)
    tokens: int = 0
    hits: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    repeats_hit: int = 0
    down: int = 0
    down_answered: int = 0
    requests: int = 0


class Provider(BaseChatModel):
    """Answers after a while with what the question is about; down for an hour."""

    clock: Any
    intents: dict[str, str]
    rng: Any

    model_config = ConfigDict(arbitrary_types_allowed=True)

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        del stop, run_manager, kwargs
        if OUTAGE[0] <= self.clock.now() < OUTAGE[1]:
            await self.clock.asleep(0.5)
            raise ConnectionError("the provider is down")
        await self.clock.asleep(self.rng.lognormvariate(0.5, 0.4))
        *_, before, last = messages
        # A follow-up is about what came before it.
        told = self.intents.get(last.text) or f"{before.text.removeprefix('About ')[:-1]}, cost"
        spent = sum(len(message.text) for message in messages) // 4
        usage = {"input_tokens": spent, "output_tokens": 120, "total_tokens": spent + 120}
        answer = AIMessage(f"About {told}.", usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    @property
    def _llm_type(self) -> str:
        return "provider"


class Stored(Embeddings):
    """Vectors that were computed before; nothing is embedded here."""

    def __init__(self, texts: list[str], vectors: np.ndarray) -> None:
        """Remember which row belongs to which text."""
        self._rows = {text: row for row, text in enumerate(texts)}
        self._vectors = vectors

    def embed_query(self, text: str) -> list[float]:
        """The stored vector; a text without one is far from everything."""
        row = self._rows.get(text)
        if row is not None:
            return self._vectors[row].tolist()
        rng = np.random.default_rng(abs(hash(text)) % 2**32)
        vector = rng.standard_normal(self._vectors.shape[1])
        return (vector / np.linalg.norm(vector)).tolist()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One by one."""
        return [self.embed_query(text) for text in texts]


def generated() -> dict[str, list[str]]:
    """Intent -> wordings, without any data."""
    actions = [
        "open",
        "close",
        "pay",
        "change",
        "cancel",
        "renew",
        "find",
        "report",
        "move",
        "block",
    ]
    things = ["card", "account", "bill", "order", "address", "password", "invoice", "plan"]
    forms = (
        "How do I {} my {}?", "how can i {} the {}", "I want to {} my {}", "{} {} please",
        "What do I need to {} a {}?", "help me {} my {}", "Is it possible to {} my {}?",
        "where can I {} my {}", "can you {} my {} for me", "我想 {} 我的 {}", "怎么 {} {}？",
        "steps to {} a {}",
    )  # fmt: skip
    return {
        f"{action} {thing}": [form.format(action, thing) for form in forms]
        for action in actions
        for thing in things
    }


def stored(data: Path) -> tuple[dict[str, list[str]], Stored]:
    """Intent -> wordings of banking77, and their vectors."""
    arrays = np.load(data / "banking77_minilm_l6_f16.npz")
    texts, labels = arrays["text"].tolist(), arrays["label"].tolist()
    wordings: dict[str, list[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        wordings.setdefault(label, []).append(text)
    return wordings, Stored(texts, arrays["emb"].astype(np.float32))


def day(wordings: dict[str, list[str]], requests: int, rng: random.Random) -> list[Arrival]:
    """All requests of a day, in order; nothing of the cache is known here."""
    intents = sorted(wordings)
    rng.shuffle(intents)
    weights = [1 / (rank + 1) for rank in range(len(intents))]
    documents = [f"Classify document {number}: " + "text " * 60 for number in range(requests // 40)]
    arrivals = []
    for number in range(requests):
        hour = min(max(rng.gauss(14, 4), 0.0), 23.99)
        tenant = rng.choices([name for name, _ in TENANTS], [share for _, share in TENANTS])[0]
        kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
        intent = rng.choices(intents, weights)[0]
        texts: tuple[str, ...] = (_worded(wordings[intent], rng),)
        if kind == "follow-up":
            texts = (wordings[intent][0], f"And what does it cost? ({rng.randrange(3)})")
        elif kind == "pipeline":
            texts = (rng.choice(documents),)
            intent = texts[0]
        elif kind == "unique":
            texts = (f"Something only I would ask, number {number}",)
            intent = texts[0]
        told = f"{intent}, cost" if kind == "follow-up" else intent
        arrivals.append(Arrival(hour * 3600, tenant, kind, told, texts))
    return sorted(arrivals, key=lambda arrival: arrival.at)


def _worded(wordings: list[str], rng: random.Random) -> str:
    if rng.random() < VERBATIM:
        return wordings[min(int(rng.expovariate(1.0)), 2, len(wordings) - 1)]
    return rng.choice(wordings)


def conversation(arrival: Arrival) -> list[BaseMessage]:
    """The request's messages; earlier turns with the answers they had."""
    turns: list[BaseMessage] = [SystemMessage(SYSTEM)]
    *earlier, last = arrival.texts
    for text in earlier:
        turns += [HumanMessage(text), AIMessage(f"About {arrival.intent.split(',')[0]}.")]
    return [*turns, HumanMessage(last)]


def live(arrivals: list[Arrival], make_cache: Callable[[World], ResponseCache | None]) -> Outcome:
    """Run the day."""
    clock = FakeClock()
    world = World(clock=clock, random=random.Random(2))
    intents = {arrival.texts[-1]: arrival.intent for arrival in arrivals if len(arrival.texts) == 1}
    rng = random.Random(3)

    model = Provider(clock=clock, intents=intents, rng=rng)
    price = Price(input=2.5, output=10.0)
    router = ChatSwitchyard(
        deployments=[Deployment(model=model, id="provider", price=price)],
        cache=make_cache(world),
        world=world,
    )
    outcome, seen = Outcome(), set()

    async def one(arrival: Arrival) -> None:
        await clock.asleep(arrival.at - clock.now())
        known = (arrival.tenant, arrival.texts) in seen
        seen.add((arrival.tenant, arrival.texts))
        begun, is_down = clock.now(), OUTAGE[0] <= clock.now() < OUTAGE[1]
        outcome.requests += 1
        outcome.down += is_down
        options = CallOptions(tenant=arrival.tenant)
        try:
            answer = await router.ainvoke(conversation(arrival), switchyard=options)
        except AllDeploymentsFailed:
            assert is_down or clock.now() - OUTAGE[1] < 120, "only the outage fails requests"
            return
        _note(outcome, arrival, answer, clock.now() - begun, is_down=is_down, known=known)

    async def all_day() -> None:
        await asyncio.gather(*(one(arrival) for arrival in arrivals))

    clock.run(all_day())
    return outcome


def _note(
    outcome: Outcome,
    arrival: Arrival,
    answer: BaseMessage,
    seconds: float,
    *,
    is_down: bool,
    known: bool,
) -> None:
    story = answer.response_metadata["switchyard"]
    word = story.get("cache", "miss")
    if is_down:
        outcome.down_answered += 1
    else:
        outcome.latency.append(seconds)
        outcome.repeats += known
        outcome.repeats_hit += known and word != "miss"
    usage = getattr(answer, "usage_metadata", None) or {}
    outcome.tokens += usage.get("total_tokens", 0)
    outcome.hits[word] = outcome.hits.get(word, 0) + 1
    if answer.text != f"About {arrival.intent}.":
        outcome.wrong[word] = outcome.wrong.get(word, 0) + 1


def main() -> int:
    """Run the day twice and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder with the banking77 vectors"
    )
    parser.add_argument("--requests", type=int, default=12_000)
    parser.add_argument("--smoke", action="store_true", help="a tenth of the day")
    parser.add_argument("--check", action="store_true", help="exit 1 if a limit is missed")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures there")
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # The breaker tells the whole outage.
    wordings, vectors = (generated(), None) if options.data is None else stored(options.data)
    requests = options.requests // 10 if options.smoke else options.requests
    arrivals = day(wordings, requests, random.Random(1))

    def cached(world: World) -> ResponseCache:
        policy = CachePolicy(
            freshness=Freshness(fresh_for=12 * 3600, stale_while_revalidate=1800),
            degradation=Degradation(mode="exact" if vectors is None else "similar"),
        )
        return ResponseCache(policy=policy, semantic=_semantic(vectors), world=world)

    plain, with_cache = live(arrivals, lambda _: None), live(arrivals, cached)
    rows = figures(plain, with_cache, smoke=options.smoke)
    missed = 0
    for name, figure, limit in rows:
        meets = limit is None or figure >= limit
        missed += not meets
        bar = "" if limit is None else f">= {limit:g}"
        print(f"  {name:<52} {figure:>9.2f}  {bar:<8} {'' if meets else 'MISSED'}")
    print(f"  answers by kind: {with_cache.hits}; wrong: {with_cache.wrong or 'none'}")
    if options.json:
        options.json.write_text(json.dumps({name: figure for name, figure, _ in rows}, indent=2))
    return int(bool(missed) and options.check)


def _semantic(vectors: Stored | None) -> Any:
    if vectors is None:
        return None
    from langchain_switchyard.cache.semantic import SameText, SemanticCache  # noqa: PLC0415

    return SemanticCache(vectors, equivalence=SameText(), chance=random.Random(4))


def figures(
    plain: Outcome, cached: Outcome, *, smoke: bool
) -> list[tuple[str, float, float | None]]:
    """Name, percent, and the least it must be; a tenth of a day has no time to warm up."""
    hits = sum(count for word, count in cached.hits.items() if word != "miss")
    served = sum(cached.hits.values())
    mean = [sum(outcome.latency) / len(outcome.latency) for outcome in (plain, cached)]
    wrong = sum(cached.wrong.values())
    return [
        ("requests", float(cached.requests), None),
        ("hit rate, %", 100 * hits / served, None if smoke else 60.0),
        ("hit rate of the repeating part, %", 100 * cached.repeats_hit / cached.repeats, 80.0),
        ("mean latency saved, %", 100 * (1 - mean[1] / mean[0]), 30.0),
        ("tokens saved, %", 100 * (1 - cached.tokens / plain.tokens), 20.0),
        ("wrong answers per hit, %", 100 * wrong / max(1, hits), None),
        ("answered while the provider was down, %", 100 * cached.down_answered / cached.down, None),
        ("the same without the cache, %", 100 * plain.down_answered / plain.down, None),
    ]


if __name__ == "__main__":
    sys.exit(main())
