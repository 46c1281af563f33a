"""Find the dense leg's weight on your own judged queries, without fooling yourself.

Half of the queries choose, the other half reports. The weight moves away from the retriever's own
only when the choosing half says so beyond chance: with few queries the default is the better
guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha1

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.evaluation.evaluate import Evaluation, Judgements, evaluate
from langchain_switchyard.retrieval.evaluation.judged import judged
from langchain_switchyard.retrieval.evaluation.significance import Difference
from langchain_switchyard.retrieval.hybrid import HybridRetriever
from langchain_switchyard.retrieval.search_config import SearchConfig

FEWEST_QUERIES = 50
_WEIGHTS = tuple(step / 10 for step in range(11))


@dataclass(frozen=True, slots=True)
class Tuning:
    """What tuning found.

    Attributes:
        config: The configuration to use; the retriever's own if nothing was better beyond chance.
        weight: Weight of the dense leg chosen, ``None`` if the own configuration stays.
        gain: Difference to the own configuration on the held-out half.
        tried: ``weight -> mean`` on the choosing half, all of them.
        chosen_on: Queries that chose.
        held_out: Queries that report.
    """

    config: SearchConfig
    weight: float | None
    gain: Difference
    tried: Mapping[float, float]
    chosen_on: int
    held_out: int


def tune(
    retriever: HybridRetriever,
    queries: Mapping[str, str],
    judgements: Judgements,
    measure: str = "ndcg@10",
    weights: Sequence[float] = _WEIGHTS,
) -> Tuning:
    """Choose the weight of the dense leg.

    Args:
        retriever: With both legs.
        queries: ``query id -> text``.
        judgements: ``query id -> {document id: grade}``.
        measure: What to raise.
        weights: Weights to try, 0 to 1.

    Raises:
        ConfigurationError: Fewer than 50 judged queries, or no dense leg.
    """
    if retriever.index.dense is None:
        raise ConfigurationError("there is nothing to weigh: this index has no dense leg")
    asked, graded = judged(queries, judgements)
    if len(asked) < FEWEST_QUERIES:
        raise ConfigurationError(
            f"tuning needs {FEWEST_QUERIES} judged queries or more, got {len(asked)}: with fewer "
            "the default is the better guess"
        )
    choosing = {name: text for name, text in asked.items() if _chooses(name)}
    reporting = {name: text for name, text in asked.items() if name not in choosing}
    measured = partial(evaluate, judgements=graded, measures=(measure,))
    own = measured(retriever, choosing)
    found: dict[float, Evaluation] = {}
    for weight in weights:
        found[weight] = measured(_weighted(retriever, weight), choosing)
    best = max(found, key=lambda weight: (found[weight].scores[measure].mean(), -weight))
    moves = found[best].difference(own, measure).low > 0
    final = _weighted(retriever, best) if moves else retriever
    held_out = measured(final, reporting)
    return Tuning(
        config=final.config,
        weight=best if moves else None,
        gain=held_out.difference(measured(retriever, reporting), measure),
        tried={weight: float(each.scores[measure].mean()) for weight, each in found.items()},
        chosen_on=len(choosing),
        held_out=len(reporting),
    )


def _weighted(retriever: HybridRetriever, weight: float) -> HybridRetriever:
    config = replace(
        retriever.config,
        vector_weight=weight,
        keyword_weight=1 - weight,
        # The same scale as before, or the weight would mean something else.
        fusion=retriever.config.fusion or "corpus_z",
    )
    return retriever.model_copy(update={"config": config})


def _chooses(name: str) -> bool:
    # By digest: a query stays on its side when others are added.
    return sha1(name.encode(), usedforsecurity=False).digest()[-1] % 2 == 0
