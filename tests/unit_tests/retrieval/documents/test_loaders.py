"""Loaders: files of several kinds, also damaged ones."""

import io
import zipfile

import pytest
from langchain_core.documents import Document

from langchain_switchyard.retrieval.documents.loaders import UnreadableFile, load_file, parse_file

HTML = """<!doctype html><html><head><title>标题</title><style>x{}</style></head><body>
<h1>Head &amp; tail</h1><p>Hello <b>bold</b>
world<script>alert(1)</script></p><pre>a
  b</pre><table><tr><th>A</th><td>B</td></tr></table><ul><li>one<li>two</ul></body></html>"""
WORD = """<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>
<w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>第二节</w:t></w:r></w:p>
<w:p><w:r><w:t>Hello </w:t></w:r><w:r><w:t>world</w:t></w:r></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p>
</w:tc></w:tr></w:tbl></w:body></w:document>"""


def text_of(name, content):
    """The text of the only document."""
    (document,) = parse_file(name, content, name)
    return document.page_content


def word(xml):
    """A minimal Word file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", xml)
    return buffer.getvalue()


def pdf(*texts):
    """A PDF with one line per page, written by hand."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(texts)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(texts)} >>")
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, text in enumerate(texts):
        stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents "
            f"{5 + 2 * number} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    body, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    body += (
        f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n"
        f"<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF"
    )
    return body.encode()


def test_a_file_says_where_it_came_from(tmp_path):
    """The path, unless told otherwise."""
    file = tmp_path / "a.md"
    file.write_text("# 你好\n", encoding="utf-8")
    assert load_file(file) == [Document(page_content="# 你好\n", metadata={"source": str(file)})]
    assert load_file(file, "docs/a.md")[0].metadata == {"source": "docs/a.md"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_encodings_are_told_apart(encoding):
    """UTF-8 with and without mark, GBK, UTF-16."""
    assert text_of("a.txt", "合同法\r\n第二条".encode(encoding)) == "合同法\n第二条"


def test_html_keeps_its_structure_and_drops_its_scripts():
    """As Markdown, with the title beside it."""
    (document,) = parse_file("a.html", HTML.encode(), "a.html")
    assert document.metadata == {"source": "a.html", "title": "标题"}
    text = document.page_content
    assert "# Head & tail" in text
    assert "Hello bold world" in text
    assert "```\na\n  b\n```" in text
    assert "| A | B |" in text
    assert "- one\n- two" in text
    assert "alert" not in text


def test_word_headings_and_tables_survive():
    """As Markdown."""
    text = text_of("a.docx", word(WORD))
    assert "## 第二节\n\nHello world\n\n| a | b |" in text


def test_word_files_with_entities_are_refused():
    """They can expand endlessly."""
    with pytest.raises(UnreadableFile, match="document type"):
        parse_file("a.docx", word("<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"), "a.docx")


def test_pdf_pages_are_documents():
    """With their numbers, for citations."""
    found = parse_file("a.pdf", pdf("first page", "second page"), "a.pdf")
    assert [document.metadata["page"] for document in found] == [1, 2]
    assert "second page" in found[1].page_content


@pytest.mark.parametrize("name", ["a.pdf", "a.docx"])
def test_damaged_files_are_named(name):
    """Whatever their parser raises."""
    with pytest.raises(UnreadableFile, match=name):
        parse_file(name, b"not what it says", name)


def test_unknown_types_and_binaries_are_refused():
    """With what can be read instead."""
    with pytest.raises(UnreadableFile, match=r"known: .*\.md"):
        parse_file("a.exe", b"", "a.exe")
    with pytest.raises(UnreadableFile):
        parse_file("a.txt", b"\x00\x01\x02\xff" * 10, "a.txt")


def test_empty_files_give_no_documents():
    """Nothing to index."""
    assert parse_file("a.md", b"  \n", "a.md") == []


def test_table_rows_are_documents():
    """CSV, JSON and JSON lines: text for searching, values for filters."""
    rows = '[{"name": "猫", "n": 1}, {"name": "dog", "n": 2}]'
    files = {
        "a.csv": "name,n\n猫,1\ndog,2\n",
        "a.json": rows,
        "a.jsonl": '{"name": "猫", "n": 1}\n\n{"name": "dog", "n": 2}\n',
    }
    for name, content in files.items():
        found = parse_file(name, content.encode(), name)
        assert [document.page_content for document in found] == [
            "name: 猫\nn: 1",
            "name: dog\nn: 2",
        ]
        assert found[0].metadata["name"] == "猫"
        assert found[0].metadata["source"] == name
