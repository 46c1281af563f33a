"""Which documents a search may find: a metadata filter, fixed or told by who asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.retrievers import BaseRetriever

from langchain_switchyard.errors import ConfigurationError

FilterChoice = Mapping[str, Any] | Callable[..., Mapping[str, Any] | None] | None
"""A filter as the retriever knows it, or what makes one of a state or a runtime."""


class SearchFilter:
    """Gives the arguments that make a retriever honour a filter.

    Args:
        retriever: Whom they go to.
        chosen: The filter, what makes it, or ``None`` for none.

    Raises:
        ConfigurationError: A retriever that would not hear of the filter, and find everything.
    """

    def __init__(self, retriever: object, chosen: FilterChoice) -> None:
        """Check that the filter arrives."""
        inner = retriever
        while not isinstance(inner, BaseRetriever) and hasattr(inner, "bound"):
            inner = inner.bound
        # LangChain leaves arguments out, silently, that a retriever does not name.
        deaf = isinstance(inner, BaseRetriever) and not inner._expects_other_args  # noqa: SLF001 - told nowhere else.
        if chosen is not None and deaf:
            raise ConfigurationError(
                f"{type(inner).__name__} takes no filter: it would find everything; "
                "give one that does, such as HybridRetriever, or leave filter out"
            )
        self._chosen = chosen

    def arguments(self, *asker: object) -> dict[str, Any]:
        """Return what goes to the retriever beside the query.

        Args:
            asker: What a callable is given.
        """
        wanted = self._chosen(*asker) if callable(self._chosen) else self._chosen
        return {} if wanted is None else {"filter": wanted}
