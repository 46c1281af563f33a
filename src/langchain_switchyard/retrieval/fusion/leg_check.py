"""Does the embedding model read this text at all? Asked without labels, answered before searching.

Windows are cut from a sample of the documents; each leg looks for the document its window came
from, within the sample. What the dense leg finds (mean reciprocal rank of the first ten), relative
to what words find, decides its weight: none up to 0.4, where a model hardly reads the text, then a
straight line to 0.85 at 0.7. Relative, because windows of short or repetitive documents are hard to
find for any leg. The rule was chosen on twelve judged sets other than the three that benchmarks
show; see ``docs/retrieval_figures.md``.

Few documents are easy to tell apart: chance alone finds much, and so does a model that hardly
reads. What chance finds is therefore taken off, the line lies higher (by 0.2 with 50 documents and
fewer, by nothing from 400 on), and below 60 documents the weight is drawn to 0.4, which does least
harm when the check is wrong.
"""

from __future__ import annotations

import json
import math
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
# Of one document at most: more are the same words again.
_OF_ONE = 20
# With fewer documents finding the right one is too easy to tell anything.
FEWEST = 10
_WORDS, _CHARACTERS = 10, 18
_HAN = re.compile(f"[{HAN}]")
# Share of what words find: from where the dense leg counts, and from where it counts in full.
_USELESS, _SOUND = 0.4, 0.7
# Exact words keep a say, however good the model: names and numbers are theirs.
_MOST = 0.85
# Small sets: how much higher the line lies, between which sizes, and where weights are drawn to.
_RAISED, _SMALL, _LARGE = 0.2, 50, 400
_CAUTIOUS = 0.4
# Too few documents to check, and a store that embeds by itself and cannot be checked at all.
UNCHECKED_FEW, UNCHECKED_STORE = 0.45, 0.8
_DEEPEST = 10


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
        line = (self._share - _USELESS - self._raised) / (_SOUND - _USELESS)
        weight = _MOST * min(max(line, 0.0), 1.0)
        trust = min(_CAUTIOUS + self.documents / 100, 1.0)
        return trust * weight + (1 - trust) * _CAUTIOUS

    @property
    def warning(self) -> str:
        """What the user should know, empty when all is well."""
        if self._share > _USELESS + self._raised:
            return ""
        return (
            "the embedding model does not seem to read this text: it finds only "
            f"{self.dense:.2f} of the passages it was shown (words find {self.lexical:.2f}), "
            f"so its weight is {self.weight:.2g}. Use a model of the documents' language."
        )

    @property
    def _share(self) -> float:
        chance = _chance(min(self.documents, SAMPLE))
        return max(self.dense - chance, 0.0) / max(self.lexical - chance, 1e-9)

    @property
    def _raised(self) -> float:
        far = math.log(max(self.documents, 1) / _SMALL) / math.log(_LARGE / _SMALL)
        return _RAISED * (1 - min(max(far, 0.0), 1.0))

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
    each = min(math.ceil(WINDOWS / len(texts)), _OF_ONE)
    chosen = rng.sample(range(len(texts)), min(WINDOWS, len(texts)))
    chosen = [place for place in chosen for _ in range(each)]
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
    return 1 / rank if rank <= _DEEPEST else 0.0


def _chance(documents: int) -> float:
    """Mean reciprocal rank of a leg that guesses."""
    ranks = range(1, min(_DEEPEST, documents) + 1)
    return sum(1 / rank for rank in ranks) / max(documents, 1)
