"""A sentence-transformers model on this machine (extra ``local-embeddings``)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings

from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.retrieval.dense.torch_forks import TorchForks


class LocalEmbeddings(Embeddings):
    """Embeds with a local model; wrap it in ``BatchedEmbeddings`` to share it between callers.

    Args:
        model: Folder of a model, or a name that was downloaded before. Nothing is downloaded
            unless ``download`` says so.
        query_prefix: Put before queries, for models that want it (``"query: "`` for E5).
        document_prefix: Put before documents.
        download: Allow the name to be fetched from the model hub.

    Raises:
        MissingExtra: sentence-transformers is not installed.
        ConfigurationError: The model is neither a folder nor in the local cache.
    """

    def __init__(
        self,
        model: str | Path,
        query_prefix: str = "",
        document_prefix: str = "",
        *,
        download: bool = False,
    ) -> None:
        """Load the model."""
        try:
            library = import_module("sentence_transformers")
        except ImportError as error:
            raise MissingExtra("a local embedding model", "local-embeddings") from error
        # Part of what a vector means, and so of the name it is remembered under.
        self.model = f"{model}|{query_prefix}|{document_prefix}"
        self._query_prefix, self._document_prefix = query_prefix, document_prefix
        try:
            self._encoder: Any = library.SentenceTransformer(
                str(model), device="cpu", local_files_only=not download
            )
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"the embedding model {str(model)!r} is not on this machine: give the folder of a "
                "downloaded model, or download=True to fetch it by name"
            ) from error
        self._forks = TorchForks()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return one unit vector per text."""
        return self._encode([self._document_prefix + text for text in texts])

    def embed_queries(self, texts: list[str]) -> list[list[float]]:
        """Return one unit vector per query, in one batch."""
        return self._encode([self._query_prefix + text for text in texts])

    def embed_query(self, text: str) -> list[float]:
        """Return the unit vector of a query."""
        return self.embed_queries([text])[0]

    def _encode(self, texts: list[str]) -> list[list[float]]:
        if not texts:
            return []
        # Sorted by length, small batches lose least to padding; several cores need more to share.
        alone = import_module("torch").get_num_threads() == 1
        vectors = self._encoder.encode(
            texts,
            batch_size=8 if alone else 16,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        result: list[list[float]] = vectors.tolist()
        return result
