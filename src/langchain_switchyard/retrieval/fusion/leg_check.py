"""Does the embedding model read this text at all? Asked without labels, answered before searching.

Windows are cut from a sample of the documents; each leg looks for the document its window came
from, within the sample. What the dense leg finds (mean reciprocal rank of the first ten), relative
to what words find, decides its weight: none up to 0.4, where a model hardly reads the text, then a
straight line to 0.85 at 0.7. Relative, because windows of short or repetitive documents are hard to
find for any leg. The rule was chosen on twelve judged sets other than the three that benchmarks
show; see ``docs/retrieval_figures.md``.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from langchain_switchyard.retrieval.dense.vectors import Matrix, dots
from langchain_switchyard.retrieval.lexical.bm25 import Floats
from langchain_switchyard.retrieval.lexical.lexical_index import LexicalIndex
from langchain_switchyard.retrieval.lexical.tokenizer import HAN, Tokenizer

SAMPLE = 2_000
WINDOWS = 200
# With fewer documents finding the right one is too easy to tell anything.
FEWEST = 50
_WORDS, _CHARACTERS = 10, 18
_HAN = re.compile(f"[{HAN}]")
# Share of what words find: from where the dense leg counts, and from where it counts in full.
_USELESS, _SOUND = 0.4, 0.7
# Exact words keep a say, however good the model: names and numbers are theirs.
_MOST = 0.85
UNCHECKED_WEIGHT = 0.8


@dataclass(frozen=True, slots=True)
class LegCheck:
    """What the check found.

    Attributes:
        dense: Mean reciprocal rank of the dense leg, 0 to 1.
        lexical: The same of the lexical leg.
        documents: Size of the index when it was made.
    """

    dense: float
    lexical: float
    documents: int

    @property
    def weight(self) -> float:
        """Weight of the dense leg; 0 when it finds too little to be of help."""
        return _MOST * min(max((self._share - _USELESS) / (_SOUND - _USELESS), 0.0), 1.0)

    @property
    def warning(self) -> str:
        """What the user should know, empty when all is well."""
        if self._share > _USELESS:
            return ""
        return (
            "the embedding model does not seem to read this text: it finds only "
            f"{self.dense:.2f} of the passages it was shown (words find {self.lexical:.2f}), "
            "so its weight is 0. Use a model of the documents' language."
        )

    @property
    def _share(self) -> float:
        return self.dense / max(self.lexical, 1e-9)

    def encode(self) -> str:
        """Return JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str | None) -> LegCheck | None:
        """Return the check stored as ``text``, if any."""
        return cls(**json.loads(text)) if text else None


def check_legs(
    texts: Sequence[str],
    vectors: Matrix,
    embed: Callable[[Sequence[str]], Matrix | None],
    tokenizer: Tokenizer,
    documents: int,
) -> LegCheck | None:
    """Measure both legs.

    Args:
        texts: Sampled documents as they are searched.
        vectors: ``(len(texts), d)`` their unit vectors.
        embed: Gives unit vectors of new texts.
        tokenizer: The index's own.
        documents: Size of the index, for the record.

    Returns:
        The check, or ``None`` when there are too few documents to tell.
    """
    if len(texts) < FEWEST:
        return None
    rng = random.Random(7)  # The same documents give the same weight, every time.
    chosen = rng.sample(range(len(texts)), min(WINDOWS, len(texts)))
    windows = [_window(texts[place], rng) for place in chosen]
    embedded = embed(windows)
    if embedded is None:
        return None
    lexical = LexicalIndex(tokenizer, exact=True)
    lexical.add(range(len(texts)), texts)
    everything = np.arange(len(texts))
    dense_found, lexical_found = [], []
    for place, window, vector in zip(chosen, windows, embedded, strict=True):
        dense_found.append(_reciprocal(dots(vectors, vector), place))
        match = lexical.match(window)
        scores = np.zeros(len(texts)) if match is None else match.scores_of(everything)
        lexical_found.append(_reciprocal(scores, place))
    return LegCheck(float(np.mean(dense_found)), float(np.mean(lexical_found)), documents)


def _window(text: str, rng: random.Random) -> str:
    """Some words, or some characters where text is Chinese, from anywhere in the document."""
    # At most half of a document: the whole of a short one would be found by any model.
    if len(_HAN.findall(text)) * 4 > len(text):
        size = min(_CHARACTERS, max(len(text) // 2, 1))
        start = rng.randrange(len(text) - size + 1)
        return text[start : start + size]
    words = text.split() or [text]
    size = min(_WORDS, max(len(words) // 2, 1))
    start = rng.randrange(len(words) - size + 1)
    return " ".join(words[start : start + size])


def _reciprocal(scores: Floats | Matrix, place: int) -> float:
    own = scores[place]
    # Ties count against: a leg that scores all alike has found nothing.
    rank = int((scores >= own - 1e-9).sum())
    return 1 / rank if rank <= 10 else 0.0
