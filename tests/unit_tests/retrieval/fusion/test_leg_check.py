"""The leg check: a model that cannot read the text is noticed."""

import random

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_switchyard.retrieval import HybridRetriever, SearchConfig
from langchain_switchyard.retrieval.fusion.leg_check import UNCHECKED_FEW, LegCheck

WORDS = [f"word{number}" for number in range(400)]


def documents(count, seed=1):
    """Random but distinct texts."""
    rng = random.Random(seed)
    return [
        Document(id=str(number), page_content=" ".join(rng.sample(WORDS, 30)))
        for number in range(count)
    ]


def test_a_model_that_reads_nothing_gets_no_weight_and_a_note():
    """Its ranking does not spoil the other leg's."""
    texts = documents(80)
    retriever = HybridRetriever.from_documents(texts, DeterministicFakeEmbedding(size=32))
    result = retriever.search(texts[5].page_content[:60], k=3)
    assert result[0].id == "5"
    assert result.weights["dense"] == 0
    assert any("does not seem to read" in note for note in result.notes)


def test_a_model_that_reads_well_gets_most_of_the_weight(embeddings):
    """And no warning."""
    retriever = HybridRetriever.from_documents(documents(80), embeddings)
    result = retriever.search("word7 word8")
    assert result.weights["dense"] > 0.6
    assert result.notes == ()


def test_few_documents_are_not_checked(embeddings):
    """Too easy to tell anything."""
    retriever = HybridRetriever.from_documents(documents(9), embeddings)
    assert retriever.index.check is None
    assert retriever.index.dense_weight == UNCHECKED_FEW


def test_the_check_is_stored_and_made_again_when_the_index_doubles(tmp_path, embeddings):
    """Not at every opening."""
    retriever = HybridRetriever.from_documents(documents(60), embeddings, path=tmp_path)
    first = retriever.index.check
    retriever.close()
    embeddings.embedded.clear()
    again = HybridRetriever.open(tmp_path, embeddings)
    assert again.index.check == first
    assert embeddings.embedded == []
    again.add_documents(documents(130, seed=2))
    assert again.index.check.documents == 130


def test_the_weight_grows_with_what_the_leg_finds_of_what_words_find():
    """Among many: nothing up to 0.4 of it, 0.85 from 0.7 on, a straight line between."""
    points = {0.0: 0.0, 0.22: 0.0, 0.4: 0.0, 0.5: 0.85 / 3, 0.7: 0.85, 1.0: 0.85}
    for found, weight in points.items():
        assert LegCheck(found, 1.0, 2_000).weight == pytest.approx(weight, abs=0.01)
        assert LegCheck(found / 2, 0.5, 2_000).weight == pytest.approx(weight, abs=0.01)


def test_few_documents_must_be_found_better_because_they_are_easy_to_find():
    """The same figure counts for less, and a leg that guesses finds nothing."""
    weights = [LegCheck(0.7, 1.0, size).weight for size in (60, 100, 200, 400)]
    assert weights == sorted(weights)
    assert weights[0] < 0.45
    assert weights[-1] == pytest.approx(0.85, abs=0.03)
    guessing = sum(1 / rank for rank in range(1, 11)) / 60
    assert LegCheck(guessing, 1.0, 60).weight == 0


def test_few_documents_leave_the_weight_near_the_cautious_one():
    """Neither 0 nor nearly 1 is believed on the word of ten documents."""
    bad, good = LegCheck(0.3, 1.0, 10), LegCheck(1.0, 1.0, 10)
    assert bad.weight == pytest.approx(0.2)
    assert good.weight == pytest.approx(0.625)
    assert "does not seem to read" in bad.warning
    assert "its weight is 0.2" in bad.warning
    assert good.warning == ""


def test_a_model_that_reads_nothing_is_noticed_among_twenty_documents():
    """From ten on, several passages of each are looked for."""
    retriever = HybridRetriever.from_documents(documents(20), DeterministicFakeEmbedding(size=32))
    result = retriever.search("word7 word8")
    assert any("does not seem to read" in note for note in result.notes)
    assert result.weights["dense"] < 0.25


def test_what_was_not_checked_is_said(embeddings):
    """Below ten documents; not where weights were given, or one leg searches alone."""
    retriever = HybridRetriever.from_documents(documents(9), embeddings)
    assert any("nobody checked" in note for note in retriever.search("word7 word8").notes)
    for config in (
        SearchConfig(vector_weight=0.5),
        SearchConfig(strategy="lexical"),
        SearchConfig(strategy="dense"),
    ):
        sure = retriever.model_copy(update={"config": config})
        assert not any("nobody checked" in note for note in sure.search("word7").notes)


def test_where_even_words_find_nothing_the_dense_leg_is_taken_at_its_word():
    """No division by nothing; a model that finds nothing either gets no weight."""
    assert LegCheck(0.5, 0.0, 2_000).weight == 0.85
    assert LegCheck(0.0, 0.0, 2_000).weight == 0.0


def test_exactly_the_legs_without_weight_are_reported():
    """The reader learns what was found, and what to do."""
    assert LegCheck(0.41, 1.0, 2_000).warning == ""
    warning = LegCheck(0.38, 0.97, 2_000).warning
    assert "0.38" in warning
    assert "0.97" in warning
    assert "Use a model of the documents' language" in warning
