"""Conditions in Qdrant's words."""

from __future__ import annotations

from functools import partial
from typing import Any

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.backends.qdrant_points import payload_key, point_id, timestamp
from langchain_switchyard.retrieval.storage.conditions import (
    All,
    Compares,
    Condition,
    Either,
    Has,
    Ids,
    Includes,
    fold,
)

_COMPARISONS = {"$gt": "gt", "$gte": "gte", "$lt": "lt", "$lte": "lte"}


def qdrant_filter(models: Any, where: Condition) -> Any:
    """Return a condition as Qdrant's ``Filter``.

    Args:
        models: ``qdrant_client.models``.
        where: The condition.

    Raises:
        ConfigurationError: It orders texts that are no dates.
    """

    def join(how: type[All | Either], parts: list[Any]) -> Any:
        if how is All:
            return models.Filter(must=parts)
        # An empty "should" would hold for everything there.
        return models.Filter(should=parts or [models.HasIdCondition(has_id=[])])

    def negate(part: Any) -> Any:
        return models.Filter(must_not=[part])

    return models.Filter(must=[fold(where, partial(_leaf, models), join, negate)])


def _leaf(models: Any, asked: Has | Compares | Includes | Ids) -> Any:
    if isinstance(asked, Ids):
        return models.HasIdCondition(has_id=[point_id(each) for each in asked.ids])
    if isinstance(asked, Has):
        match = models.MatchValue(value=asked.facet)
        return models.FieldCondition(key="exact", match=match)
    if isinstance(asked, Includes):
        match = models.MatchText(text=asked.part)
        return models.FieldCondition(key=f"texts.{payload_key(asked.key)}", match=match)
    kind, bound = "numbers", asked.bound
    if isinstance(bound, str):
        time = timestamp(bound)
        if time is None:
            raise ConfigurationError(
                f"Qdrant cannot order texts: {asked.comparison} for {asked.key!r} needs a "
                f"number, a date or an ISO date text, got {bound!r}"
            )
        kind, bound = "times", time
    limits = models.Range(**{_COMPARISONS[asked.comparison]: bound})
    return models.FieldCondition(key=f"{kind}.{payload_key(asked.key)}", range=limits)
