"""The retriever: both legs, their failures, filters, sync and async."""

import asyncio
import threading

import pytest
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, SearchConfig

DOCUMENTS = [
    Document(
        id="law", page_content="合同法规定了违约责任。", metadata={"lang": "zh", "year": 2020}
    ),
    Document(
        id="cat", page_content="Cats sleep most of the day.", metadata={"lang": "en", "year": 2021}
    ),
    Document(id="dog", page_content="Dogs run in the park.", metadata={"lang": "en", "year": 2022}),
]


@pytest.fixture
def lexical():
    """Without embeddings."""
    return HybridRetriever.from_documents(DOCUMENTS)


@pytest.fixture
def hybrid(embeddings):
    """With both legs."""
    return HybridRetriever.from_documents(DOCUMENTS, embeddings)


def test_chinese_and_english_are_found(lexical):
    """Inflected and unsegmented."""
    assert lexical.invoke("违约", k=1)[0].id == "law"
    assert lexical.invoke("sleeping cat", k=1)[0].id == "cat"


def test_unknown_words_find_nothing_without_a_dense_leg(lexical):
    """No noise."""
    assert lexical.invoke("quantum") == []


def test_k_of_the_call_wins_over_the_retrievers(hybrid):
    """Sync and async."""
    assert len(hybrid.invoke("the park", k=2)) == 2
    assert len(asyncio.run(hybrid.ainvoke("the park", k=1))) == 1


def test_hits_tell_how_they_were_found(hybrid):
    """Ranks, scores and weights of both legs."""
    result = hybrid.search("dogs in the park")
    assert result[0].id == "dog"
    assert result[0].rank == 1
    assert result[0].legs["lexical"].rank == result[0].legs["dense"].rank == 1
    assert "lexical #1" in result[0].explanation
    assert sum(result.weights.values()) == pytest.approx(1)
    assert "score" not in result[0].document.metadata


async def test_async_finds_what_sync_finds(hybrid):
    """To the last digit of the order."""
    found = await hybrid.asearch("dogs sleep", k=3)
    assert [hit.id for hit in found] == [hit.id for hit in hybrid.search("dogs sleep", k=3)]


@pytest.mark.parametrize("strategy", ["lexical", "dense"])
def test_a_single_strategy_uses_one_leg(embeddings, strategy):
    """Only that one appears in the hits."""
    retriever = HybridRetriever.from_documents(
        DOCUMENTS, embeddings, config=SearchConfig(strategy=strategy)
    )
    assert set(retriever.search("dogs")[0].legs) == {strategy}


@pytest.mark.parametrize("fusion", ["corpus_z", "tmm", "min_max", "dbsf", "rrf"])
def test_every_fusion_puts_the_agreed_document_first(embeddings, fusion):
    """Where both legs agree there is nothing to argue."""
    config = SearchConfig(fusion=fusion)
    retriever = HybridRetriever.from_documents(DOCUMENTS, embeddings, config=config)
    assert retriever.search("dogs run")[0].id == "dog"


def test_weights_decide(embeddings):
    """With all weight on one leg its order is the result's."""
    texts = [Document(id=name, page_content=name * 3) for name in ("ab ", "cd ")]
    for weights in ({"vector_weight": 1, "keyword_weight": 0}, {"vector_weight": 0}):
        config = SearchConfig(**weights)
        retriever = HybridRetriever.from_documents(texts, embeddings, config=config)
        assert retriever.search("cd")[0].id == "cd "


@pytest.mark.parametrize("strategy", ["hybrid", "lexical", "dense"])
def test_filters_hold_in_every_leg(embeddings, strategy):
    """No document outside the filter appears."""
    config = SearchConfig(strategy=strategy)
    retriever = HybridRetriever.from_documents(DOCUMENTS, embeddings, config=config)
    assert {d.id for d in retriever.invoke("cats dogs 合同", filter={"lang": "en"})} == {
        "cat",
        "dog",
    }
    assert [d.id for d in retriever.invoke("dogs", filter={"year": {"$gte": 2022}})] == ["dog"]


@pytest.mark.parametrize("broken", ["lexical", "dense"])
async def test_a_failing_leg_leaves_the_other_and_is_named(hybrid, monkeypatch, broken):
    """Sync and async."""

    def fail(*_, **__):
        raise ConnectionError("leg is down")

    target = hybrid.index.lexical if broken == "lexical" else hybrid.index.dense
    monkeypatch.setattr(target, "match" if broken == "lexical" else "search", fail)
    for result in (hybrid.search("dogs run"), await hybrid.asearch("dogs run")):
        assert result[0].id == "dog"
        assert broken not in result.weights
        assert any(f"the {broken} leg is missing: ConnectionError" in note for note in result.notes)


def test_when_every_leg_fails_the_error_is_raised(hybrid, monkeypatch):
    """An empty answer would be a lie."""

    def fail(*_, **__):
        raise ConnectionError("down")

    monkeypatch.setattr(hybrid.index.lexical, "match", fail)
    monkeypatch.setattr(hybrid.index.dense, "search", fail)
    with pytest.raises(ConnectionError):
        hybrid.search("dogs")


async def test_a_leg_over_its_budget_is_left_out(embeddings, monkeypatch):
    """It does not hold up the answer."""
    config = SearchConfig(leg_timeout=0.05)
    retriever = HybridRetriever.from_documents(DOCUMENTS, embeddings, config=config)
    release = threading.Event()
    monkeypatch.setattr(embeddings, "embed_query", lambda _: release.wait(10) and [0.0] * 256)
    try:
        for result in (retriever.search("dogs run"), await retriever.asearch("dogs run")):
            assert result[0].id == "dog"
            assert any("dense leg is missing: TimeoutError" in note for note in result.notes)
    finally:
        release.set()


def test_legs_run_at_the_same_time(hybrid, monkeypatch):
    """Each waits for the other to have started."""
    barrier = threading.Barrier(2, timeout=5)
    for target, name in ((hybrid.index.lexical, "match"), (hybrid.index.dense, "search")):
        original = getattr(target, name)

        def together(*args, original=original):
            barrier.wait()
            return original(*args)

        monkeypatch.setattr(target, name, together)
    assert hybrid.search("dogs")[0].id == "dog"


def test_a_dense_leg_that_takes_no_time_needs_no_thread(hybrid, monkeypatch):
    """Once known; when it becomes slow it gets its thread back."""
    seen, tick = [], iter(range(100))
    original = hybrid.index.dense.search

    def search(*args):
        seen.append(threading.current_thread() is threading.main_thread())
        return original(*args)

    monkeypatch.setattr(hybrid.index.dense, "search", search)
    hybrid._runner.clock = lambda: 0.0
    hybrid.search("dogs")
    hybrid.search("dogs")
    hybrid._runner.clock = lambda: float(next(tick))
    hybrid.search("dogs")
    hybrid.search("dogs")
    assert seen == [False, True, True, False]


def test_equal_scores_are_ordered_by_id():
    """Not by the order of adding."""
    texts = [Document(id=name, page_content="same words") for name in "cab"]
    found = HybridRetriever.from_documents(texts).search("same", k=2)
    assert [hit.id for hit in found] == ["a", "b"]


def test_an_empty_index_finds_nothing(embeddings):
    """In either mode."""
    assert HybridRetriever.from_documents([]).invoke("x") == []
    assert HybridRetriever.from_documents([], embeddings).invoke("x") == []


def test_texts_can_be_indexed_directly():
    """With metadata beside them."""
    retriever = HybridRetriever.from_texts(["one", "two"], [{"n": 1}, {"n": 2}])
    assert retriever.invoke("two")[0].metadata == {"n": 2}


def test_many_threads_search_while_one_writes(embeddings):
    """No error, and no document that was deleted before the search began."""
    retriever = HybridRetriever.from_documents(DOCUMENTS, embeddings)
    retriever.delete(["cat"])
    errors, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            try:
                assert "cat" not in {hit.id for hit in retriever.search("cats dogs new", k=10)}
            except Exception as error:  # noqa: BLE001 - reported below.
                errors.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(150):
        retriever.add_documents([Document(id=f"n{number % 20}", page_content=f"new {number}")])
        retriever.delete([f"n{(number * 7) % 20}"])
    stop.set()
    for reader in readers:
        reader.join()
    assert errors == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"strategy": "magic"},
        {"fusion": "magic"},
        {"depth": 0},
        {"leg_timeout": 0},
        {"vector_weight": -1},
        {"vector_weight": 0, "keyword_weight": 0},
    ],
)
def test_impossible_configurations_are_refused(wrong):
    """Where they are made."""
    with pytest.raises(ConfigurationError):
        SearchConfig(**wrong)


def test_documents_that_are_gone_from_an_iterable_are_gone_from_the_retriever():
    """The whole of a scope is given each time."""
    apple, pear = Document("an apple", id="a"), Document("a pear", id="b")
    retriever = HybridRetriever.from_documents([])
    retriever.sync_documents([apple, pear])
    retriever.sync_documents([pear])

    assert [hit.document.id for hit in retriever.search("apple pear")] == ["b"]


def test_an_engine_is_not_kept_in_step_by_marks_it_does_not_have():
    """What to do instead is said."""
    retriever = HybridRetriever.from_documents([], backend="rank_bm25")

    with pytest.raises(ConfigurationError, match=r"sync_documents keeps marks .* add_documents"):
        retriever.sync_documents([])
    with pytest.raises(ConfigurationError, match=r"sync_folder keeps marks .* add_documents"):
        retriever.sync_folder(".")
