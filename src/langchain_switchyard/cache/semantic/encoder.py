"""Which encoder made a vector: vectors of two encoders must never be compared."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

_TELLING = (
    "model",
    "_model",
    "model_name",
    "model_id",
    "model_path",
    "deployment",
    "repo_id",
    "dimensions",
    "_dimensions",
)


def encoder_name(embeddings: Embeddings) -> str:
    """Return a name of what the embeddings say about themselves: the same for the same model.

    LangChain's embeddings keep the model's name in one of a few attributes. A class of your own
    should have one, `model`, that changes with the weights.
    """
    facts = ((name, getattr(embeddings, name, None)) for name in _TELLING)
    told = [f"{name}={value}" for name, value in facts if isinstance(value, (str, int))]
    return " ".join([type(embeddings).__qualname__, *told])
