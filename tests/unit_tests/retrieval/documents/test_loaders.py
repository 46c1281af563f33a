"""Loaders: files of several kinds, also damaged ones."""

import io
import zipfile

import pytest
from langchain_core.documents import Document

from langchain_switchyard.retrieval.documents.chunking import StructureSplitter
from langchain_switchyard.retrieval.documents.decoding import UnreadableFile
from langchain_switchyard.retrieval.documents.loaders import load_file, parse_file

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


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        *[
            (name, "合同法\r\n第二条，见附件 A。")
            for name in ("utf-16-le", "utf-16-be", "utf-32", "gbk")
        ],
        ("gb18030", "𠮷野家 合同法"),
        ("cp1252", "Un résumé naïf de l’été à Noël\n"),
        ("latin-1", "Größe: fünf Äpfel, süß\n"),
        ("utf-8", "emoji 🎉 und ümläute\n"),
    ],
)
def test_texts_are_read_whatever_they_were_saved_with(encoding, text):
    """Without a mark, too; Western texts are not taken for Chinese ones."""
    assert text_of("a.txt", text.encode(encoding)) == text.replace("\r\n", "\n")


def test_damaged_utf8_is_not_taken_for_something_else():
    """It would be indexed as nonsense; the message says where."""
    content = "合同法规定了违约责任。".encode() * 20
    with pytest.raises(UnreadableFile, match=r"a\.txt.*damaged at byte 99"):
        parse_file("a.txt", content[:99] + b"\xff" + content[100:], "a.txt")


def test_a_stray_control_character_is_no_reason_to_refuse_a_log():
    """Only a file full of them is binary."""
    assert "error" in text_of("a.log", b"start \x1b[31merror\x1b[0m end " * 9 + b"\x01")
    with pytest.raises(UnreadableFile):
        parse_file("a.txt", bytes(range(1, 32)) * 20, "a.txt")


def test_a_file_too_large_for_memory_is_refused_unread(tmp_path):
    """By its size alone."""
    file = tmp_path / "dump.txt"
    with file.open("wb") as handle:
        handle.truncate(10 << 30)
    with pytest.raises(UnreadableFile, match=r"dump\.txt.*10240 MiB"):
        load_file(file)


def test_columns_cannot_pretend_where_a_row_is_from():
    """Names that chunks use themselves are kept apart, and nothing is lost."""
    found = parse_file("a.csv", b"source,line,page,name\nevil.md,x,9,cat\n", "a.csv")
    assert found[0].metadata == {
        "source": "a.csv",
        "row": 1,
        "line": 2,
        "source_": "evil.md",
        "line_": "x",
        "page_": "9",
        "name": "cat",
    }
    assert "source: evil.md" in found[0].page_content
    assert StructureSplitter().split_documents(found)[0].metadata["line"] == 2


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_every_delimiter_that_spreadsheets_write_is_read(mark):
    """Quoted ones inside of values included."""
    rows = f'名称{mark}备注\n苹果{mark}"红{mark}甜"\n'.encode("gbk")
    assert text_of("a.csv", rows) == f"名称: 苹果\n备注: 红{mark}甜"


def test_rows_keep_what_their_header_does_not_name():
    """Doubled, empty and missing names; empty lines are no rows."""
    found = parse_file("a.csv", b"a,a,\n\n1,2,3,4\n5\n", "a.csv")
    assert [document.page_content for document in found] == [
        "a: 1\na 2: 2\ncolumn 3: 3\ncolumn 4: 4",
        "a: 5",
    ]


def test_numbers_that_are_none_stay_in_the_text_only():
    """Metadata is JSON, which has no NaN."""
    (document,) = parse_file("a.json", b'[{"name": "x", "value": NaN}]', "a.json")
    assert "value: NaN" in document.page_content
    assert "value" not in document.metadata


def test_a_broken_line_of_json_is_named():
    """Of thousands."""
    with pytest.raises(UnreadableFile, match=r"a\.jsonl.*line 3"):
        parse_file("a.jsonl", b'{"a": 1}\n\n{"a": \n', "a.jsonl")


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000, b"<div>" * 50_000])
def test_endless_nesting_is_no_crash(content):
    """Whatever the parser raises, the message names the file."""
    name = "a.html" if content.startswith(b"<") else "a.json"
    with pytest.raises(UnreadableFile, match=name):
        parse_file(name, content, name)


def test_html_without_the_end_of_its_head_keeps_its_body():
    """HTML allows it."""
    assert "visible" in text_of("a.html", b"<html><head><title>t</title><body><p>visible")


def test_word_content_controls_and_nested_tables_are_read_once():
    """Tables of contents are such."""
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    xml = WORD.replace(
        "<w:body>",
        "<w:body><w:sdt><w:sdtContent><w:p><w:r><w:t>目录</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        f"<w:tbl><w:tr><w:tc><w:tbl><w:tr>{cell.format('inner')}</w:tr></w:tbl></w:tc></w:tr></w:tbl>",
    )
    text = text_of("a.docx", word(xml))
    assert text.startswith("目录\n")
    assert text.count("inner") == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
def test_no_way_of_writing_entities_gets_past(encoding):
    """In another encoding, or far down."""
    far = "<?xml version='1.0'?><!--" + "x" * 5_000 + "--><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", far.encode(encoding))
    with pytest.raises(UnreadableFile, match="document type"):
        parse_file("a.docx", buffer.getvalue(), "a.docx")


def test_a_scanned_pdf_is_reported_and_not_taken_for_empty():
    """Its pages are pictures."""
    with pytest.raises(UnreadableFile, match=r"a\.pdf.*2 pages.*OCR"):
        parse_file("a.pdf", pdf("", ""), "a.pdf")
