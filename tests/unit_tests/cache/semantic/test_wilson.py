"""Bounds of a share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic.wilson import wilson


def test_nothing_checked_means_nothing_known():
    """The widest interval."""
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("wrong", "checked", "lower", "upper"),
    [(10, 100, 0.0552, 0.1744), (0, 100, 0.0, 0.0370), (1, 10, 0.0179, 0.4042)],
)
def test_known_values_of_the_two_sided_95_per_cent_interval(wrong, checked, lower, upper):
    """Textbook values; one-sided 97.5 % on either side."""
    assert wilson(wrong, checked, 0.975) == pytest.approx((lower, upper), abs=2e-4)


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_holds_the_observed_share(wrong, checked):
    """And lies within 0 and 1."""
    wrong = min(wrong, checked)
    lower, upper = wilson(wrong, checked)
    assert 0 <= lower <= wrong / checked + 1e-12
    assert wrong / checked - 1e-12 <= upper <= 1
