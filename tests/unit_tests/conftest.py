"""What all unit tests share: no keys, no network, the same examples on every run under CI."""

from __future__ import annotations

import _socket
import functools
import ipaddress
import os
import socket
from typing import Any

import hypothesis
import pytest

_PROVIDERS = (
    "ANTHROPIC_",
    "AZURE_OPENAI_",
    "DASHSCOPE_",
    "DEEPSEEK_",
    "LANGCHAIN_",
    "LANGSMITH_",
    "LLM_",
    "OLLAMA_",
    "OPENAI_",
    "TONGYI_",
    "ZHIPUAI_",
)
"""Beginnings of environment names that would change what the code under test does."""

# Time is not what these tests are about; under CI a failure must come again.
hypothesis.settings.register_profile("switchyard", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("switchyard")


@pytest.fixture(autouse=True)
def _no_keys_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own keys and settings."""
    for name in list(os.environ):
        if name.startswith(_PROVIDERS):
            monkeypatch.delenv(name)


class _Here:
    """Connects a socket to this machine only.

    In place of the methods, not as an audit hook: those run at every step, too, by which coverage
    begins to follow a thread, and CPython 3.11 lets no two threads do that at once
    ("Cannot install a trace function while another trace function is being installed").
    """

    def __init__(self, name: str) -> None:
        self._connect = getattr(_socket.socket, name)

    def __get__(self, instance: socket.socket | None, owner: type) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, instance: socket.socket, address: Any) -> Any:
        """Refuse the world, or connect."""
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise AssertionError(f"a unit test connects to {address[0]}: only loopback is allowed")
        return self._connect(instance, address)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guard every test, whatever the one before left in these places."""
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _Here(name))
