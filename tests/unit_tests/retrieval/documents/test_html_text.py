"""HTML as it is found: tags left out, layout by tables, text in odd places."""

import time

import pytest

from langchain_switchyard.retrieval.documents.decoding import UnreadableFile
from langchain_switchyard.retrieval.documents.html_text import html_to_markdown
from langchain_switchyard.retrieval.documents.loaders import parse_file


def markdown(html):
    """The text without its last line end."""
    return html_to_markdown(html)[0].rstrip("\n")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<html><head><title>T</title><p>seen", "seen"),
        (
            "<head><meta charset=utf-8><link rel=x><script>x</script><h1>Hi</h1>there",
            "# Hi\n\nthere",
        ),
        ("<title>t</title><p>no head at all", "no head at all"),
        ("<head><title>t</title>bare words", "bare words"),
        ("<head><title>t</title><noscript><link></head><body>after", "after"),
        ("<p>ok<svg><text>drawn<p>lost", "ok\n\nlost"),
        ("<svg><title>not the page's</title></svg><p>ok", "ok"),
        ("<script>var a='<p>';</script><p>ok<template><p>hidden</template>", "ok"),
    ],
)
def test_what_is_shown_is_read_wherever_its_head_ends(html, text):
    """HTML lets the ends, and the beginnings, be left out."""
    assert markdown(html) == text


def test_the_title_is_that_of_the_page():
    """Not of a drawing, and on one line."""
    page = "<title>My\n page</title><svg><title>x</title></svg><p>y"
    assert html_to_markdown(page)[1] == "My page"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<table><tr><td><p>a</p></td><td>b<br>c</td></tr></table>", "| a | b c |"),
        ("<table><tr><td>a<td>b<tr><td>c|d<td></table>", "| a | b |\n| c\\|d |  |"),
        ("<table><caption>C</caption><tr><th>A</table>", "C\n\n| A |"),
        ("<table><tr><td><h2>H</h2><p>x<td>y</table>z", "## H\n\nx\n\ny\n\nz"),
        ("<table><tr><td><p>one<p>two</table>", "one\n\ntwo"),
        ("<table><tr><td>x<table><tr><td>a<td>b</table></table>", "x\n\n| a | b |"),
        ("<ul><li><p>one</p><p>more</p></li><li>two</ul>", "- one\n  more\n- two"),
        ("<ol><li>a<ul><li>b</ul><li>c</ol>d", "1. a\n  - b\n2. c\n\nd"),
        ("<ul>\n <li>a</li>\n <li><b>b</b> c</li>\n</ul>", "- a\n- b c"),
        ("<h2>A<br>b<div>c</div></h2>d", "## A b c\n\nd"),
        ("<h2></h2><p>x", "x"),
        ("<p>a<br>b<br><br>c", "a\nb\n\nc"),
        ("<p>see <img alt='图一'>here<img src=x><img alt=''>", "see 图一 here"),
        ("<a><img alt=logo></a>", "logo"),
        ("<select><option>x<option>y</select>", "x y"),
        ("<p>wor<b>d</b> <i> x</i>", "word x"),
    ],
)
def test_blocks_inside_of_others_stay_with_them(html, text):
    """Cells, items and headings are one line, tables for layout are none."""
    assert markdown(html) == text


def test_code_stays_exactly_as_it_is():
    """Empty lines, and fences of its own."""
    code = "  a\n```\n\n\n\nb"
    assert markdown(f"<p>x<pre>{code}</pre>y") == f"x\n\n````\n{code}\n````\n\ny"


@pytest.mark.parametrize(
    "html", ["<script>app()</script>", "<style>x", "<p> </p>", "<div id=app/>"]
)
def test_a_page_that_shows_nothing_is_reported(html):
    """It was not read, whatever the reason: that must not look like success."""
    with pytest.raises(UnreadableFile, match=r"a\.html.*no text"):
        parse_file("a.html", html.encode(), "a.html")


def test_an_empty_file_is_nothing_to_complain_about():
    """Nothing is all it has."""
    assert parse_file("a.html", b" \n", "a.html") == []


@pytest.mark.parametrize(
    "part",
    ["<table><tr><td>", "<ul><li>", "<pre>", "<h1>", "<svg>", "<td>x", "x<br>", "<div>", "<tr>x"],
)
def test_no_page_takes_for_ever(part):
    """However deep or long."""
    began = time.process_time()
    markdown(part * 20_000 + "x")
    assert time.process_time() - began < 5
