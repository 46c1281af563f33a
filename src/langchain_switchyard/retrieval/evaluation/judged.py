"""Queries and judgements as they come, in one form: ids are texts, judgements are grades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.evaluation.measures import Grades


def judged(
    queries: Mapping[Any, str], judgements: Mapping[Any, Any]
) -> tuple[dict[str, str], dict[str, Grades]]:
    """Return the queries that have a relevant document, and all judgements.

    Args:
        queries: ``query id -> text``; whole numbers as ids become texts.
        judgements: ``query id -> {document id: grade}``, or just the relevant ids.

    Raises:
        ConfigurationError: No query has a relevant document, or something has another form.
    """
    for what, given in (("queries", queries), ("judgements", judgements)):
        if not isinstance(given, Mapping):
            raise ConfigurationError(f"{what} are a mapping by query id, got {given!r:.60}")
    graded = {str(name): _grades(name, found) for name, found in judgements.items()}
    asked = {
        str(name): text
        for name, text in queries.items()
        if any(grade > 0 for grade in graded.get(str(name), {}).values())
    }
    if not asked:
        raise ConfigurationError(
            "no query has a relevant document: check the ids of the judgements"
        )
    return asked, graded


def _grades(query: Any, found: Any) -> Grades:
    if isinstance(found, Mapping):
        return {str(name): grade for name, grade in found.items()}
    if isinstance(found, str) or not isinstance(found, Iterable):
        raise ConfigurationError(
            f"the judgements of query {query!r} are {{document id: grade}} or a list of relevant "
            f"ids, got {found!r:.60}"
        )
    return {str(name): 1.0 for name in found}
