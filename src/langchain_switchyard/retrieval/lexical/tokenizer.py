"""Turn text into index terms, Chinese and English in one pass.

The same function reads documents and queries, so a term means the same on both sides. Text is cut
into runs of one script; punctuation ends a run. A run of Chinese characters (kana and hangul
alike) gives every character and every pair of neighbours: no dictionary, nothing to load, and
better ranking than dictionary words on the judged sets this was chosen on. A run of Latin letters
is split where identifiers are (``snake_case``, ``camelCase``, ``GB32100``), stop words are
dropped, English is stemmed, and the whole run is kept beside its parts. Dates, decimals and
versions stay whole, too.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.forks import guarded_lock

HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
KANA = "\u3041-\u3096\u30a1-\u30ff\u31f0-\u31ff"
HANGUL = "\uac00-\ud7af\u1100-\u11ff\u3131-\u318e"
_RUN = re.compile(
    # An optional "v" lets v3.11 match 3.11; the number comes before the word, or 3 would be eaten.
    rf"[{HAN}]+|[{KANA}]+|[{HANGUL}]+|[vV]?\d+(?:[.\-/:]\d+)+|[^\W{HAN}{KANA}{HANGUL}]+"
)
_PAIRED = re.compile(f"[{HAN}{KANA}{HANGUL}]")
_ASCII_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_OTHER_PART = re.compile(r"[^\W\d_]+|\d+")
_NUMBER_PART = re.compile(r"\d+")
# Lucene's list: 33 words that carry no topic in any English text.
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "if",
        "in",
        "into",
        "is",
        "it",
        "no",
        "not",
        "of",
        "on",
        "or",
        "such",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "will",
        "with",
    ]
)


@runtime_checkable
class Tokenizer(Protocol):
    """Cuts text into terms.

    ``name`` identifies the rules and their version. It is stored with an index; an index made with
    other rules is refused, because its terms would silently stop matching.
    """

    @property
    def name(self) -> str:
        """Rules and version, for example ``mixed/1``."""

    def tokens(self, text: str) -> list[str]:
        """Return the terms of ``text`` in reading order, repeated as often as they occur."""


class MixedTokenizer:
    """The default: characters and pairs for Chinese, stems and identifier parts for English.

    Raises:
        MissingExtra: The English stemmer is not installed (extra ``retrieval``).
    """

    name = "mixed/1"

    def __init__(self) -> None:
        """Prepare the stemmer; word results are remembered per instance."""
        self._stem = _english_stemmer()
        # Natural text repeats its words: remembering them makes indexing several times faster.
        self._word = lru_cache(maxsize=200_000)(self._split_word)

    def __reduce__(self) -> tuple[type[MixedTokenizer], tuple[()]]:
        """Travel to another process without what was remembered here."""
        return MixedTokenizer, ()

    def tokens(self, text: str) -> list[str]:
        """Return the terms of ``text``; text of stop words only keeps its stop words."""
        if not text.isascii():
            text = unicodedata.normalize("NFKC", text)
        runs = _RUN.findall(text)
        terms = self.terms(runs, drop_stop_words=True)
        return terms or self.terms(runs, drop_stop_words=False)

    def terms(self, runs: Iterable[str], *, drop_stop_words: bool) -> list[str]:
        """Return the terms of runs of one script each."""
        terms: list[str] = []
        word = self._word
        for run in runs:
            if run[0] > "\u10ff" and _PAIRED.match(run):
                terms.extend(run)
                terms.extend(map(operator.add, run, run[1:]))
            else:
                terms.extend(word(run, drop_stop_words))
        return terms

    def _split_word(self, run: str, drop_stop_words: bool) -> tuple[str, ...]:  # noqa: FBT001 - cached.
        whole = run.lower()
        if not run[-1:].isalnum() or any(mark in run for mark in ".-/:"):
            whole = run.strip("_").lower()
        if whole[:1].isdigit() or (whole[:1] == "v" and not whole.isalnum()):
            number = _whole_number(whole)
            if number:
                return number
        pattern = _ASCII_PART if run.isascii() else _OTHER_PART
        parts = [part.lower() for part in pattern.findall(run)]
        kept = [self._stem(p) for p in parts if not (drop_stop_words and p in STOP_WORDS)]
        # The whole identifier too: an exact mention of GB32100 or get_user should win.
        return (*kept, whole) if len(parts) > 1 else tuple(kept)


class JiebaTokenizer:
    """Chinese by jieba's dictionary words (search mode), everything else as the default does.

    Slower and, on the judged sets tried, less exact than characters and pairs; useful where a
    user's dictionary defines the terms that matter.

    Its ``name`` holds a digest of what is in the dictionaries, so that an index notices when they
    change, and not when they move.

    Args:
        user_dictionaries: Files in jieba's own format, added to its dictionary; or one of them.
        words: Single words to add.

    Raises:
        MissingExtra: jieba is not installed (extra ``jieba``).
        ConfigurationError: A dictionary cannot be read.
    """

    def __init__(
        self, user_dictionaries: str | Path | Iterable[str | Path] = (), words: Iterable[str] = ()
    ) -> None:
        """Create a jieba of our own, so that its dictionary is not shared with anybody else's."""
        try:
            jieba: Any = import_module("jieba")  # Optional and slow to load: only on demand.
        except ImportError as error:
            raise MissingExtra("tokenizer='jieba'", "jieba") from error
        self._cutter: Any = jieba.Tokenizer()
        self._rest = MixedTokenizer()
        if isinstance(user_dictionaries, str | Path):
            user_dictionaries = [user_dictionaries]
        self._given = files, extra = tuple(map(str, user_dictionaries)), _words(words)
        digest = blake2b("\0".join(extra).encode(), digest_size=8)
        for file in files:
            try:
                digest.update(Path(file).read_bytes())
                self._cutter.load_userdict(file)
            except (OSError, ValueError) as error:
                raise ConfigurationError(
                    f"jieba dictionary {file!r} cannot be read: {error}"
                ) from error
        for word in extra:
            self._cutter.add_word(word)
        # The words decide the terms, so they belong to the identity of the index.
        self.name = f"jieba/2/{digest.hexdigest()}" if files or extra else "jieba/2"

    def __reduce__(self) -> tuple[type[JiebaTokenizer], tuple[tuple[str, ...], tuple[str, ...]]]:
        """Travel to another process, which reads the dictionaries itself."""
        return JiebaTokenizer, self._given

    def tokens(self, text: str) -> list[str]:
        """Return jieba's search-mode words for Chinese runs and default terms for the rest."""
        runs = _RUN.findall(unicodedata.normalize("NFKC", text))
        return self._terms(runs, drop=True) or self._terms(runs, drop=False)

    def _terms(self, runs: Iterable[str], *, drop: bool) -> list[str]:
        terms: list[str] = []
        for run in runs:
            if _PAIRED.match(run):
                terms.extend(self._cutter.cut_for_search(run))
            else:
                terms.extend(self._rest.terms([run], drop_stop_words=drop))
        return terms


def _words(given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise ConfigurationError(f"words are a list of texts, got {given!r}: write [{given!r}]")
    return tuple(given)


def make_tokenizer(which: str | Tokenizer | None) -> Tokenizer:
    """Resolve ``None`` or ``"mixed"`` (default), ``"jieba"`` or a ready tokeniser.

    Raises:
        ConfigurationError: An unknown name.
    """
    if which is None or which == "mixed":
        return MixedTokenizer()
    if which == "jieba":
        return JiebaTokenizer()
    if isinstance(which, str):
        raise ConfigurationError(
            f"unknown tokenizer {which!r}: use 'mixed', 'jieba' or an object with name and tokens()"
        )
    return which


def _whole_number(text: str) -> tuple[str, ...] | None:
    """``v3.11`` -> ``3.11``, ``3``, ``11``; ``None`` when the run is no dotted or dashed number."""
    number = text.removeprefix("v")
    parts = _NUMBER_PART.findall(number)
    if len(parts) < 2 or not all(char.isdigit() or char in ".-/:" for char in number):
        return None
    return (number, *parts)


def _english_stemmer() -> Callable[[str], str]:
    try:
        # The pure Python class by name: the package's factory would take a C build of another
        # Snowball version where one is installed, and the terms of an index must not depend on it.
        stemmer: Any = import_module("snowballstemmer.english_stemmer").EnglishStemmer()
    except ImportError as error:
        raise MissingExtra("retrieval", "retrieval") from error
    lock = guarded_lock()

    def stem(word: str) -> str:
        with lock:  # The stemmer keeps the word it works on in itself.
            return str(stemmer.stemWord(word))

    return stem
