"""Evaluations side by side: the table, the notebook's face, the image."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.evaluation.comparison import compare
from langchain_switchyard.retrieval.evaluation.evaluate import Evaluation, evaluate

SVG = "{http://www.w3.org/2000/svg}"
QUERIES = {str(number): str(number) for number in range(40)}
JUDGEMENTS = {name: {name: 1} for name in QUERIES}


def at_place(place: int) -> Evaluation:
    """What finds everything at this place."""
    padding = [f"other-{n}" for n in range(place - 1)]
    return evaluate(lambda query: [*padding, query], QUERIES, JUDGEMENTS)


@pytest.fixture
def comparison():
    """Three retrievers, one named in Chinese, one to trip over."""
    return compare({"混合检索": at_place(1), "words <&>": at_place(2), "same": at_place(1)})


def parsed(svg: str) -> ET.Element:
    """The image as a tree."""
    return ET.fromstring(svg)  # noqa: S314 - written by ourselves a moment ago.


def drawn_texts(svg: str) -> list[str]:
    """What can be read in an image; fails where it is no XML."""
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


def test_the_first_is_held_against_each_of_the_others(comparison):
    """With its p-value and who wins where."""
    against = comparison.difference("words <&>", "mrr@10")
    assert against.mean == 0.5
    assert against.p_value < 0.001
    assert len(against.wins) == 40
    assert comparison.difference("same", "mrr@10").p_value == 1


def test_the_table_has_a_line_for_each_measure_and_retriever(comparison):
    """The first has no p-value against itself."""
    lines = str(comparison).splitlines()
    assert len(lines) == 15
    first, second = (line for line in lines if line.startswith("mrr@10") and "same" not in line)
    assert "p" not in first.partition("混合检索")[2]
    assert second.endswith("p < 0.001")


def test_the_table_s_columns_stand_below_each_other(comparison):
    """Chinese characters take the room of two letters."""
    lines = [line.encode("gbk") for line in str(comparison).splitlines()]
    assert len({line.index(b"[") for line in lines}) == 1


def test_the_plot_is_an_image_that_names_everybody(comparison, tmp_path: Path):
    """Chinese, and characters that mean something in XML."""
    path = tmp_path / "图.svg"
    svg = comparison.plot(path)
    assert path.read_text("utf-8") == svg
    texts = drawn_texts(svg)
    assert texts.count("混合检索") == texts.count("words <&>") == 5
    assert {"ndcg@10", "map"} <= set(texts)
    assert any("p < 0.001" in text for text in texts)


def test_everything_drawn_is_inside_the_image(comparison):
    """Dots and lines lie on the axis, whatever the figures."""
    root = parsed(comparison.plot())
    width = float(root.get("width"))
    for circle in root.iter(f"{SVG}circle"):
        assert 0 < float(circle.get("cx")) < width
    for line in root.iter(f"{SVG}line"):
        assert 0 < float(line.get("x1")) <= float(line.get("x2")) < width


def test_a_retriever_that_finds_nothing_can_be_drawn():
    """All figures are 0: the axis still has a length."""
    nothing = evaluate(lambda _: [], QUERIES, JUDGEMENTS)
    assert "0.1" in drawn_texts(compare({"无": nothing, "also": nothing}).plot())


def test_a_notebook_shows_the_image_and_the_table(comparison):
    """Names are escaped."""
    html = comparison._repr_html_()
    assert "<svg" in html
    assert "<td>混合检索</td>" in html
    assert "words &lt;&amp;&gt;" in html
    assert "words <&>" not in html


def test_only_svg_is_written(comparison, tmp_path: Path):
    """Rather than an image that no program can open."""
    with pytest.raises(ConfigurationError, match="svg"):
        comparison.plot(tmp_path / "plot.png")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_compared_is_refused(comparison):
    """One evaluation, other queries, other measures, unknown names."""
    with pytest.raises(ConfigurationError, match="two"):
        compare({"one": at_place(1)})
    fewer = evaluate(lambda query: [query], {"1": "1"}, JUDGEMENTS)
    with pytest.raises(ConfigurationError, match="same queries"):
        compare({"a": at_place(1), "b": fewer})
    other = evaluate(lambda query: [query], QUERIES, JUDGEMENTS, measures=["precision@3"])
    with pytest.raises(ConfigurationError, match="in common"):
        compare({"a": at_place(1), "b": other})
    with pytest.raises(ConfigurationError, match="混合检索"):
        comparison.difference("nobody", "map")
    with pytest.raises(ConfigurationError, match=r"ndcg@10"):
        comparison.difference("same", "ndcg@7")


def test_a_prompt_shows_the_table_and_not_every_score(comparison):
    """What one sees without a notebook."""
    assert repr(comparison) == str(comparison)
    assert repr(at_place(1)) == str(at_place(1))
