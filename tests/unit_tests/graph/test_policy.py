"""Limits of an assistant."""

import pytest

from langchain_switchyard import ConfigurationError
from langchain_switchyard.graph import AssistantPolicy


@pytest.mark.parametrize(
    "wrong", [{"sources": 0}, {"regenerations": -1}, {"kept_messages": 1}, {"history_tokens": -5}]
)
def test_limits_under_which_nothing_works_are_refused(wrong: dict[str, int]) -> None:
    """And named."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        AssistantPolicy(**wrong)
