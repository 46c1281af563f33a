"""Digests of texts, remembered: a conversation is hashed once, not once per turn."""

from __future__ import annotations

import hashlib
import threading
import unicodedata
from collections.abc import Mapping


class TextDigests:
    """Maps a text to the digest of its normal form (Unicode NFC, line ends as LF).

    Two generations: when the young one is full it becomes the old one and the former old one is
    forgotten. That bounds memory without bookkeeping on the hot path.

    Args:
        texts: How many texts one generation holds.
        characters: How many characters one generation holds; longer texts are not remembered.
    """

    def __init__(self, texts: int = 4096, characters: int = 4_000_000) -> None:
        """Remember nothing yet."""
        self._texts = texts
        self._characters = characters
        self._young: dict[str, str] = {}
        self._old: dict[str, str] = {}
        self._held = 0
        self._lock = threading.Lock()

    @property
    def recent(self) -> Mapping[str, str]:
        """Digests of the texts seen last; for loops in which a call costs too much."""
        return self._young

    def digest(self, text: str) -> str:
        """64 hexadecimal digits.

        Raises:
            UnicodeEncodeError: The text holds half a surrogate pair.
        """
        known = self._young.get(text)
        if known is not None:
            return known
        known = self._old.get(text) or _digest(text)
        if len(text) * 8 < self._characters:
            self._remember(text, known)
        return known

    def _remember(self, text: str, digest: str) -> None:
        with self._lock:
            if len(self._young) >= self._texts or self._held + len(text) > self._characters:
                self._old, self._young, self._held = self._young, {}, 0
            self._young[text] = digest
            self._held += len(text)


def _digest(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return hashlib.sha256(text.encode()).hexdigest()
