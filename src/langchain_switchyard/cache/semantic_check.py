"""Whether a cache was given a semantic level, and one where its policy needs it."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from langchain_switchyard.cache.policy import CachePolicy
from langchain_switchyard.cache.semantic_contract import SemanticLevel
from langchain_switchyard.errors import ConfigurationError

_METHODS = tuple(name for name in vars(SemanticLevel) if not name.startswith("_"))


def check_semantic(semantic: object, policy: CachePolicy | None) -> None:
    """Refuse what matches no questions, and a policy that asks for matching without any.

    Raises:
        ConfigurationError: With what to write instead.
    """
    if semantic is None:
        if policy is not None and policy.degradation.mode == "similar":
            raise ConfigurationError(
                "Degradation(mode='similar') answers from like questions, and this cache has no "
                "semantic level: give it one, ResponseCache(semantic=SemanticCache(embeddings)), "
                "or write mode='exact'"
            )
        return
    if isinstance(semantic, Embeddings):
        raise ConfigurationError(
            "semantic= takes a semantic level, not embeddings: write "
            "ResponseCache(semantic=SemanticCache(embeddings))"
        )
    missing = [name for name in _METHODS if not callable(getattr(semantic, name, None))]
    if isinstance(semantic, type) or missing:
        lacking = f" (it has no {missing[0]})" if missing else ""
        raise ConfigurationError(
            f"semantic= takes a semantic level such as SemanticCache(embeddings); "
            f"got {semantic!r}{lacking}"
        )
