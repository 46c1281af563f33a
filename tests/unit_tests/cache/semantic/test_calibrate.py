"""A rule moved to another encoder's scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from langchain_switchyard.cache.semantic import (
    OUTAGE,
    Agreement,
    NgramEmbeddings,
    acalibrate,
    calibrate,
)
from langchain_switchyard.cache.semantic.calibrate import MINILM, Scale, moved
from langchain_switchyard.cache.semantic.wordings import ENGLISH
from langchain_switchyard.errors import ConfigurationError
from tests.unit_tests.cache.semantic.builders import near

COSINES = st.floats(-0.2, 1.0)
SEEN = st.lists(st.tuples(COSINES, st.integers(0, 3)), max_size=8).map(
    lambda pairs: sorted(pairs, reverse=True)
)
SCALES = st.tuples(st.floats(0.0, 0.8), st.floats(0.05, 0.9)).map(
    lambda one: Scale(one[0], one[0] + one[1] * (0.99 - one[0]))
)


class Meaning(Embeddings):
    """Knows the wordings: a direction for each question, some noise, and a share of one for all."""

    def __init__(self, common: float = 0.0, noise: float = 0.5) -> None:
        """Choose the directions."""
        chance = np.random.default_rng(4)
        self._vectors = {}
        together = chance.normal(size=200)
        for pair in ENGLISH:
            topic = chance.normal(size=200)
            for text in pair:
                own = topic + noise * chance.normal(size=200)
                self._vectors[text] = own + common * together

    def embed_query(self, text: str) -> list[float]:
        """Look it up."""
        return self._vectors[text].tolist()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Look them up."""
        return [self.embed_query(text) for text in texts]


@given(SEEN, SCALES)
def test_a_moved_rule_decides_on_moved_cosines_as_the_rule_on_its_own(pairs, scale):
    """Any affine scale: the same neighbours are served, and nobody else."""
    stretch = (scale.wordings - scale.strangers) / (MINILM.wordings - MINILM.strangers)
    rule = Agreement(k=2, similarity=0.6, odds=2.0)
    other = moved(rule, scale)
    if other.similarity == 1.0:
        return
    there = [(scale.strangers + (one - MINILM.strangers) * stretch, group) for one, group in pairs]
    if any(abs(one - 0.6) < 1e-6 for one, _ in pairs):
        return
    here, moved_there = rule.choose(near(*pairs), 0.5), other.choose(near(*there), 0.5)
    if here.reason != moved_there.reason:
        assert {here.reason, moved_there.reason} == {"", "outvoted"}
        assert _margin(rule, pairs) == pytest.approx(0, abs=1e-6)
    else:
        assert [one.entry for one in here.candidates] == [
            one.entry for one in moved_there.candidates
        ]


def _margin(rule: Agreement, pairs: list[tuple[float, int]]) -> float:
    weights = [(np.exp(rule.focus * (one - rule.stranger)), group) for one, group in pairs]
    ours = sum(weight for weight, group in weights if group == pairs[0][1])
    others = sum(weight for weight, group in weights if group != pairs[0][1])
    return float(ours / (rule.odds * (1 + others)) - 1)


def test_the_scale_it_was_measured_with_changes_nothing():
    """Neither the default rule nor that for an outage."""
    for rule in (Agreement(), OUTAGE):
        same = moved(rule, MINILM)
        for name in ("similarity", "stranger", "focus"):
            assert getattr(same, name) == pytest.approx(getattr(rule, name))


def test_an_encoder_whose_strangers_are_alike_gets_a_higher_bar():
    """Nothing else of the rule changes."""
    apart, alike = calibrate(Meaning()), calibrate(Meaning(common=2.0))
    assert alike.similarity > apart.similarity + 0.05
    assert alike.stranger > apart.stranger + 0.05
    assert alike.focus > 2 * apart.focus
    assert (alike.k, alike.odds, alike.comparisons) == (3, 3.0, 3)


async def test_the_waiting_function_says_the_same():
    """Also for a rule of one's own."""
    rule = Agreement(k=4)
    assert await acalibrate(Meaning(), rule) == calibrate(Meaning(), rule)
    assert calibrate(Meaning(), rule).k == 4


@pytest.mark.parametrize(
    "encoder", [DeterministicFakeEmbedding(size=64), NgramEmbeddings(), Meaning(noise=4.0)]
)
def test_an_encoder_that_does_not_know_the_language_is_refused(encoder):
    """No number would make it safe; the error says what does."""
    with pytest.raises(ConfigurationError, match=r"hardly tells wordings .* without an encoder"):
        calibrate(encoder)


def test_pairs_of_ones_own_may_be_in_any_language():
    """Ten at least."""
    zh = [(f"第{n}个问题怎么办", f"问题{n}要怎么处理") for n in "一二三四五六七八九十"]
    encoder = Meaning()
    texts = [text for pair in ENGLISH for text in pair]
    encoder._vectors |= {
        text: encoder._vectors[texts[at]]
        for at, text in enumerate(text for pair in zh for text in pair)
    }
    assert calibrate(encoder, pairs=zh).similarity == pytest.approx(
        calibrate(encoder).similarity, abs=0.05
    )
    with pytest.raises(ConfigurationError, match="at least 10 pairs of wordings, got 9"):
        calibrate(encoder, pairs=zh[:9])


def test_the_wordings_are_all_different():
    """A text twice would look like a stranger at cosine 1."""
    texts = [text for pair in ENGLISH for text in pair]
    assert len(set(texts)) == 2 * len(ENGLISH) == 80


@pytest.mark.parametrize("scale", [MINILM, Scale(0.76, 0.95), Scale(0.3, 0.4)])
def test_a_moved_rule_can_be_made_stricter_as_often_as_the_default(scale):
    """The steps are on the encoder's scale, too; a cosine never passes 1."""
    bars = [moved(Agreement(), scale)]
    while (stricter := bars[-1].stricter()) is not None:
        bars.append(stricter)
    assert 4 <= len(bars) <= 6
    assert bars[-1].similarity <= 1.0
