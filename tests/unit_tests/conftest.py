"""What all unit tests share: no keys, no network, the same examples on every run under CI."""

from __future__ import annotations

import ipaddress
import os
import sys
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


def _refuse_the_world(event: str, args: tuple[Any, ...]) -> None:
    """Audit hook: a unit test may talk to this machine only."""
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
        try:
            is_here = ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_here = host == "localhost"
        if not is_here:
            raise AssertionError(f"a unit test connects to {host}: only loopback is allowed")


sys.addaudithook(_refuse_the_world)
