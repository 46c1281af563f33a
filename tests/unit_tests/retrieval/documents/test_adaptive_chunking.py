"""Each kind of document is cut where its kind has its joints, in English and Chinese."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import DocumentType, StructureSplitter
from tests.unit_tests.retrieval.documents.typed_texts import TEXTS

BY_NAME = {name: text for _, name, text in TEXTS}


def chunks(text, size=300, **kwargs):
    """Split one text that says nothing about its file."""
    return StructureSplitter(size, **kwargs).split_documents([Document(page_content=text)])


def headings(found):
    """Their paths."""
    return [chunk.metadata.get("heading") for chunk in found]


@pytest.mark.parametrize("size", [3, 20, 300])
@pytest.mark.parametrize(("kind", "name", "text"), TEXTS, ids=[name for _, name, _ in TEXTS])
def test_nothing_is_lost_of_any_kind(kind, name, text, size):
    """As what it is, and as everything that it is not."""
    for taken_for in (None, *DocumentType):
        found = chunks(text, size, document_type=taken_for)
        assert "".join(chunk.page_content for chunk in found) == text, (kind, name, taken_for)


LINE = st.sampled_from(
    [
        *(
            "第一条　为了。\n",
            "第二章 总则\n",
            "Article 5\n",
            "Section 2. Fees. Pay!\n",
            "CHAPTER I\n",
        ),
        *("Abstract\n", "摘要：本文。\n", "1 Introduction\n", "References\n", "[1] A. 2001.\n"),
        *(
            "甲：你好。\n",
            "Tom: hello there.\n",
            "王芳 10:02\n",
            "\n",
            "\n\n",
            "    x = 1\n",
            "\ty\n",
        ),
        *(
            "a | b\n",
            "--- | ---\n",
            "1 | 2\n",
            "| x |\n",
            "+---+\n",
            "def f():\n",
            "```\n",
            "# 一\n",
        ),
        *(
            "plain words here. ",
            "文字，文字。",
            "- item\n",
            "（一）项\n",
            "x" * 60,
            "\r\n",
            "\u2028",
        ),
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(LINE, max_size=30).map("".join),
    st.sampled_from([None, *DocumentType]),
    st.sampled_from([1, 10, 60]),
    st.sampled_from([0, 5]),
)
def test_any_mixture_adds_up(text, kind, size, overlap):
    """Offsets are true, and without overlap nothing is said twice."""
    covered = 0
    for chunk in chunks(text, size, overlap=min(overlap, size - 1), document_type=kind):
        start = chunk.metadata["start_index"]
        assert text[start : start + len(chunk.page_content)] == chunk.page_content
        assert start <= covered if overlap else start == covered
        covered = start + len(chunk.page_content)
    assert covered == (len(text) if text.strip() else 0)


def test_every_article_is_a_chunk_under_its_chapter():
    """Chinese: 章 above 条."""
    found = chunks(BY_NAME["法律"])
    assert headings(found) == [
        None,
        "第一章 总则 > 第一条",
        "第一章 总则 > 第二条",
        "第二章 生产 > 第三条",
        "第二章 生产 > 第四条",
    ]
    assert "罚款" in found[3].page_content


def test_every_article_of_a_regulation_is_a_chunk():
    """English: its title comes on the next line."""
    found = chunks(BY_NAME["statute"])
    assert headings(found)[-3:] == [f"CHAPTER I > Article {number}" for number in (1, 2, 3)]
    assert found[-2].page_content.startswith("Article 2\nDefinitions\n")


def test_titles_of_clauses_are_part_of_the_heading():
    """As contracts have them."""
    assert headings(chunks(BY_NAME["合同"])) == [
        None,
        "第一条 房屋情况",
        "第二条 租金",
        "第三条 违约责任",
    ]


def test_sections_that_begin_with_text_are_named_by_their_number():
    """Not by their first sentence."""
    found = chunks(BY_NAME["sections"])
    assert headings(found) == ["Section 1", "Section 2", "Section 3"]


def test_whether_articles_hold_sections_or_sections_articles_is_seen():
    """Contracts have one, regulations the other."""
    contract = "".join(
        f"ARTICLE {n}\nTerms\nThe parties shall agree.\n\nSection {n}.1. Fee.\nIt shall be.\n\n"
        for n in range(1, 4)
    )
    assert headings(chunks(contract))[1] == "ARTICLE 1 > Section 1.1"
    law = "".join(
        f"Section {n}\nThe party shall obey.\n\nArticle {n}\nIt shall be obeyed.\n\n"
        for n in range(1, 4)
    )
    assert headings(chunks(law))[1] == "Section 1 > Article 1"


def test_a_long_article_is_cut_between_its_sentences_and_keeps_its_name():
    """Never in the middle of 款 or 项 while there is another place."""
    items = "".join(
        f"（{n}）未按照规定标明第{n}种面包的重量和日期的；\n" for n in "一二三四五六七八九"
    )
    text = f"第一条　有下列情形之一的，应当处罚：\n{items}第二条　本办法自公布之日起施行。\n"
    found = chunks(text, 40)
    assert headings(found) == ["第一条"] * (len(found) - 1) + ["第二条"]
    assert len(found) > 3
    assert all(chunk.page_content.endswith("\n") for chunk in found)


def test_a_sentence_about_an_article_begins_none():
    """第三条规定 at the beginning of a line."""
    text = BY_NAME["法律"] + "\n第三条规定的罚款由市场监督部门处理。\n"
    assert headings(chunks(text)) == headings(chunks(BY_NAME["法律"]))


@pytest.mark.parametrize("name", ["support chat", "transcript", "interview bold", "客服", "访谈"])
def test_no_turn_of_a_dialogue_is_cut(name):
    """Chunks begin where somebody begins to speak."""
    text = BY_NAME[name]
    found = chunks(text, 45 if name == "transcript" else 25)
    assert len(found) > 1
    starts = {"Agent", "Customer", "[00:", "**Q", "**A", "客服", "顾客", "记者", "李师傅"}
    for chunk in found:
        assert chunk.page_content.startswith(tuple(starts))


def test_messages_stay_with_who_wrote_them():
    """A chat export has the name on a line of its own."""
    for chunk in chunks(BY_NAME["聊天记录"], 20):
        assert chunk.page_content.startswith(("王芳", "李强"))
        assert chunk.page_content.count("\n") >= 2


def test_a_turn_of_several_paragraphs_stays_one():
    """An empty line does not end what somebody says."""
    text = "Ann: First.\n\nSecond.\n\nBob: Yes.\n\nAnn: Third.\n\nBob: No.\n"
    first, *_ = chunks(text, 8)
    assert first.page_content == "Ann: First.\n\nSecond.\n\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("paper", ["Abstract", "1 Introduction", "2 Methods", "3 Results", "4 Conclusion"]),
        ("论文", ["摘要", "关键词", "1 引言", "2 研究方法", "3 结果与分析", "4 结论"]),
        ("中文编号论文", ["摘要", "关键词", "一、引言", "二、材料与方法", "三、结果", "四、讨论"]),
    ],
)
def test_parts_of_a_paper_are_sections(name, expected):
    """And its references are one of their own."""
    found = chunks(BY_NAME[name])
    last = "References" if name == "paper" else "参考文献"
    assert headings(found) == [None, *expected, last]


def test_no_reference_is_cut():
    """However small the chunks."""
    entries = [
        f"[{n}] Author {n}. A title; with marks? Yes. Journal, {1990 + n}.\n" for n in range(9)
    ]
    text = f"Abstract\nShort.\n\n1 Introduction\nAs shown [1].\n\nReferences\n{''.join(entries)}"
    found = [chunk for chunk in chunks(text, 25) if chunk.metadata["heading"] == "References"]
    assert len(found) > 3
    for entry in entries:
        assert sum(entry in chunk.page_content for chunk in found) == 1


@pytest.mark.parametrize("name", [name for kind, name, _ in TEXTS if kind == "code"])
@pytest.mark.parametrize("overlap", [0, 4])
def test_code_is_cut_between_lines_without_a_file_name(name, overlap):
    """Told by its form alone, however small the chunks, also where they overlap."""
    text = BY_NAME[name]
    for chunk in chunks(text, 5, overlap=overlap):
        start = chunk.metadata["start_index"]
        assert start == 0 or text[start - 1] == "\n"
        assert chunk.page_content.endswith("\n")


def test_python_without_a_file_name_is_cut_at_definitions():
    """With names as headings."""
    assert headings(chunks(BY_NAME["python 中文注释"])) == ["运费"]
    assert headings(chunks(BY_NAME["python"])) == [None, "Store", "Store > __init__", "Store > add"]


TABLES = {
    "bars": "| 名称 | 数量 |\n|---|---|\n"
    + "".join(f"| 苹果。好 {n} | {n} |\n" for n in range(60)),
    "no outer bars": "name | count\n--- | ---\n" + "".join(f"a. b {n} | {n}\n" for n in range(60)),
    "one bar": "|a|b|\n|-|-|\n" + "|x. y|z! w|\n" * 60,
    "grid": "+----+----+\n" + "| a. b | c |\n+----+----+\n" * 40,
    "indented code": "".join(f"    value = call({n}); other. thing\n" for n in range(60)),
    "tabs": "".join(f"\tvalue = call({n}); other. thing\n" for n in range(60)),
    "fence": "```\n" + "a = 1; b = 2. c\n\n" * 60 + "```\n",
    "tildes": "~~~~ python\n" + "a = 1; b = 2. c\n~~~\n" * 40 + "~~~~\n",
    "open fence": "```\n" + "a = 1; b = 2. c\n" * 60,
}


@pytest.mark.parametrize("overlap", [0, 10])
@pytest.mark.parametrize("name", TABLES)
def test_lines_of_tables_and_code_are_never_cut(name, overlap):
    """Wherever in a text they stand."""
    text = f"Some words before it.\n\n{TABLES[name]}\nSome words after it. And more.\n"
    found = chunks(text, 30, overlap=overlap)
    assert len(found) > 3
    for chunk in found:
        start = chunk.metadata["start_index"]
        inside = text.index(TABLES[name]) < start < text.index("Some words after")
        assert not inside or text[start - 1] == "\n"


def test_paragraphs_that_begin_with_blanks_are_still_cut_into_sentences():
    """They are no code: books indent their paragraphs."""
    text = "    " + "This is a sentence of a book. " * 100 + "\n"
    assert len(chunks(text, 50)) > 10


def test_a_kind_can_be_given():
    """Where the reader knows better."""
    text = "第一条　甲。\n第二条　乙。\n"
    assert len(chunks(text, document_type="legal")) == 2
    assert len(chunks(text, document_type=DocumentType.GENERAL)) == 1


def test_an_unknown_kind_is_refused():
    """With those there are."""
    with pytest.raises(ConfigurationError, match=r"'poem'.*dialogue"):
        StructureSplitter(document_type="poem")


LONG = 100_000
ENDLESS = {
    "rule": "a | b\n" + "-|" * LONG + "x\n",
    "dashes": "|" + "-" * LONG + "x\n",
    "blanks in a heading": "# " + " " * LONG + "x",
    "blanks": " " * LONG + "x",
    "wide blanks": "　" * LONG + "x",
    "comments": "/*" * LONG,
    "quotes": '"""' * LONG,
    "brackets": "[" * LONG + "](" * LONG,
    "stars": "**" * LONG + "x",
    "speakers": "A" + " A" * LONG,
    "numbers": "1." * LONG,
    "articles": "第一" * LONG,
    "sentences": '."' * LONG,
    "one word": "字" * LONG,
    "sums": "x = 1" + "+1" * LONG,
    "lines": "\n" * LONG + "x",
    "tables": "|\n" * LONG,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_no_text_takes_for_ever(name):
    """Nor is anything of it lost."""
    text = ENDLESS[name]
    start = time.process_time()
    found = chunks(text)
    assert "".join(chunk.page_content for chunk in found) == text
    assert time.process_time() - start < 10
