"""Bytes to text: what a file declares, and when that is not believed."""

import pytest

from langchain_switchyard.retrieval.documents.decoding import UnreadableFile
from langchain_switchyard.retrieval.documents.loaders import parse_file


def text_of(name, content):
    """The text of the only document."""
    (document,) = parse_file(name, content, name)
    return document.page_content.strip()


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("big5", "big5", "繁體中文的網頁內容，退款政策說明"),
        ("Big5-HKSCS", "big5hkscs", "香港嘅網頁"),
        ("windows-1251", "cp1251", "Политика возврата денег за билет"),
        ("koi8-r", "koi8-r", "Политика возврата"),
        ("Shift_JIS", "shift_jis", "返金ポリシーについての説明です"),
        ("euc-jp", "euc-jp", "返金ポリシー"),
        ("euc-kr", "cp949", "환불 정책에 대한 설명"),
        ("gb2312", "gbk", "简体中文的網頁内容"),
        ("gbk", "gbk", "联通"),
        ("iso-8859-2", "iso-8859-2", "Zásady vrácení peněz"),
        ("iso-8859-1", "cp1252", "l’été à Noël"),
    ],
)
@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="{}">',
        "<META CHARSET={}>",
        '<meta http-equiv="Content-Type" content="text/html; charset={}">',
        '<?xml version="1.0" encoding="{}"?><html>',
    ],
)
def test_a_page_is_read_as_it_declares(label, codec, text, head):
    """Under all the names that are written for an encoding."""
    page = f"<html><head>{head.format(label)}<body><p>{text}"
    assert (
        text_of("a.html", page.removeprefix("<html><head>" * head.startswith("<?")).encode(codec))
        == text
    )


@pytest.mark.parametrize("label", ["gb2312", "iso-8859-1", "windows-1251", "big5"])
def test_a_declaration_that_outlived_a_conversion_is_not_believed(label):
    """The file was saved as UTF-8 since."""
    for text in ("简体中文的网页内容", "crème brûlée et pâté à la Noël"):
        page = f'<meta charset="{label}"><p>{text}'
        assert text_of("a.html", page.encode()) == text


def test_a_mark_counts_for_more_than_a_declaration():
    """Browsers see it so, too."""
    page = '<meta charset="big5"><p>网页'
    for encoding in ("utf-8-sig", "utf-16"):
        assert text_of("a.html", page.encode(encoding)) == "网页"


@pytest.mark.parametrize("label", ["utf-8", "nonsense", "utf-16", "punycode", "hex", "utf-7", "x"])
def test_what_nobody_can_mean_is_ignored(label):
    """The bytes are looked at instead."""
    page = f'<meta charset="{label}"><p>退款政策说明'
    assert text_of("a.html", page.encode()) == "退款政策说明"
    assert text_of("a.html", page.encode("gbk")) == "退款政策说明"


def test_what_does_not_fit_its_declaration_is_guessed():
    """Rather than refused."""
    page = '<meta charset="euc-jp"><p>退款政策的網頁囧'
    assert text_of("a.html", page.encode("gbk")) == "退款政策的網頁囧"


def test_a_page_declares_in_its_head_only():
    """Not where it writes about declarations, far below."""
    page = "<p>" + "退款 " * 3_000 + '<meta charset="big5">'
    assert "退款" in text_of("a.html", page.encode("gbk"))


@pytest.mark.parametrize(
    "line", ["# -*- coding: cp1251 -*-", "#!/usr/bin/python\n# vim: coding=cp1251"]
)
def test_programs_declare_too(line):
    """On one of their first two lines."""
    program = f"{line}\nx = 'Привет'"
    assert text_of("a.py", program.encode("cp1251")) == program


def test_binaries_stay_binaries():
    """Whatever they declare."""
    with pytest.raises(UnreadableFile):
        parse_file("a.html", b'<meta charset="gbk">' + b"\x00\x01\x02\xff" * 50, "a.html")
