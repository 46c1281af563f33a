"""The measures, as trec_eval defines them: linear gains, log2 discount, relevant above grade 0.

With ``ir-measures`` installed (extra ``evaluation``) its figures are used, and everything it knows
can be asked for. Without it the five families of ``FAMILIES`` are computed here; a test holds both
to the same figures.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.retrieval.lexical.bm25 import Floats

Grades = Mapping[str, float]
"""``document id -> grade``."""

STANDARD = ("ndcg@10", "recall@10", "recall@100", "mrr@10", "map")
"""What is measured unless something else is asked for."""

FAMILIES = {"ndcg": "nDCG", "recall": "R", "mrr": "RR", "map": "AP", "precision": "P"}
"""Our names of measures, and those of ir-measures."""

_NAME = re.compile(rf"({'|'.join(FAMILIES)})(?:@([1-9]\d*))?", re.IGNORECASE)
_NEED_A_CUTOFF = {"recall", "precision"}
# trec_eval keeps a table as long as the highest grade.
_HIGHEST_GRADE = 1_000


def score(
    rankings: Mapping[str, Sequence[str]], judgements: Mapping[str, Grades], names: Sequence[str]
) -> dict[str, Floats]:
    """Return ``measure -> (q,)`` scores, in the order of the rankings.

    Args:
        rankings: ``query id -> document ids``, best first; one that comes twice counts once.
        judgements: ``query id -> grades``, with a relevant document for each of the rankings.
        names: ``ndcg@10``, ``map`` ..., or in the words of ir-measures: ``nDCG@10``, ``Rprec``.

    Raises:
        ConfigurationError: There is no such measure.
        MissingExtra: It is one that only ir-measures knows, and that is not installed.
    """
    relevant = {
        query: {name: grade for name, grade in judgements[query].items() if grade > 0}
        for query in rankings
    }
    unique = {query: list(dict.fromkeys(ids)) for query, ids in rankings.items()}
    ours = [name for name in names if _NAME.fullmatch(name)]
    _refuse_without_cutoff(ours)
    try:
        reference = importlib.import_module("ir_measures")
    except ModuleNotFoundError as error:
        if len(ours) < len(names):
            [first, *_] = [name for name in names if name not in ours]
            raise MissingExtra(f"the measure {first!r}", "evaluation") from error
        reference = None
    if reference is not None and (len(ours) < len(names) or _are_whole(relevant)):
        return _by_reference(reference, unique, relevant, names)
    return {
        name: np.array([score_one(name, unique[query], relevant[query]) for query in unique])
        for name in names
    }


def score_one(name: str, ids: Sequence[str], grades: Grades) -> float:
    """Return one measure of one ranking, computed here.

    Args:
        name: One of ``FAMILIES``, with a cutoff: ``ndcg@10``.
        ids: Different documents, best first.
        grades: Relevant documents only, one at least.
    """
    family, cutoff = _parse(name)
    gains = [grades.get(each, 0.0) for each in ids[:cutoff]]
    places = [place for place, gain in enumerate(gains, start=1) if gain > 0]
    if family == "ndcg":
        ideal = sorted(grades.values(), reverse=True)
        return _discounted(gains) / _discounted(ideal[:cutoff])
    if family == "mrr":
        return 1 / places[0] if places else 0.0
    if family == "map":
        return sum(number / place for number, place in enumerate(places, start=1)) / len(grades)
    # Fewer results than asked for do not make what is there more precise.
    return len(places) / (len(grades) if family == "recall" else cutoff or len(ids))


def _parse(name: str) -> tuple[str, int | None]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise ConfigurationError(f"no such measure: {name!r}")
    return match[1].lower(), None if match[2] is None else int(match[2])


def _refuse_without_cutoff(names: Sequence[str]) -> None:
    for name in names:
        family, cutoff = _parse(name)
        if cutoff is None and family in _NEED_A_CUTOFF:
            raise ConfigurationError(f"{name!r} needs a cutoff: {family}@10")


def _are_whole(judgements: Mapping[str, Grades]) -> bool:
    """Whether trec_eval can take the grades: whole numbers, not too high."""
    grades = {grade for grades in judgements.values() for grade in grades.values()}
    return all(float(grade).is_integer() and grade <= _HIGHEST_GRADE for grade in grades)


def _by_reference(
    reference: Any,
    rankings: Mapping[str, Sequence[str]],
    judgements: Mapping[str, Grades],
    names: Sequence[str],
) -> dict[str, Floats]:
    if not _are_whole(judgements):
        raise ConfigurationError(
            f"these measures need whole grades up to {_HIGHEST_GRADE:,}: {', '.join(names)}"
        )
    parsed = {name: _reference_measure(reference, name) for name in names}
    qrels = {
        query: {name: int(grade) for name, grade in grades.items()}
        for query, grades in judgements.items()
    }
    # Falling scores, no two the same: there are no ties for anybody to break.
    run = {
        query: {name: float(len(ids) - place) for place, name in enumerate(ids)}
        for query, ids in rankings.items()
    }
    places = {query: place for place, query in enumerate(rankings)}
    scores = {measure: np.zeros(len(places)) for measure in parsed.values()}
    try:
        for found in reference.iter_calc(list(scores), qrels, run):
            scores[found.measure][places[found.query_id]] = found.value
    except (ValueError, RuntimeError) as error:
        raise ConfigurationError(f"ir-measures cannot compute this: {error}") from error
    return {name: scores[measure].copy() for name, measure in parsed.items()}


def _reference_measure(reference: Any, name: str) -> Any:
    match = _NAME.fullmatch(name)
    if match is not None:
        name = FAMILIES[match[1].lower()] + (f"@{match[2]}" if match[2] else "")
    try:
        return reference.parse_measure(name)
    except (NameError, ValueError, SyntaxError, TypeError) as error:
        known = ", ".join(f"{family}@10" for family in FAMILIES)
        raise ConfigurationError(
            f"no such measure: {name!r}; there are {known}, and those of ir-measures"
        ) from error


def _discounted(gains: Sequence[float]) -> float:
    return float(sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1)))
