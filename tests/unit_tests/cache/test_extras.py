"""Parts that need an extra say which one, and only when they are used."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.redis_level import RedisLevel
from langchain_switchyard.cache.metrics import register
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.errors import MissingExtra


@pytest.mark.parametrize(
    ("package", "extra", "use"),
    [
        ("cryptography.hazmat.primitives.ciphers.aead", "encryption", lambda: KeyRing({"k": b""})),
        ("redis", "redis", RedisLevel),
        ("prometheus_client", "metrics", lambda: register(ResponseCache())),
    ],
)
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, package: str, extra: str, use: Callable[[], Any]
) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"langchain-switchyard\[{extra}\]"):
        use()
