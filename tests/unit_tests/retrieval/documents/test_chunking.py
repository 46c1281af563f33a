"""Chunks: structure kept, nothing lost, everything citable."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.documents.chunking import StructureSplitter, approximate_tokens

PART = st.sampled_from(
    [
        *(
            "# 一\n",
            "## Two\n",
            "\n",
            "\n\n",
            "word ",
            "中文句子。",
            "，",
            "```\ncode\n\nmore\n```\n",
        ),
        *(
            "|a|b|\n|-|-|\n",
            "- item\n",
            " ",
            "\t",
            "长" * 90,
            "x" * 300,
            "第一章 总则\n",
            "?!",
            "~~~\n",
        ),
        *(
            "def f():\n    pass\n\n",
            "class A:\n    def m(self):\n        x\n",
            "\r\n",
            "\f",
            "“好。”",
        ),
    ]
)


def chunks(text, size=50, overlap=0, source="a.md", **metadata):
    """Split one text."""
    document = Document(page_content=text, metadata={"source": source, **metadata})
    return StructureSplitter(size, overlap).split_documents([document])


@settings(max_examples=300, deadline=None)
@given(st.lists(PART, max_size=40).map("".join), st.sampled_from(["a.md", "a.py", "a.txt", "a.sh"]))
def test_chunks_add_up_to_the_text(text, source):
    """Lossless, and every offset is right."""
    found = chunks(text, source=source)
    assert "".join(chunk.page_content for chunk in found) == (text if text.strip() else "")
    for chunk in found:
        start = chunk.metadata["start_index"]
        assert text[start : start + len(chunk.page_content)] == chunk.page_content


@settings(max_examples=100, deadline=None)
@given(st.lists(PART, max_size=40).map("".join))
def test_overlapping_chunks_still_have_true_offsets(text):
    """And still cover everything."""
    covered = 0
    for chunk in chunks(text, overlap=20):
        start = chunk.metadata["start_index"]
        assert start <= covered
        assert text[start : start + len(chunk.page_content)] == chunk.page_content
        covered = start + len(chunk.page_content)
    assert covered == (len(text) if text.strip() else 0)


def test_ids_are_unique_and_survive_changes_elsewhere():
    """A change in one section leaves the ids of the others."""
    text = "# A\n\nalpha\n\n# B\n\nbeta\n\n# B\n\nbeta\n"
    before = [chunk.id for chunk in chunks(text)]
    after = [chunk.id for chunk in chunks(text.replace("alpha", "a much longer alpha"))]
    assert len(set(before)) == 3
    assert before[1:] == after[1:]
    assert before[0] != after[0]


def test_headings_become_context_and_are_never_crossed():
    """The path from the outermost heading, per chunk."""
    found = chunks("# Guide\n\nintro\n\n## Install\n\nrun it\n\n# 附录\n\n结束。\n")
    assert [chunk.metadata["heading"] for chunk in found] == ["Guide", "Guide > Install", "附录"]
    assert "run it" not in found[0].page_content


def test_a_heading_without_a_body_stays_with_what_follows():
    """No chunk of a bare title."""
    found = chunks("# Guide\n\n## Install\n\nrun it\n")
    assert [chunk.page_content for chunk in found] == ["# Guide\n\n## Install\n\nrun it\n"]


def test_chinese_sentences_end_their_chunks():
    """。 stays with its sentence, closing quotes, too."""
    text = "他说：“今天下雨了。”我们回家。" * 30
    for chunk in chunks(text)[:-1]:
        assert chunk.page_content[-1] in "。”"
    assert all(not chunk.page_content.startswith(("。", "”")) for chunk in chunks(text))


def test_code_and_tables_are_cut_between_lines_only():
    """Even when they are far too long."""
    code = (
        "```\n"
        + "".join(f"value_{number} = compute({number})\n" for number in range(200))
        + "```\n"
    )
    table = "".join(f"| 行{number} | 值{number} |\n" for number in range(200))
    for text in (code, table):
        found = chunks(text)
        assert len(found) > 5
        assert all(chunk.page_content.endswith("\n") for chunk in found)


def test_a_code_block_of_up_to_two_sizes_stays_whole():
    """Better a long chunk than half a function."""
    code = "```\n" + "x = 1\n" * 45 + "```\n"
    found = chunks("Before.\n\n" + code + "\nAfter.\n")
    assert sum("x = 1" in chunk.page_content for chunk in found) == 1


def test_python_is_cut_at_definitions():
    """With decorators and comments above, and the class's name as context."""
    function = "# why\n@wrap\ndef f():\n    return 1\n\n"
    text = f"import os\n\n{function}class A:\n    def m(self):\n        pass\n"
    found = chunks(text, source="a.py")
    assert [chunk.metadata.get("heading") for chunk in found] == [None, "f", "A", "A > m"]
    assert found[1].page_content.startswith("# why\n@wrap\ndef f")
    assert [chunk.metadata["line"] for chunk in found] == [1, 3, 8, 9]


def test_other_code_is_cut_between_definitions():
    """A comment in a script is not a heading."""
    text = "#!/bin/sh\n# set up\n\n" + "".join(
        f"f{number}() {{\n  echo one\n\n  echo two\n}}\n\n" for number in range(20)
    )
    found = chunks(text, source="a.sh")
    assert len(found) > 3
    assert all("heading" not in chunk.metadata for chunk in found)
    assert all(chunk.page_content.startswith("f") for chunk in found[1:])


def test_python_that_does_not_parse_is_still_split():
    """As lines of code."""
    text = "def broken(:\n" + "    x = 1\n" * 200
    assert "".join(chunk.page_content for chunk in chunks(text, source="b.py")) == text


def test_lines_count_from_the_documents_own_first_line():
    """For citations."""
    found = chunks("# A\n\none\n\n# B\n\ntwo\n", line=11)
    assert [chunk.metadata["line"] for chunk in found] == [11, 15]


def test_sizes_are_kept_for_prose():
    """No chunk of plain sentences exceeds the size by more than a small rest."""
    text = "Words are here. " * 400 + "中文也在这里。" * 400
    sizes = [approximate_tokens(chunk.page_content) for chunk in chunks(text)]
    assert max(sizes) <= 50 * 4 / 3


def test_the_callers_metadata_is_kept_and_not_shared():
    """A copy per chunk."""
    found = chunks("# A\n\none\n\n# B\n\ntwo\n", author="me")
    found[0].metadata["author"] = "you"
    assert found[1].metadata["author"] == "me"


def test_empty_documents_give_no_chunks():
    """Nothing to find in white space."""
    assert chunks("") == chunks(" \n\n ") == []


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (10, 10), (10, -1)])
def test_impossible_sizes_are_refused(size, overlap):
    """Before anything is split."""
    with pytest.raises(ConfigurationError):
        StructureSplitter(size, overlap)


@pytest.mark.parametrize("part", ["# h\n", "## a\n\n", "# h\ntext\n"])
def test_many_headings_take_no_longer_than_other_lines(part):
    """Twice as many take about twice as long, not four times."""
    text = part * 50_000
    began = time.process_time()
    assert "".join(StructureSplitter().split_text(text)) == text
    assert time.process_time() - began < 10


def test_many_comments_take_no_longer_than_other_lines():
    """Those above a definition belong to it, however many they are."""
    text = "# c\n" * 50_000 + "def f():\n    pass\n"
    began = time.process_time()
    (document,) = [Document(page_content=text, metadata={"source": "a.py"})]
    chunks = StructureSplitter().split_documents([document])
    assert "".join(chunk.page_content for chunk in chunks) == text
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "part", ["Word and words. More of them.\n\n", "今天去公园。", "| a | b |\n"]
)
def test_an_overlap_costs_the_same_wherever_it_is(part):
    """At the end of a long section as at its beginning."""
    began = time.process_time()
    chunks = StructureSplitter(100, overlap=20).split_text(part * 20_000)
    assert time.process_time() - began < 10
    assert len(set(map(len, chunks[2:-1]))) < 5


def test_white_space_alone_gives_no_chunk():
    """There is nothing to find in it."""
    assert StructureSplitter().split_text(" \n\n\t") == []
