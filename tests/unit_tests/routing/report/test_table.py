"""Tables for terminals and notebooks."""

from __future__ import annotations

from langchain_switchyard.routing.report.stats import quantile
from langchain_switchyard.routing.report.table import html_table, text_table


def test_columns_are_aligned_by_what_a_terminal_shows():
    """A Chinese character is two cells wide."""
    assert text_table(("名", "n"), [("通义", "1"), ("a", "22")]) == "名    n\n通义  1\na     22"


def test_cells_are_escaped_for_a_notebook():
    """A provider's error message is no markup."""
    assert "<td>&lt;b&gt;</td>" in html_table(("x",), [("<b>",)])


def test_quantiles_of_nothing_are_unknown():
    """And of one value, that value."""
    assert quantile([], 0.5) is None
    assert quantile([3.0], 0.95) == 3.0
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
