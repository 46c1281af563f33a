"""How often the semantic cache serves, and how often it serves wrongly, next to its peers.

    python benchmarks/semantic_cache.py --data DIR [--strangers FILE] [--json FILE] [--check]
    python benchmarks/semantic_cache.py --smoke

`--smoke` takes seconds; without `--data` it makes up a stream and shows no figure worth quoting.
`DIR` holds banking77 and CLINC150 with stored all-MiniLM-L6-v2 vectors, and PAWS-X zh; its
`SOURCES.md` names origin and licence. No model is loaded: the stored vectors stand in as the
`Embeddings`, everything else is the package as installed. Two questions have equivalent answers
when their intent is the same, as both data sets were made to say.

What was tuned on what. `Agreement`'s five numbers were searched on one half of the intents of both
data sets (`half 0` below: intents whose CRC-32 is even, three orders), among some 500 settings, for
one that is nowhere worse than the published gate (three agreeing neighbours above 0.80) in wrong
per hit and in serving unknown intents. The rows `half 1` are the other intents: not searched, but a
dozen finalists were compared on them, too. The rows `all` are the full streams for which others
publish figures; half of their intents were in the search. Vetoes and text rules were not tuned on
these data. The rule for an outage was chosen with the full banking77 stream in view; that questions
about today are remembered for an outage was not chosen on any data. `order 1` and `order 2` split
the streams elsewhere.

Questions that belong to no stored intent: the stored vectors cover none of CLINC150's out-of-scope
questions, so the other half of the intents stands in for them, which is harder (they are close
relatives: two kinds of card payment). `--strangers FILE` takes an .npz of `text` and `emb` (made
with the same encoder) and asks those of a cache warmed with all of CLINC150.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from semantic_cache_data import PAWS, Oracle, StoredVectors, Stream, load, made_up, pairs

from langchain_switchyard.cache.semantic import (
    Agreement,
    Bounded,
    Mode,
    SemanticCache,
    SemanticPolicy,
    ShadowPolicy,
    TextRules,
    Threshold,
)
from langchain_switchyard.cache.semantic.vetoes import Marks
from langchain_switchyard.cache.semantic.wilson import wilson
from langchain_switchyard.cache.semantic_contract import Question

PUBLISHED_GATE = Agreement(k=3, similarity=0.8, odds=0.0, comparisons=1)
# GPTCache: hit when 4 - d >= 0.8 * 4 with FAISS' squared L2 distance d = 2 - 2 cos.
GPTCACHE = Threshold(similarity=0.6, neighbours=1)
PEER_IN_OUTAGE = "3 agree @ 0.60"


def no_veto(asked: Marks, known: Marks) -> str | None:
    """Let everything pass: what peers do."""
    del asked, known


ALL_TEXTS = TextRules(time_words=True, personal=True, longest=10_000)
BARE = SemanticPolicy(text=ALL_TEXTS, veto=no_veto, shadow=ShadowPolicy(share=0.0))
# An intent is a generic answer: whose account is asked about does not matter in these data.
SHIPPED = SemanticPolicy(text=TextRules(personal=True))


@dataclass
class Outcome:
    """What one rule did with one stream."""

    rule: str
    stream: str
    requests: int
    hits: int
    wrong: int
    comparisons: int
    unknown: float | None = None
    """Share of questions of never stored intents that were served."""
    micros: float = 0.0
    """CPU for a lookup, embedding excluded."""

    @property
    def hit_rate(self) -> float:
        """Hits per request, in per cent."""
        return 100 * self.hits / max(self.requests, 1)

    @property
    def wrong_per_hit(self) -> float:
        """Wrong answers per hit, in per cent."""
        return 100 * self.wrong / max(self.hits, 1)

    def row(self) -> str:
        """One line of the table."""
        low, high = wilson(self.wrong, self.hits, 0.975)
        unknown = f"{100 * self.unknown:6.2f}" if self.unknown is not None else "     -"
        return (
            f"{self.rule:34} {self.stream:24} {self.hit_rate:6.1f} {self.wrong_per_hit:6.2f} "
            f"[{100 * low:5.2f}, {100 * high:5.2f}] {100 * self.wrong / self.requests:6.2f} "
            f"{unknown} {self.comparisons / self.requests:6.2f} {self.micros:7.0f}"
        )


HEAD = (
    f"{'rule':34} {'stream':24} {'hit %':>6} {'wrong':>6} {'[95 % interval]':>15} {'/req':>6} "
    f"{'unkn.':>6} {'comp.':>6} {'us':>7}"
)


def question(stream: Stream, row: int) -> Question:
    """Return one question of a stream, in the one partition of the benchmark."""
    return Question(b"p", stream.texts[row], row.to_bytes(4, "big"))


def run(
    rule: str,
    stream: Stream,
    mode: Mode | None,
    policy: SemanticPolicy,
    *,
    noise: float = 0.0,
    strangers: Stream | None = None,
) -> Outcome:
    """Ask a stream's questions one after the other of a cache that starts empty."""
    known = [stream] if strangers is None else [stream, strangers]
    oracle = Oracle(noise)
    cache = SemanticCache(
        StoredVectors(*known), mode=mode, equivalence=oracle, policy=policy, chance=random.Random(5)
    )
    done = Outcome(rule, stream.name, len(stream.texts), 0, 0, 0)
    spent = 0.0
    for row, intent in enumerate(stream.intents):
        asked = question(stream, row)
        start = time.thread_time()
        verdict = cache.lookup(asked)
        spent += time.thread_time() - start
        if verdict.hit is None:
            cache.record(asked, intent, verdict)
            continue
        done.hits += 1
        done.wrong += stream.intents[int.from_bytes(verdict.hit.key, "big")] != intent
    done.comparisons, done.micros = oracle.asked, 1e6 * spent / len(stream.texts)
    if strangers is not None:
        served = sum(
            cache.lookup(question(strangers, row)).hit is not None
            for row in range(len(strangers.texts))
        )
        done.unknown = served / len(strangers.texts)
    return done


def outage(stream: Stream, policy: SemanticPolicy, rule: str) -> Outcome:
    """Warm a cache with the first half, then answer the second half while no model can."""
    oracle = Oracle()
    cache = SemanticCache(StoredVectors(stream), equivalence=oracle, policy=policy)
    half = len(stream.texts) // 2
    for row in range(half):
        cache.record(question(stream, row), stream.intents[row], None)
    done = Outcome(rule, f"{stream.name} outage", len(stream.texts) - half, 0, 0, oracle.asked)
    for row in range(half, len(stream.texts)):
        hit = cache.outage(question(stream, row))
        if hit is not None:
            done.hits += 1
            done.wrong += stream.intents[int.from_bytes(hit.key, "big")] != stream.intents[row]
    return done


def drills(stream: Stream, orders: Sequence[int]) -> Iterator[Outcome]:
    """Rehearse outages: ours as shipped, ours bare, and the published gate."""
    yield outage(stream, SHIPPED, "default")
    yield outage(stream.half(1), SHIPPED, "default")
    for seed in orders:
        yield outage(stream.shuffled(seed), SHIPPED, "default")
    yield outage(stream, BARE, "default, decision alone")
    yield outage(stream.half(1), BARE, "default, decision alone")
    peer = Agreement(similarity=0.6, odds=0)
    yield outage(stream, replace(BARE, outage=peer), PEER_IN_OUTAGE)


def out_of_scope(folder: Path, strangers: Path) -> Outcome:
    """Ask questions that belong to no intent of a cache warmed with all of CLINC150."""
    with np.load(strangers, allow_pickle=False) as stored:
        texts, vectors = stored["text"].tolist(), stored["emb"].astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    unknown = Stream("out of scope", texts, ["none"] * len(texts), vectors)
    warm = load(folder, "clinc150", None)
    return run("default (vetoes, checks, rules)", warm, None, SHIPPED, strangers=unknown)


def paws(path: Path, limit: int | None) -> tuple[Outcome, int]:
    """Store each first sentence, ask the second; without an encoder.

    Returns:
        The outcome over pairs that differ at all, and how many pairs are the same text although
        labelled different in meaning: slips of the labels that no rule could heed.
    """
    done = Outcome("no encoder (n-grams, strict veto)", f"PAWS-X zh {path.stem[9:12]}", 0, 0, 0, 0)
    slips = 0
    for number, (first, second, same) in enumerate(pairs(path)):
        if limit is not None and number >= limit:
            break
        if first == second:
            slips += not same
            continue
        cache = SemanticCache(policy=replace(SHIPPED, shadow=ShadowPolicy(share=0.0)))
        cache.record(Question(b"p", first, b"1"), first, None)
        hit = cache.lookup(Question(b"p", second, b"2")).hit
        done.requests += 1
        done.hits += hit is not None
        done.wrong += hit is not None and not same
    return done, slips


def rules() -> dict[str, tuple[Mode | None, SemanticPolicy]]:
    """Return every rule that is compared: ours as shipped, ours bare, peers bare."""
    listed: dict[str, tuple[Mode | None, SemanticPolicy]] = {
        "default (vetoes, checks, rules)": (None, SHIPPED),
        "default, decision alone": (None, BARE),
        "published gate: 3 agree @ 0.80": (PUBLISHED_GATE, BARE),
        "  the same, 3 comparisons": (replace(PUBLISHED_GATE, comparisons=3), BARE),
    }
    for similarity in (0.80, 0.85, 0.90, 0.95):
        listed[f"threshold {similarity:.2f}"] = (Threshold(similarity=similarity), BARE)
    listed["GPTCache default (cos >= 0.60)"] = (GPTCACHE, BARE)
    for delta in (0.01, 0.02, 0.05):
        listed[f"bounded, delta {delta}"] = (Bounded(delta=delta), BARE)
    return listed


@dataclass(frozen=True)
class Bar:
    """A figure that was asked for."""

    what: str
    seen: float
    limit: float
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether it was reached."""
        return self.seen >= self.limit if self.at_least else self.seen <= self.limit


def measure(
    folder: Path, limit: int | None, show: Callable[[Outcome], None]
) -> tuple[list[Outcome], list[Bar]]:
    """Run everything; `show` is called with each outcome as it comes."""
    outcomes: list[Outcome] = []
    bars: list[Bar] = []

    def note(outcome: Outcome) -> Outcome:
        outcomes.append(outcome)
        show(outcome)
        return outcome

    asked = {"banking77": (50.0, 1.3), "clinc150": (33.0, 0.45)}
    for name, (hits, wrong) in asked.items():
        stream = load(folder, name, limit)
        whole = stream.part(range(len(stream.texts)), "all")
        for rule, (mode, policy) in rules().items():
            outcome = note(run(rule, whole, mode, policy))
            if mode is None:
                bars.append(Bar(f"{name}, {rule}: hit %", outcome.hit_rate, hits, at_least=True))
                bars.append(Bar(f"{name}, {rule}: wrong %", outcome.wrong_per_hit, wrong))
        noisy = note(run("default, 10 % noise in comparing", whole, None, SHIPPED, noise=0.1))
        bars.append(Bar(f"{name}, 10 % noise: wrong %", noisy.wrong_per_hit, 1.5))
        for rule, (mode, policy) in list(rules().items())[:4]:
            note(run(rule, stream.half(1), mode, policy, strangers=stream.half(0)))
        for seed in () if limit else (1, 2):
            note(run("default (vetoes, checks, rules)", whole.shuffled(seed), None, SHIPPED))
        for done in map(note, drills(stream, () if limit else (1, 2))):
            if done.stream == "banking77 outage" and done.rule != PEER_IN_OUTAGE:
                told = f"{done.stream}, {done.rule}"
                bars.append(Bar(f"{told}: answered %", done.hit_rate, 82.0, at_least=True))
                bars.append(Bar(f"{told}: wrong %", done.wrong_per_hit, 2.6))
    for file in PAWS:
        outcome, slips = paws(folder / file, limit)
        note(outcome)
        print(f"    ({slips} more pairs are one text twice, yet labelled different)")
        bars.append(Bar(f"{outcome.stream}: wrong %", outcome.wrong_per_hit, 0.5))
    return outcomes, bars


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description="Semantic cache: hits and wrong hits.")
    parser.add_argument("--data", type=Path, help="folder with the stored data")
    parser.add_argument("--strangers", type=Path, help=".npz of out-of-scope text and emb")
    parser.add_argument("--smoke", action="store_true", help="a few hundred questions, no figures")
    parser.add_argument("--json", type=Path, help="write the outcomes to this file")
    parser.add_argument("--check", action="store_true", help="exit 1 if a figure is missed")
    options = parser.parse_args(arguments)
    print(HEAD)
    if options.data is None:
        if not options.smoke:
            parser.error("give the data folder with --data DIR, or --smoke")
        for rule, (mode, policy) in rules().items():
            print(run(rule, made_up(), mode, policy).row())
        return 0
    outcomes, bars = measure(
        options.data, 600 if options.smoke else None, lambda done: print(done.row(), flush=True)
    )
    if options.strangers is not None:
        strange = out_of_scope(options.data, options.strangers)
        print(strange.row())
        outcomes.append(strange)
        bars.append(Bar("out of scope: served %", 100 * (strange.unknown or 0.0), 0.4))
    print()
    for bar in [] if options.smoke else bars:
        sign = ">=" if bar.at_least else "<="
        print(
            f"{'met   ' if bar.is_met else 'MISSED'} {bar.what}: {bar.seen:.2f} {sign} {bar.limit}"
        )
    if options.json:
        told = [
            {**vars(done), "hit_rate": done.hit_rate, "wrong_per_hit": done.wrong_per_hit}
            for done in outcomes
        ]
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    missed = not options.smoke and any(not bar.is_met for bar in bars)
    return int(options.check and missed)


if __name__ == "__main__":
    sys.exit(main())
