"""`switchyard check`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from langchain_switchyard.testing import FaultyProvider, InvalidApiKey


def test_without_keys_the_offline_model_is_well_and_the_rest_says_what_it_lacks(
    run: Callable,
) -> None:
    """Nothing is spent."""
    ran = run("check", "--json")

    assert ran.code == 0
    assert [row["id"] for row in ran.json["deployments"]] == ["local"]
    assert "OPENAI_API_KEY" in ran.json["not_configured"]["openai"]
    assert ran.json["spent"] is False


def test_a_configured_provider_is_checked_for_free(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its list of models, and it says what more would cost."""
    with FaultyProvider(models=["gpt-4.1-mini"]) as provider:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)

        ran = run("check")

        assert provider.attempts == 0
    assert ran.code == 0
    assert "ok   tier 0  openai  gpt-4.1-mini" in ran.out
    assert "Nothing was spent" in ran.out
    assert "--spend" in ran.out


def test_spending_asks_the_model_itself(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once."""
    with FaultyProvider() as provider:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)

        ran = run("check", "--spend", "--json")

        assert provider.attempts == 1
    assert ran.json["ok"] is True
    assert ran.json["spent"] is True


def test_a_provider_that_is_not_well_makes_the_exit_code_one(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its key is not shown."""
    with FaultyProvider(default=InvalidApiKey()) as provider:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
        monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)

        ran = run("check", "--spend")

    assert ran.code == 1
    assert "FAIL tier 0  openai" in ran.out
    assert "sk-very-secret" not in ran.out + ran.err
