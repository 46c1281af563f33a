"""What the rules promise of errors, on exchangeable questions asked of the whole level."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.embeddings import Embeddings

from langchain_switchyard.cache.semantic import (
    SemanticCache,
    SemanticPolicy,
    ShadowPolicy,
    bounded,
    threshold,
)
from langchain_switchyard.cache.semantic.wilson import wilson
from langchain_switchyard.cache.semantic_contract import Question
from tests.unit_tests.cache.semantic.builders import UNWATCHED, Equal, Placed, ask, cache, teach

TOPICS, PRIVATE = 12, 64


class Around(Embeddings):
    """`<topic>-<number>-<cosine>`: around a topic, each question in a direction of its own.

    So the nearest stored question is the middle one, and the questions around it are exchangeable.
    """

    def embed_query(self, text: str) -> list[float]:
        """Place it."""
        topic, number, cosine = text.split("-")
        chance = random.Random(number)
        own = [chance.gauss(0, 1) for _ in range(PRIVATE)]
        away = math.sqrt(max(1 - float(cosine) ** 2, 0.0) / sum(one * one for one in own))
        middle = [0.0] * TOPICS
        middle[int(topic)] = float(cosine)
        return [*middle, *(away * one for one in own)]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Place them."""
        return [self.embed_query(text) for text in texts]


def no_veto(asked: object, known: object) -> None:
    """The figures in these texts mean nothing."""
    del asked, known


def simulate(mode: object, *, edge: float, slope: float, requests: int, seed: int, **watch: float):
    """Ask random questions around twelve topics; the farther out, the likelier another answer.

    Args:
        mode: The rule.
        edge: Cosine to a topic's middle at which half of the questions have another answer.
        slope: How fast that changes.
        requests: How many.
        seed: Of all chance.
        watch: Of `ShadowPolicy`.

    Returns:
        Requests, hits, wrong hits, and the level.
    """
    chance = random.Random(seed)
    policy = SemanticPolicy(shadow=ShadowPolicy(**{"share": 0.0, **watch}), veto=no_veto)
    level = SemanticCache(
        Around(), mode=mode, equivalence=Equal(), policy=policy, chance=random.Random(seed + 1)
    )
    hits = wrong = 0
    answers: dict[bytes, str] = {}
    for number in range(requests):
        topic = number % TOPICS
        cosine = 1.0 if number < TOPICS else chance.uniform(0.7, 1.0)
        right = number < TOPICS or chance.random() < 1 / (1 + math.exp(slope * (edge - cosine)))
        answer = f"answer {topic}" if right else f"other {number}"
        question = Question(b"p", f"{topic}-{number}-{cosine}", number.to_bytes(4, "big"))
        verdict = level.lookup(question)
        if verdict.hit is None:
            answers[question.key] = answer
            level.record(question, answer, verdict)
            continue
        hits += 1
        wrong += answers[verdict.hit.key] != answer
    return requests, hits, wrong, level


@pytest.mark.parametrize("delta", [0.02, 0.1])
@pytest.mark.parametrize(("edge", "slope"), [(0.8, 60.0), (0.85, 20.0), (0.95, 40.0), (0.5, 9.0)])
def test_bounded_keeps_the_error_per_request_under_its_delta(delta, edge, slope):
    """Sharp edges and blurred ones, few errors and many: the rate is not surely above delta."""
    requests, hits, wrong, _ = simulate(
        bounded(delta), edge=edge, slope=slope, requests=1_500, seed=11
    )
    assert hits > 0
    assert wilson(wrong, requests, 0.99)[0] <= delta


def test_a_looser_bound_serves_more():
    """Otherwise asking for less error would be free, and the rule broken."""
    served = [
        simulate(bounded(delta), edge=0.85, slope=20.0, requests=1_000, seed=5)[1]
        for delta in (0.005, 0.05, 0.2)
    ]
    assert served == sorted(served)
    assert served[-1] > 2 * served[0]


@given(st.floats(0.2, 1.0), st.integers(0, 900), st.integers(0, 900))
@settings(max_examples=60)
def test_threshold_serves_what_is_near_enough_and_nothing_else(similarity, one, other):
    """The cosine of the angle between two questions decides, nothing else."""
    cosine = math.cos(math.radians(abs(one - other) / 10))
    if abs(cosine - similarity) < 1e-5:
        return
    level = cache(Placed(a=0.0), mode=threshold(similarity), policy=UNWATCHED)
    teach(level, (f"a {'o' * one}", "yes"))
    hit = level.lookup(ask(f"a {'o' * other}")).hit
    assert (hit is not None) == (cosine > similarity or one == other)


@pytest.mark.parametrize("seed", range(3))
def test_a_higher_threshold_errs_no_more_often(seed):
    """On the same questions, per request."""
    wrong = [
        simulate(threshold(one), edge=0.85, slope=30.0, requests=1_500, seed=seed)[2]
        for one in (0.75, 0.85, 0.95)
    ]
    assert wrong[0] >= wrong[1] >= wrong[2]
    assert wrong[0] > 2 * wrong[2]


def test_checks_measure_the_wrong_per_hit_without_bias():
    """A tenth of the hits is checked; the interval holds the true share."""
    _, hits, wrong, level = simulate(
        threshold(0.8), edge=0.8, slope=30.0, requests=4_000, seed=3, share=0.1, target=1.0
    )
    stats = level.stats()
    lower, upper = wilson(stats["wrong"], stats["checked"], 0.995)
    assert stats["checked"] > 200
    assert lower <= wrong / hits <= upper


def test_a_threshold_that_errs_too_often_is_raised_or_closed_by_its_checks():
    """Nobody has to have chosen it well: late hits are few, or right."""
    bad = {"edge": 0.9, "slope": 30.0, "seed": 7}
    free = simulate(threshold(0.8), requests=3_000, **bad)
    held = simulate(threshold(0.8), requests=3_000, share=0.1, target=0.02, **bad)
    assert free[2] / free[0] > 0.2
    assert held[2] / held[0] < 0.1 * free[2] / free[0]
    stats = held[3].stats()
    assert stats["raised"] + stats["closed"] >= 1
