"""Orders read from replies are permutations, whatever the reply; windows reach every passage."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.retrieval.rerank.permutation import read_order, reordered, windows


@pytest.mark.parametrize(
    "reply",
    [
        "[3] > [1] > [2]",
        "[3]>[1]>[2]",
        "3 > 1 > 2",
        "[3, 1, 2]",
        "3,1,2",
        "［3］＞［1］＞［2］",
        "【3】【1】【2】",
        "排序如下：[3] > [1] > [2]。",
        "1. [3]\n2. [1]\n3. [2]",
        "1. 3\n2. 1\n3. 2",
        "The order of the 3 passages is [3] > [1] > [2].",
        "[3] > [1] > [3] > [9] > [0] > [2] > [1]",
        "[3] > [1]",
        '{"order": [3, 1, 2]}',
    ],
)
def test_the_order_is_read_however_it_is_written(reply):
    """Brackets of any width, lists, JSON; repeated, unknown and missing numbers."""
    assert read_order(reply, 3) == [2, 0, 1]


@pytest.mark.parametrize("reply", ["", "I cannot tell.", "[0]", "[7]", "都不相关", "9999999999"])
def test_a_reply_that_names_no_passage_is_no_order(reply):
    """The caller must know that nothing was ordered."""
    assert read_order(reply, 3) is None


@given(st.text(), st.integers(1, 30))
def test_nothing_is_lost_doubled_or_invented(reply, count):
    """For any text at all."""
    order = read_order(reply, count)
    assert order is None or sorted(order) == list(range(count))


@pytest.mark.parametrize("reply", ["\n" * 50_000, "1. " * 30_000, "[ " * 50_000, "9" * 50_000])
def test_a_runaway_reply_is_read_in_no_time(reply):
    """A model in a loop must not hang the search; a quadratic pattern would take minutes."""
    start = time.process_time()
    order = read_order(f"{reply} [2]", 2)
    assert time.process_time() - start < 2
    assert order is not None
    assert sorted(order) == [0, 1]


@given(st.integers(0, 120), st.integers(2, 25))
def test_windows_cover_all_and_overlap(count, size):
    """From the end to the front; each shares passages with the one before it."""
    found = list(windows(count, size, size // 2))
    assert {place for window in found for place in range(window.start, window.stop)} == set(
        range(count)
    )
    assert all(window.stop - window.start <= size for window in found)
    for later, earlier in itertools.pairwise(found):
        assert earlier.stop > later.start
        assert earlier.start < later.start


def test_the_last_passage_can_become_the_first():
    """What windows are for."""
    places = list(range(50))
    for window in windows(50, 20, 10):
        inside = places[window]
        order = sorted(range(len(inside)), key=lambda at: inside[at] != 49)
        places = reordered(places, window, order)
    assert places[0] == 49
    assert sorted(places) == list(range(50))
