"""What kind of document a text is, told by its form."""

import pytest

from langchain_switchyard.retrieval.documents.document_type import DocumentType, detect_type
from tests.unit_tests.retrieval.documents.typed_texts import TEXTS


@pytest.mark.parametrize(("kind", "name", "text"), TEXTS, ids=[name for _, name, _ in TEXTS])
def test_every_kind_is_told(kind, name, text):
    """In English and Chinese, with evidence."""
    found = detect_type(text)
    assert found.type == kind, (name, found)
    assert found.type is DocumentType(kind)
    assert 0.5 <= found.confidence <= 1
    assert found.why
    assert all(found.why)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("src/App.tsx", "code"),
        ("settings.yaml", "code"),
        ("notes.md", "markdown"),
        ("NOTES.MD", "markdown"),
        ("notes.txt", "general"),
        (None, "general"),
    ],
)
def test_the_name_of_a_file_counts_where_its_text_says_nothing(source, kind):
    """Endings of programs decide alone."""
    assert detect_type("Only a few words, 几个字。", source).type == kind


def test_a_law_in_a_markdown_file_is_a_law():
    """What a text shows is more than how its file is called."""
    text = "# 面包法\n\n## 第一章 总则\n\n第一条　面包应当新鲜。\n\n第二条　违反规定的，处罚款。\n"
    assert detect_type(text, "law.md").type == "legal"


def test_a_guide_that_shows_code_is_no_program():
    """Fenced or not."""
    text = (
        "# Use\n\n```python\nimport os\n\ndef f():\n    return os.getcwd()\n```\n\nThat is all.\n"
    )
    assert detect_type(text).type == "markdown"
    assert detect_type("import os\n\nx = os.getcwd()\n", "a.md").type == "markdown"


@pytest.mark.parametrize("text", ["", " \n\t\n", "\u3000"])
def test_nothing_is_general(text):
    """With full confidence: there is nothing else it could be."""
    assert detect_type(text).type is DocumentType.GENERAL
    assert detect_type(text).confidence == 1.0


def test_settings_and_forms_are_no_dialogue():
    """Their keys do not return."""
    for text in (
        "name: Ann\nage: 7\ntown: Elm\n",
        "姓名：王芳\n年龄：三十\n城市：北京\n电话：无\n",
    ):
        assert detect_type(text).type == "general"


def test_the_middle_of_a_long_document_costs_nothing():
    """Its beginning and its end are looked at."""
    text = (
        "Just words in a line.\n" * 400
        + "第一条　甲。\n第二条　乙。\n" * 5_000
        + "The end.\n" * 100
    )
    assert detect_type(text).type == "general"
