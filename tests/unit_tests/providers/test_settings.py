"""What the environment says about a provider."""

from __future__ import annotations

import pytest

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.providers.settings import read_settings


def test_all_five_values_are_read() -> None:
    """By their prefix."""
    found = read_settings(
        "ACME",
        {
            "ACME_API_KEY": " sk-1 ",
            "ACME_BASE_URL": "http://a/v1",
            "ACME_MODEL": "m",
            "ACME_MAX_TOKENS": "2000",
            "ACME_TEMPERATURE": "0.7",
        },
    )
    assert found.api_key is not None
    assert found.api_key.get_secret_value() == "sk-1"
    assert (found.base_url, found.model) == ("http://a/v1", "m")
    assert (found.max_tokens, found.temperature) == (2000, 0.7)


def test_nothing_set_is_nothing_found() -> None:
    """Empty counts as missing."""
    found = read_settings("ACME", {"ACME_API_KEY": "  ", "ACME_MAX_TOKENS": ""})
    assert found == read_settings("ACME", {})
    assert found.api_key is None


@pytest.mark.parametrize("value", ["your_api_key", "YOUR-API-KEY", "changeme"])
def test_an_example_files_placeholder_is_no_key(value: str) -> None:
    """A copied `.env.example` must not look configured."""
    assert read_settings("ACME", {"ACME_API_KEY": value}).api_key is None


def test_another_variable_may_hold_the_key_and_its_own_wins() -> None:
    """DashScope's name for Tongyi's key."""
    env = {"DASHSCOPE_API_KEY": "b"}
    key = read_settings("TONGYI", env, ("DASHSCOPE_API_KEY",)).api_key
    assert key is not None
    assert key.get_secret_value() == "b"
    own = read_settings("TONGYI", {**env, "TONGYI_API_KEY": "a"}, ("DASHSCOPE_API_KEY",)).api_key
    assert own is not None
    assert own.get_secret_value() == "a"


def test_the_key_is_never_printed() -> None:
    """Not in repr, not in str."""
    found = read_settings("ACME", {"ACME_API_KEY": "sk-secret"})
    assert "sk-secret" not in f"{found!r} {found}"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ACME_MAX_TOKENS", "many", "whole number"),
        ("ACME_MAX_TOKENS", "2.5", "whole number"),
        ("ACME_MAX_TOKENS", "0", "at least 1"),
        ("ACME_TEMPERATURE", "hot", "a number"),
        ("ACME_TEMPERATURE", "2.1", "0 to 2"),
        ("ACME_TEMPERATURE", "-1", "0 to 2"),
        ("ACME_TEMPERATURE", "nan", "0 to 2"),
    ],
)
def test_a_wrong_number_is_refused_by_variable_value_and_range(
    name: str, value: str, words: str
) -> None:
    """All that is needed to put it right."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_settings("ACME", {name: value})
    assert name in str(caught.value)
    assert value in str(caught.value)
