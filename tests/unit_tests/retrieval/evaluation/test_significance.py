"""Intervals and p-values: right where one can check, the same every time."""

import numpy as np
import pytest
from scipy.stats import permutation_test

from langchain_switchyard.retrieval.evaluation.significance import (
    difference,
    interval,
    randomisation_test,
)


def test_the_interval_holds_the_mean_and_is_the_same_every_time():
    """A fixed seed."""
    values = np.random.default_rng(1).random(200)
    found = interval(values)
    assert found.low < values.mean() < found.high
    assert interval(values) == found


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.05, 0.2])
def test_p_values_are_those_of_scipy(shift):
    """Scipy's test of the same name, with more rounds."""
    gains = np.random.default_rng(3).normal(shift, 0.3, 120)
    reference = permutation_test(
        (gains,), np.mean, permutation_type="samples", n_resamples=20_000, rng=5
    )
    assert randomisation_test(gains) == pytest.approx(reference.pvalue, abs=0.02)


def test_few_queries_cannot_be_significant():
    """Four wins of four are 2 of 16 ways to give them signs."""
    assert randomisation_test(np.full(4, 0.5)) == pytest.approx(2 / 16, abs=0.01)


def test_chance_is_significant_as_often_as_promised():
    """Where there is nothing to find, p < .05 comes about once in twenty."""
    rng = np.random.default_rng(0)
    seen = [randomisation_test(rng.normal(0, 1, 30)) for _ in range(200)]
    assert 0.01 < np.mean(np.array(seen) < 0.05) < 0.1


def test_no_difference_at_all_has_p_one_and_only_ties():
    """Rounding in the last digit is no difference."""
    found = difference({"1": 0.0, "2": 1e-16, "3": -1e-17})
    assert found.p_value == 1
    assert (found.wins, found.losses, found.ties) == ((), (), ("1", "2", "3"))


def test_it_says_who_wins_on_which_query():
    """The largest gain first, the largest loss first."""
    found = difference({"a": 0.1, "退款": 0.5, "b": -0.2, "c": -0.9, "d": 0.0})
    assert found.wins == ("退款", "a")
    assert found.losses == ("c", "b")
    assert found.ties == ("d",)
    assert found.mean == pytest.approx(-0.1)
    assert "2 better, 2 worse, 1 the same" in str(found)
    assert str(difference({str(n): 1.0 for n in range(40)})).startswith("+1.0000")
    assert "p < 0.001" in str(difference({str(n): 1.0 for n in range(40)}))
