"""How a search is made: a frozen policy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.fusion.adjust import Recency
from langchain_switchyard.retrieval.fusion.methods import Fusion, resolve

Strategy = Literal["hybrid", "lexical", "dense"]
# What an engine makes of both legs by itself, and ours that comes nearest.
SERVER_FUSIONS = {"server_rrf": "rrf", "server_dbsf": "dbsf", "server_linear": "min_max"}


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """Strategy, weights and limits.

    Attributes:
        strategy: ``hybrid``, ``lexical`` or ``dense``.
        vector_weight: Weight of the dense leg. Giving a weight selects ``tmm`` fusion unless
            ``fusion`` is given, too: weights do not carry over between fusions, and 0.7 is a
            sensible weight on that scale. Without weights they come from the leg check.
        keyword_weight: Weight of the lexical leg.
        fusion: ``corpus_z`` (default), ``tmm``, ``min_max``, ``dbsf``, ``rrf``, or a function;
            ``server_rrf``, ``server_dbsf`` or ``server_linear`` leave it to an engine that can.
        depth: Candidates asked of every leg.
        recency: Prefer newer documents; off by default.
        diversity: From 0 (relevance only, like ``None``) to 1 (difference only): passes over texts
            that say the same as a better one. Needs embeddings that we keep.
        leg_timeout: Seconds a leg may take; a slower one is left out and noted. ``None``: no limit.

    Raises:
        ConfigurationError: A weight, depth or name that cannot work.
    """

    strategy: Strategy = "hybrid"
    vector_weight: float | None = None
    keyword_weight: float | None = None
    fusion: str | Fusion | None = None
    depth: int = 100
    leg_timeout: float | None = None
    recency: Recency | None = None
    diversity: float | None = None

    def __post_init__(self) -> None:
        """Check everything once, where the mistake is made."""
        if self.strategy not in ("hybrid", "lexical", "dense"):
            raise ConfigurationError(
                f"unknown strategy {self.strategy!r}: hybrid, lexical or dense"
            )
        for weight in (self.vector_weight, self.keyword_weight):
            if weight is not None and not _is_weight(weight):
                raise ConfigurationError(f"a weight is a number, 0 or more, got {weight!r}")
        if self.vector_weight == 0 and self.keyword_weight == 0:
            raise ConfigurationError("vector_weight and keyword_weight cannot both be 0")
        if not isinstance(self.depth, int) or self.depth < 1:
            raise ConfigurationError(f"depth is a whole number, 1 or more, got {self.depth!r}")
        if self.diversity is not None and not 0 <= self.diversity <= 1:
            raise ConfigurationError(f"diversity is from 0 to 1, got {self.diversity}")
        if self.leg_timeout is not None and self.leg_timeout <= 0:
            raise ConfigurationError(
                f"leg_timeout is in seconds and above 0, got {self.leg_timeout}"
            )
        self.fuse()

    @property
    def server_fusion(self) -> str | None:
        """``rrf``, ``dbsf`` or ``linear`` when an engine is to fuse, else ``None``."""
        name = self.fusion if isinstance(self.fusion, str) else ""
        return name.removeprefix("server_") if name in SERVER_FUSIONS else None

    @property
    def dense_share(self) -> float | None:
        """Weight of the dense leg from 0 to 1, ``None`` when the leg check decides."""
        vector, keyword = self.vector_weight, self.keyword_weight
        if vector is None and keyword is None:
            return None
        if vector is None or keyword is None:
            given = keyword if vector is None else vector
            share = min(float(given or 0.0), 1.0)
            return 1 - share if vector is None else share
        return vector / (vector + keyword)

    def fuse(self) -> Fusion:
        """Return the fusion function to use here, also in place of a server that cannot."""
        default = "corpus_z" if self.dense_share is None else "tmm"
        fusion = self.fusion or default
        return resolve(SERVER_FUSIONS.get(fusion, fusion) if isinstance(fusion, str) else fusion)


def _is_weight(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value) and value >= 0
