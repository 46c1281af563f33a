"""Small parts that the tests of the semantic level share."""

from __future__ import annotations

import math
import random
from typing import Any

from langchain_core.embeddings import Embeddings

from langchain_switchyard.cache.semantic import (
    Comparison,
    SemanticCache,
    SemanticPolicy,
    ShadowPolicy,
    TextRules,
)
from langchain_switchyard.cache.semantic.neighbour import Neighbour
from langchain_switchyard.cache.semantic_contract import Question

UNWATCHED = SemanticPolicy(text=TextRules(), shadow=ShadowPolicy(share=0.0))
WATCHED = SemanticPolicy(shadow=ShadowPolicy(share=1.0))


class Placed(Embeddings):
    """Texts on a circle: the angle between two is what their cosine is made of."""

    def __init__(self, **degrees: float) -> None:
        """Place texts by their first word."""
        self.degrees = degrees
        self.asked: list[str] = []

    def embed_query(self, text: str) -> list[float]:
        """Return the point of the text's first word; every o of a word of o's adds 0.1 degrees."""
        self.asked.append(text)
        first, *rest = text.casefold().split()
        extra = sum(len(word) for word in rest if set(word) == {"o"})
        angle = math.radians(self.degrees[first] + extra / 10)
        return [math.cos(angle), math.sin(angle)]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the points."""
        return [self.embed_query(text) for text in texts]


class Equal:
    """Answers are equivalent when they are equal."""

    def __init__(self) -> None:
        """Remember the comparisons."""
        self.seen: list[Comparison] = []

    def same(self, comparison: Comparison) -> bool:
        """Compare."""
        self.seen.append(comparison)
        return comparison.answer == comparison.known_answer


class Fixed(random.Random):
    """Always draws the same."""

    def __init__(self, value: float = 0.5) -> None:
        """Keep the value."""
        super().__init__(7)
        self.value = value

    def random(self) -> float:
        """Draw."""
        return self.value


def ask(text: str, partition: bytes = b"p", user: str | None = None) -> Question:
    """Return a question whose key is its text."""
    return Question(partition, text, text.encode(), user)


def cache(embeddings: Embeddings | None = None, **settings: Any) -> SemanticCache:
    """Return a cache that is not watched and compares by equality."""
    settings.setdefault("policy", UNWATCHED)
    settings.setdefault("equivalence", Equal())
    settings.setdefault("chance", Fixed())
    return SemanticCache(embeddings, **settings)


def teach(level: SemanticCache, *told: tuple[str, str], user: str | None = None) -> None:
    """Ask questions, and record the answers of those that miss."""
    for text, answer in told:
        question = ask(text, user=user)
        verdict = level.lookup(question)
        if verdict.hit is None:
            level.record(question, answer, verdict)


def near(*pairs: tuple[float, int], user: str | None = None) -> list[Neighbour]:
    """Return neighbours from similarities and groups, numbered in order."""
    return [
        Neighbour(number, similarity, group, user)
        for number, (similarity, group) in enumerate(pairs)
    ]
