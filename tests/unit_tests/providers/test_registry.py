"""Providers that a program adds by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from langchain_switchyard import ConfigurationError, Deployment
from langchain_switchyard.config import Switchyard
from langchain_switchyard.providers import (
    LocalChatModel,
    deployment,
    preset_names,
    register_provider,
)


def acme(model: str | None = None, **options: Any) -> Deployment:
    """A deployment under another name."""
    return Deployment(LocalChatModel(), options.get("id") or model or "acme", tier=options["tier"])


@pytest.fixture
def registered() -> Iterator[None]:
    """Known for one test."""
    remove = register_provider("acme", acme, variables=["ACME_API_KEY"])
    yield
    remove()


@pytest.mark.usefixtures("registered")
def test_registered_provider_is_found_by_name():
    """As any preset."""
    assert deployment("ACME", "rocket", tier=3).id == "rocket"
    assert "acme" in preset_names()


@pytest.mark.usefixtures("registered")
def test_registered_provider_joins_a_fleet_when_its_variables_are_set():
    """And only then; it may be the default, too."""
    assert [one.id for one in Switchyard.from_env({}).deployments] == ["local"]
    fleet = Switchyard.from_env({"ACME_API_KEY": "k", "LLM_DEFAULT_PROVIDER": "acme"})

    assert [one.id for one in fleet.deployments] == ["acme", "local"]


@pytest.mark.usefixtures("registered")
def test_a_name_is_not_given_twice():
    """Two libraries must not fight for it unseen."""
    with pytest.raises(ConfigurationError, match="registered already"):
        register_provider("acme", acme)


def test_removed_provider_is_unknown_again():
    """Nothing leaks from one test to the next."""
    remove = register_provider("acme", acme)
    remove()
    remove()

    with pytest.raises(ConfigurationError, match="unknown provider"):
        deployment("acme")
    with pytest.raises(ConfigurationError, match="needs a name"):
        register_provider(" ", acme)
