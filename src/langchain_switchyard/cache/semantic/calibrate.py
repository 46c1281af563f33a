"""A rule for another encoder than the one its numbers were measured with.

A cosine means something else to every encoder: to all-MiniLM-L6-v2 unrelated questions have 0.07
and two wordings of one question 0.79, to others 0.76 and 0.95. `calibrate` measures both on forty
pairs of questions and moves a rule's numbers to where they mean the same. No label of yours is
needed. An encoder that does not tell wordings from strangers is refused: no number makes it safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from statistics import fmean, pstdev

from langchain_core.embeddings import Embeddings

from langchain_switchyard.cache.semantic.modes import Agreement
from langchain_switchyard.cache.semantic.wordings import ENGLISH
from langchain_switchyard.errors import ConfigurationError

Pairs = Sequence[tuple[str, str]]
"""Two wordings of one question each; the pairs have nothing to do with each other."""

_FEWEST = 10
_APART = 4.5
"""Standard deviations of strangers that wordings must stand above them; all-MiniLM-L6-v2's do 9.3.
Encoders below served up to twice the wrong answers that the default rule is meant to serve."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What cosines mean to an encoder: the mean of strangers, and of two wordings."""

    strangers: float
    wordings: float


MINILM = Scale(strangers=0.072, wordings=0.785)
"""all-MiniLM-L6-v2 on `ENGLISH`: the encoder that the rules' numbers were measured with."""


def calibrate(
    embeddings: Embeddings, rule: Agreement | None = None, *, pairs: Pairs = ENGLISH
) -> Agreement:
    """Return a rule whose numbers mean to this encoder what they mean to all-MiniLM-L6-v2.

    ```python
    SemanticCache(
        embeddings,
        mode=calibrate(embeddings),
        policy=SemanticPolicy(outage=calibrate(embeddings, OUTAGE)),
    )
    ```

    Args:
        embeddings: The encoder; the wordings are embedded once, 80 texts.
        rule: With numbers for all-MiniLM-L6-v2; the default rule if None.
        pairs: Wordings in the language that is asked in; at least ten pairs.

    Raises:
        ConfigurationError: The encoder does not tell wordings of a question from other questions,
            as those for another language do not; or there are too few pairs.
    """
    texts = _texts(pairs)
    return moved(rule or Agreement(), scale_of([embeddings.embed_query(text) for text in texts]))


async def acalibrate(
    embeddings: Embeddings, rule: Agreement | None = None, *, pairs: Pairs = ENGLISH
) -> Agreement:
    """As `calibrate`."""
    vectors = [await embeddings.aembed_query(text) for text in _texts(pairs)]
    return moved(rule or Agreement(), scale_of(vectors))


def _texts(pairs: Pairs) -> list[str]:
    if len(pairs) < _FEWEST:
        raise ConfigurationError(
            f"calibrate needs at least {_FEWEST} pairs of wordings, got {len(pairs)}"
        )
    return list(chain.from_iterable(pairs))


def scale_of(vectors: Sequence[Sequence[float]]) -> Scale:
    """Measure an encoder.

    Args:
        vectors: Of the wordings, those of one pair next to each other.

    Raises:
        ConfigurationError: It does not tell wordings from strangers.
    """
    # Not above: numpy is an extra, and reading this file must not need it.
    from langchain_switchyard.cache.semantic.vector_index import unit  # noqa: PLC0415

    units = [unit(vector) for vector in vectors]
    wordings: list[float] = []
    strangers: list[float] = []
    for at, left in enumerate(units):
        for other in range(at + 1, len(units)):
            kind = wordings if at // 2 == other // 2 else strangers
            kind.append(float(left @ units[other]))
    scale = Scale(fmean(strangers), fmean(wordings))
    apart = (scale.wordings - scale.strangers) / max(pstdev(strangers), 1e-9)
    if apart < _APART:
        raise ConfigurationError(
            f"this encoder hardly tells wordings of a question (mean cosine {scale.wordings:.2f}) "
            f"from other questions ({scale.strangers:.2f}): {apart:.1f} standard deviations, "
            f"{_APART} are needed. Use one for your language, give pairs= in that language, or "
            f"SemanticCache() without an encoder"
        )
    return scale


def moved(rule: Agreement, scale: Scale) -> Agreement:
    """Return a rule for another scale: the same place between strangers and wordings."""
    stretch = (scale.wordings - scale.strangers) / (MINILM.wordings - MINILM.strangers)

    def move(cosine: float) -> float:
        return min(scale.strangers + (cosine - MINILM.strangers) * stretch, 1.0)

    return replace(
        rule,
        similarity=move(rule.similarity),
        stranger=move(rule.stranger),
        focus=rule.focus / stretch,
    )
