"""Neighbours and sections of a found chunk."""

import pytest
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import (
    HybridRetriever,
    Index,
    StructureSplitter,
    section,
    surroundings,
    sync_folder,
)

SENTENCES = [f"Sentence about topic{chr(97 + number)} comes here. " for number in range(20)]
TEXT = f"# One\n\n{''.join(SENTENCES)}\n\n# Two\n\nunrelated zebra\n"


@pytest.fixture
def index(tmp_path):
    """One file in small chunks."""
    (tmp_path / "a.md").write_text(TEXT)
    (tmp_path / "b.md").write_text("# One\n\nother file\n")
    index = Index()
    sync_folder(index, tmp_path, StructureSplitter(size=25))
    return index


def found(index, query):
    """The best chunk."""
    return HybridRetriever(index=index).invoke(query, k=1)[0]


def test_neighbours_are_joined_to_the_files_own_text(index):
    """Exactly as it stands there, with the place it starts at."""
    chunk = found(index, "topicj")
    near = surroundings(index, chunk, reach=1)
    start = near.metadata["start_index"]
    assert TEXT[start : start + len(near.page_content)] == near.page_content
    assert chunk.page_content in near.page_content
    assert len(chunk.page_content) < len(near.page_content) < len(TEXT)
    assert near.id == chunk.id


def test_a_long_reach_stays_in_the_file(index):
    """All of it, and nothing of another."""
    assert surroundings(index, found(index, "topica"), reach=99).page_content == TEXT


def test_a_section_is_everything_under_its_heading(index):
    """And nothing under the next."""
    whole = section(index, found(index, "topicj"))
    assert all(sentence.strip() in whole.page_content for sentence in SENTENCES)
    assert "zebra" not in whole.page_content
    assert section(index, found(index, "zebra")).page_content == "# Two\n\nunrelated zebra\n"


def test_a_document_without_a_file_comes_back_unchanged(index):
    """There is nothing around it."""
    alone = Document(id="x", page_content="alone")
    index.add_documents([alone])
    assert surroundings(index, alone) == alone
    assert section(index, alone) == alone


@pytest.mark.parametrize("look", [section, surroundings])
def test_a_retriever_in_place_of_its_index_is_an_error_that_says_so(index, look):
    """The two are easily mistaken."""
    chunk = found(index, "topicj")
    with pytest.raises(ConfigurationError, match=r"HybridRetriever: give a retriever's \.index"):
        look(HybridRetriever(index=index), chunk)
