"""Immutable segments: saved, mapped, merged."""

import numpy as np

from langchain_switchyard.retrieval.lexical.segment import Segment, build, merge, term_key


def postings(segment):
    """``key -> {row: count}``."""
    found = {}
    for place, key in enumerate(segment.keys.tolist()):
        span = slice(segment.offsets[place], segment.offsets[place + 1])
        rows = segment.rows[segment.slots[span]].tolist()
        found[key] = dict(zip(rows, segment.counts[span].tolist(), strict=True))
    return found


def test_postings_hold_every_count():
    """Term by term."""
    segment = build([4, 9], [["a", "b", "a"], ["b"]])
    assert postings(segment) == {term_key("a"): {4: 2}, term_key("b"): {4: 1, 9: 1}}
    assert segment.lengths.tolist() == [3, 1]


def test_a_saved_segment_comes_back_mapped(tmp_path):
    """Same content, and nothing half-written beside it."""
    segment = build([1, 2], [["a", "b"], ["c"] * 300])
    segment.save(tmp_path / "one")
    loaded = Segment.load(tmp_path / "one")
    assert postings(loaded) == postings(segment)
    assert isinstance(loaded.slots.base, np.memmap)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_merging_equals_building_at_once():
    """Also without the dead and the terms only they had."""
    first, second = [["a", "b"], ["b", "only"], ["c"]], [["a"], []]
    parts = [build([1, 2, 3], first), build([5, 8], second)]
    joined = merge(parts, [np.array([True, False, True]), np.array([True, True])])
    assert postings(joined) == postings(build([1, 3, 5, 8], [first[0], first[2], *second]))
    assert joined.rows.tolist() == [1, 3, 5, 8]


def test_counts_take_the_narrowest_type():
    """One byte per posting unless a count needs more."""
    assert build([1], [["a"] * 255]).counts.dtype == np.uint8
    assert build([1], [["a"] * 256]).counts.dtype == np.uint16


def test_empty_documents_are_fine():
    """They have a row and no postings."""
    segment = build([1, 2], [[], []])
    assert segment.size == 2
    assert segment.find(np.array([5], np.uint64)).tolist() == [-1]
