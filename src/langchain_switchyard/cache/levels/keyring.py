"""Keys for entries at rest: AES-GCM, bound to address and namespace, with rotation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from langchain_switchyard.errors import ConfigurationError, MissingExtra


class KeyRing:
    """Encrypts with the current key and decrypts with any it knows.

    To rotate, add the new key, make it `current`, and drop the old one after the longest lifetime
    of an entry; entries under a forgotten key count as missing.

    Args:
        keys: Name (1 to 32 characters, stored in clear) -> 16, 24 or 32 secret bytes.
        current: The key that new entries get; default: the last one given.

    Raises:
        ConfigurationError: A key or its name has the wrong size, or `current` is unknown.
        MissingExtra: `cryptography` is not installed (extra `encryption`).
    """

    def __init__(self, keys: Mapping[str, bytes], current: str | None = None) -> None:
        """Prepare the ciphers."""
        aesgcm = _aesgcm()
        if not keys:
            raise ConfigurationError("a KeyRing needs at least one key")
        self._ciphers: dict[bytes, Any] = {}
        for name, secret in keys.items():
            if not 1 <= len(name.encode()) <= 32:
                raise ConfigurationError(f"a key's name has 1 to 32 bytes, got {name!r}")
            if len(secret) not in (16, 24, 32):
                raise ConfigurationError(
                    f"key {name!r} has {len(secret)} bytes; AES needs 16, 24 or 32 "
                    "(secrets.token_bytes(32))"
                )
            self._ciphers[name.encode()] = aesgcm(bytes(secret))
        chosen = list(keys)[-1] if current is None else current
        if chosen not in keys:
            raise ConfigurationError(f"no key {chosen!r}; there are: {', '.join(keys)}")
        self._current = chosen.encode()

    def seal(self, clear: bytes, bound_to: bytes) -> tuple[bytes, bytes]:
        """Name of the key used, and nonce + ciphertext; opens only with the same `bound_to`."""
        nonce = os.urandom(12)
        sealed: bytes = self._ciphers[self._current].encrypt(nonce, clear, bound_to)
        return self._current, nonce + sealed

    def open(self, name: bytes, sealed: bytes, bound_to: bytes) -> bytes:
        """The clear bytes.

        Raises:
            ValueError: Unknown key, or the bytes or what they are bound to were changed.
        """
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise ValueError("sealed with a key that is not on the ring")
        try:
            clear: bytes = cipher.decrypt(sealed[:12], sealed[12:], bound_to)
        except Exception as error:
            # InvalidTag, or ValueError for a cut nonce: either way it cannot be trusted.
            raise ValueError("not authentic") from error
        return clear

    def __repr__(self) -> str:
        """Names only."""
        names = ", ".join(name.decode() for name in self._ciphers)
        return f"KeyRing({names}; current {self._current.decode()})"


def _aesgcm() -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - an extra.
    except ImportError as error:
        raise MissingExtra("encrypting cached answers", "encryption") from error
    return AESGCM
