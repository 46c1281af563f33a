"""Word documents: what styles mean, and what is said twice."""

import io
import zipfile

import pytest

from langchain_switchyard.retrieval.documents.decoding import UnreadableFile
from langchain_switchyard.retrieval.documents.loaders import parse_file
from langchain_switchyard.retrieval.documents.word_text import word_to_markdown

_NAMES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)
BULLETS = '<w:numPr><w:numId w:val="4"/></w:numPr>'


def word(body, styles=""):
    """A Word file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        document = f"<w:document {_NAMES}><w:body>{body}</w:body></w:document>"
        archive.writestr("word/document.xml", document)
        if styles:
            archive.writestr("word/styles.xml", f"<w:styles {_NAMES}>{styles}</w:styles>")
    return buffer.getvalue()


def line(text, style="", more=""):
    """A paragraph."""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{named}{more}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def style(identity, name, based="", more=""):
    """A paragraph style."""
    parent = f'<w:basedOn w:val="{based}"/>' if based else ""
    return (
        f'<w:style w:type="paragraph" w:styleId="{identity}"><w:name w:val="{name}"/>{parent}'
        f"<w:pPr>{more}</w:pPr></w:style>"
    )


def outline(level):
    """An outline level, from 0."""
    return f'<w:outlineLvl w:val="{level}"/>'


WPS = style("1", "Normal") + style("2", "heading 1", "1", outline(0)) + style("3", "heading 2", "1")


def test_style_ids_mean_what_the_document_says():
    """WPS gives the first heading the id 2, and normal text the id 1."""
    text = word_to_markdown(word(line("总则", "2") + line("范围", "3") + line("正文", "1"), WPS))
    assert text == "# 总则\n\n## 范围\n\n正文\n"


@pytest.mark.parametrize(
    ("styles", "used", "mark"),
    [
        (style("X", "Company Head", "2"), "X", "# "),
        (style("X", "章", "1", outline(1)), "X", "## "),
        (style("X", "TOC Heading", "2", outline(9)), "X", ""),
        (style("X", "X", "Y") + style("Y", "Y", "X"), "X", ""),
        (style("X", "Title"), "X", "# "),
        (style("X", "标题 3"), "X", "### "),
        ("", "Unknown", ""),
        (style("7", "List Bullet", "1", BULLETS), "7", "- "),
        (style("7", "List Number", "1"), "7", "- "),
        (style("8", "mine", "7") + style("7", "List Bullet 2", "1", BULLETS), "8", "- "),
    ],
)
def test_a_style_is_what_its_name_its_level_or_its_base_says(styles, used, mark):
    """In this order, and in circles no longer than needed."""
    assert word_to_markdown(word(line("x", used), WPS + styles)) == f"{mark}x\n"


def test_a_paragraph_s_own_words_count_for_more():
    """An outline level of its own, and numbering that is taken away."""
    body = line("a", "1", outline(2)) + line("b", "2", outline(9))
    assert word_to_markdown(word(body, WPS)) == "### a\n\nb\n"
    bullets = WPS + style("7", "List Bullet", "1", BULLETS)
    none = '<w:numPr><w:numId w:val="0"/></w:numPr>'
    body = line("a", "7") + line("b", "7") + line("c", "7", none)
    assert word_to_markdown(word(body, bullets)) == "- a\n- b\n\nc\n"


def test_a_text_box_is_read_once():
    """Word writes it a second time for its own past."""
    box = f"<w:txbxContent>{line('in a box')}{line('and more')}</w:txbxContent>"
    body = (
        f"<w:p><w:r><w:t>before</w:t><mc:AlternateContent><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    assert word_to_markdown(word(body)).split() == ["before", "in", "a", "box", "and", "more"]


def test_cells_keep_their_borders_and_paragraphs_apart():
    """A bar inside of a cell is no border; wrapped rows and cells are read."""
    cell = f"<w:tc>{line('a|b')}{line('c')}</w:tc>"
    row = f"<w:tr>{cell}<w:sdt><w:sdtContent><w:tc>{line('d')}</w:tc></w:sdtContent></w:sdt></w:tr>"
    assert word_to_markdown(word(f"<w:tbl>{row}</w:tbl>")) == "| a\\|b c | d |\n"


def test_what_a_tracked_change_took_away_is_not_read():
    """What it put in is."""
    body = (
        "<w:p><w:moveFrom><w:r><w:t>old place</w:t></w:r></w:moveFrom>"
        "<w:ins><w:r><w:t>new</w:t><w:br/><w:t>line</w:t></w:r></w:ins></w:p>"
    )
    assert word_to_markdown(word(body)) == "new\nline\n"


def test_strict_documents_are_read():
    """They differ in a name."""
    buffer = io.BytesIO()
    strict = _NAMES.replace(
        "schemas.openxmlformats.org/wordprocessingml/2006/main",
        "purl.oclc.org/ooxml/wordprocessingml/main",
    )
    with zipfile.ZipFile(buffer, "w") as archive:
        body = f"<w:document {strict}><w:body>{line('x')}</w:body></w:document>"
        archive.writestr("word/document.xml", body)
    assert word_to_markdown(buffer.getvalue()) == "x\n"


def test_a_document_of_pictures_is_reported():
    """Scans in a Word file have no text to search."""
    with pytest.raises(UnreadableFile, match=r"a\.docx.*no text"):
        parse_file("a.docx", word("<w:p><w:r><w:drawing/></w:r></w:p>"), "a.docx")
