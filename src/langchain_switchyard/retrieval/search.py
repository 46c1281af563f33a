"""One search, decided purely: what to ask next, and what the answers make together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.backends.backend import FusionUnsupported
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.fusion.adjust import diverse, recent
from langchain_switchyard.retrieval.fusion.combine import Ranking, finish, rank
from langchain_switchyard.retrieval.fusion.leg_check import FEWEST, LegCheck
from langchain_switchyard.retrieval.fusion.leg_runner import LegCall
from langchain_switchyard.retrieval.fusion.leg_runs import Outcome
from langchain_switchyard.retrieval.fusion.legs import LegResult, candidates, collect
from langchain_switchyard.retrieval.fusion.methods import reciprocal_rank
from langchain_switchyard.retrieval.hit import SearchResult
from langchain_switchyard.retrieval.lexical.segment import Ints
from langchain_switchyard.retrieval.search_config import SearchConfig
from langchain_switchyard.retrieval.storage.filters import Filter
from langchain_switchyard.retrieval.storage.records import decode
from langchain_switchyard.retrieval.views import Searchable


def check_fusion(index: Searchable, config: SearchConfig) -> None:
    """Refuse a fusion that nobody could make.

    Raises:
        ConfigurationError: The configuration leaves fusion to an index that cannot.
    """
    how = config.server_fusion
    if how is not None and how not in index.server_fusions:
        able = ", ".join(f"server_{each}" for each in sorted(index.server_fusions))
        raise ConfigurationError(
            f"fusion='server_{how}' is not among what this index can do by itself"
            f" ({able or 'nothing'}): choose another, or one that is done here, such as 'rrf'"
        )


class Search:
    """First the legs, then their scores of each other's hits, then the result.

    Args:
        index: What is searched.
        config: Strategy, weights, fusion and limits.
        query: In any language of the documents.
        count: Hits wanted.
        wanted: Metadata filter.

    Raises:
        ConfigurationError: The strategy needs a leg, or a fusion, that the index has not.
    """

    def __init__(
        self,
        index: Searchable,
        config: SearchConfig,
        query: str,
        count: int,
        wanted: Filter | None,
    ) -> None:
        """Take a view of the index."""
        check_fusion(index, config)
        self._index, self._config, self._query, self._count = index, config, query, count
        self._encoder = None if config.strategy == "lexical" else index.dense
        if config.strategy == "dense" and self._encoder is None:
            raise ConfigurationError("strategy='dense' needs an index with embeddings")
        both = config.strategy == "hybrid" and self._encoder is not None
        self._server = config.server_fusion if both else None
        self._view: Any = index.view(wanted)
        self._depth = max(config.depth, count)
        self._notes: list[str] = []
        self._results: list[LegResult] | None = None

    def encode(self) -> Matrix | None:
        """Return the query's vector."""
        return None if self._encoder is None else self._encoder.query_vector(self._query)

    async def aencode(self) -> Matrix | None:
        """Return the query's vector without blocking."""
        return None if self._encoder is None else await self._encoder.aquery_vector(self._query)

    def asks(self) -> dict[str, LegCall]:
        """Return what to ask next, by leg; nothing when all is known."""
        if not self._query.strip() or not self._count:
            return {}  # Nothing is asked for; the nearest of everything would be an answer to it.
        return self._legs() if self._results is None else self._fills(self._results)

    def take(self, outcomes: Mapping[str, Outcome]) -> None:
        """Take in the answers to what ``asks`` returned.

        Raises:
            Exception: Every leg failed; the first one's error, as an empty answer would be a lie.
        """
        if self._results is not None:
            self._results = [
                self._filled(leg, outcomes[leg.name]) if leg.name in outcomes else leg
                for leg in self._results
            ]
            return
        refusal = outcomes.get("server")
        if isinstance(refusal, FusionUnsupported):
            self._server = None
            self._notes.append(f"fused here: {refusal}")
            return
        self._results, notes = collect(dict(outcomes))
        self._notes += notes

    def result(self) -> SearchResult:
        """Fuse, adjust and fetch the documents."""
        results = self._results or []
        notes = list(self._notes)
        check = self._index.check
        given = self._config.dense_share is not None
        if len(results) > 1 and not given:
            notes += _noted(check, self._index.dense_weight)
        ranking = rank(results, self._share(), self._config.fuse())
        if self._config.recency is not None or self._config.diversity is not None:
            ranking = self._adjusted(ranking)
        records = self._view.records(ranking.contenders(self._count))
        return finish(ranking, records, self._count, notes)

    def documents(self, found: LegResult) -> list[Document]:
        """Return the first documents of one leg, for those who trace it."""
        rows = found.rows[: self._count]
        records = self._view.records(rows)
        return [decode(records[row]) for row in rows.tolist() if row in records]

    def _share(self) -> float:
        share = self._config.dense_share
        return self._index.dense_weight if share is None else share

    def _legs(self) -> dict[str, LegCall]:
        query, depth = self._query, self._depth
        if self._server is not None:
            share = self._share()
            ask = partial(self._view.fused, self._server, query, depth=depth, dense_share=share)
            return {"server": LegCall(lambda vector: ask(vector=vector), encodes=True)}
        legs: dict[str, LegCall] = {}
        if self._encoder is not None:
            legs["dense"] = LegCall(
                lambda vector: self._view.nearest(query, vector, depth), encodes=True
            )
        if self._config.strategy != "dense":
            legs["lexical"] = LegCall(lambda _: self._view.words(query, depth))
        return legs

    def _fills(self, results: list[LegResult]) -> dict[str, LegCall]:
        distant = [leg for leg in results if leg.distant]
        # Ranks need no scores beyond the lists; and a single leg has nobody to be compared with.
        if not distant or len(results) < 2 or self._config.fuse() is reciprocal_rank:
            return {}
        rows = candidates(results)
        calls = {}
        for leg in distant:
            unlisted = leg.unlisted(rows)
            if len(unlisted):
                calls[leg.name] = LegCall(partial(_fill, leg, unlisted), fills=True)
        return calls

    def _filled(self, leg: LegResult, outcome: Outcome) -> LegResult:
        if isinstance(outcome, LegResult):
            return outcome
        if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
            raise outcome
        self._notes.append(
            f"the {leg.name} leg did not score the other's hits: "
            f"{type(outcome).__name__}: {outcome}"
        )
        return leg.unfilled()

    def _adjusted(self, ranking: Ranking) -> Ranking:
        """Apply recency and diversity to the candidates."""
        recency, diversity = self._config.recency, self._config.diversity
        if recency is not None:
            records = self._view.records(ranking.rows)
            found = [
                decode(records[r]).metadata if r in records else {} for r in ranking.rows.tolist()
            ]
            scores = recent(ranking.scores, found, recency)
            order = np.argsort(-scores, kind="stable")
            ranking = ranking.reordered(order, scores[order])
        if diversity is None:
            return ranking
        vectors = self._view.vectors(ranking.rows)
        places = np.array(diverse(ranking.scores, vectors, self._count, 1 - diversity), np.int64)
        # Places, not scores, carry the order now: later ones may score higher.
        return ranking.reordered(places, -np.arange(len(places), dtype=np.float64))


def _noted(check: LegCheck | None, weight: float) -> list[str]:
    if check is not None:
        return [check.warning] if check.warning else []
    return [
        (
            f"nobody checked whether the embedding model reads these texts (that takes {FEWEST} "
            f"documents with vectors of our own): its weight is {weight:.2g}"
        )
    ]


def _fill(leg: LegResult, rows: Ints, vector: Matrix | None) -> LegResult:
    del vector  # The leg's own call has it.
    return leg.filled(rows)
