"""The id of a hit says where it was served: it is understood after a restart, and elsewhere.

An id holds digests only. Whoever can guess a request can compute most of it, and at worst take one
entry out of service with it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import cast

from langchain_switchyard.cache.semantic_contract import Place

_PARTITION, _KEY, _NONCE = 12, 6, 6
_ENCODED = (_PARTITION + _KEY + _NONCE) // 3 * 4


@dataclass(frozen=True, slots=True)
class HitId:
    """One time that one entry was served, or would have been."""

    place: Place
    key: bytes
    """The first 6 bytes of the entry's."""
    nonce: bytes
    """6 bytes: tells apart two hits of one entry."""

    def is_of(self, key: bytes) -> bool:
        """Whether this may be the key of the entry that was served."""
        return _start_of(key) == self.key

    def __str__(self) -> str:
        """As the caller sees it: the scope and 32 URL-safe characters."""
        form = self.place.partition + _start_of(self.key) + self.nonce
        return self.place.scope + base64.urlsafe_b64encode(form).decode()

    @classmethod
    def parse(cls, text: str) -> HitId | None:
        """The id that was written so; None if none was, whatever a caller gives for it."""
        if not isinstance(cast("object", text), str):
            return None
        scope, encoded = text[:-_ENCODED], text[-_ENCODED:]
        try:
            form = base64.b64decode(encoded, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(form) != _PARTITION + _KEY + _NONCE:
            return None
        partition, rest = form[:_PARTITION], form[_PARTITION:]
        return cls(Place(scope, partition), rest[:_KEY], rest[_KEY:])


def _start_of(key: bytes) -> bytes:
    return key[:_KEY].ljust(_KEY, b"\0")
