"""RefinedRetriever: rewriting, parallel searches, fusing, reranking; traced, sync and async."""

import asyncio
import threading

import pytest
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.tracers.base import BaseTracer
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_tests.integration_tests import RetrieversIntegrationTests
from pydantic import ConfigDict, Field, ValidationError

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import (
    CrossEncoderRerank,
    HistoryRewrite,
    HybridRetriever,
    ListwiseRerank,
    MultiQuery,
    ProximityRerank,
    RefinedRetriever,
    SearchResult,
    as_context,
)
from langchain_switchyard.testing import Fail, ScriptedChatModel

DOCUMENTS = [
    Document(
        id="law", page_content="合同法规定了违约责任和违约金的上限。", metadata={"lang": "zh"}
    ),
    Document(id="deposit", page_content="定金与违约金不能同时主张。", metadata={"lang": "zh"}),
    Document(id="cat", page_content="Cats sleep most of the day.", metadata={"lang": "en"}),
    Document(id="dog", page_content="Dogs sleep less than cats do.", metadata={"lang": "en"}),
    Document(id="twin", page_content="Dogs sleep less than cats do.", metadata={"lang": "en"}),
]


class Foreign(BaseRetriever):
    """Somebody else's: no scores, no ``k``, no ids, and a list for each query."""

    found: dict[str, list[Document]]
    asked: list[str] = Field(default_factory=list)

    def _get_relevant_documents(self, query, *, run_manager):
        self.asked.append(query)
        if query not in self.found:
            raise ConnectionError(f"no index for {query}")
        return self.found[query]


class Reverses(BaseDocumentCompressor):
    """A foreign compressor: turns the order round, drops one, writes no score."""

    def compress_documents(self, documents, query, callbacks=None):
        return list(documents)[:0:-1]


class PrefersLong:
    """A cross-encoder that likes long texts."""

    def predict(self, pairs):
        """One score per pair."""
        return [float(len(text)) for _, text in pairs]


def plain(*texts):
    """Documents without ids."""
    return [Document(page_content=text) for text in texts]


def ids(found):
    """In order."""
    return [each.id for each in found]


@pytest.fixture
def ours():
    """A retriever with scores."""
    return HybridRetriever.from_documents(DOCUMENTS)


async def searched(retriever, query, **options):
    """The result of all four faces, which must agree; returns the synchronous search's."""
    found = retriever.search(query, **options)
    assert ids(await retriever.asearch(query, **options)) == ids(found)
    assert ids(retriever.invoke(query, **options)) == ids(found)
    assert ids(await retriever.ainvoke(query, **options)) == ids(found)
    return found


async def test_bare_it_is_the_retriever_inside(ours):
    """Same hits, same scores, same explanations; nothing in the metadata."""
    found = await searched(RefinedRetriever(retriever=ours, k=3), "sleeping cats")
    expected = ours.search("sleeping cats", k=3)
    assert [(h.id, h.score, h.rank, h.explanation) for h in found] == [
        (h.id, h.score, h.rank, h.explanation) for h in expected
    ]
    assert found[0].document.metadata == {"lang": "en"}
    assert found.queries == ("sleeping cats",)
    assert found.weights == expected.weights


async def test_a_reranker_chooses_among_the_candidates(ours):
    """Its score is the hit's; the legs stay; the explanation tells the way."""
    retriever = RefinedRetriever(retriever=ours, compressor=CrossEncoderRerank(PrefersLong()), k=1)
    found = await searched(retriever, "cats")
    assert found[0].text == "Dogs sleep less than cats do."
    assert found[0].score == found[0].document.metadata["relevance_score"] == len(found[0].text)
    assert found[0].legs["lexical"].rank
    assert "CrossEncoderRerank #1" in found[0].explanation
    assert "it was #" in found[0].explanation
    assert "given to CrossEncoderRerank" in found.explanation
    assert ours.search("cats")[0].document.metadata == {"lang": "en"}


async def test_a_compressor_sees_the_first_search_s_scores_and_they_pass_for_nobody_s(ours):
    """One that writes none leaves none; its order is the order, what it drops is gone."""
    retriever = RefinedRetriever(retriever=ours, compressor=Reverses(), k=4)
    found = await searched(retriever, "cats sleep")
    assert ids(found) == ids(ours.search("cats sleep"))[:0:-1]
    assert all("relevance_score" not in hit.document.metadata for hit in found)
    assert [hit.score for hit in found] == [1 / (n + 1) for n in range(len(found))]


async def test_a_failing_reranker_leaves_hits_as_they_were_found(ours):
    """Scores and order of the first search, and a note."""
    model = ScriptedChatModel(script=Fail(ConnectionError("down")))
    retriever = RefinedRetriever(retriever=ours, compressor=ListwiseRerank(model), k=2)
    found = await searched(retriever, "cats sleep")
    assert [(hit.id, hit.score) for hit in found] == [
        (hit.id, hit.score) for hit in ours.search("cats sleep", k=2)
    ]
    assert "given order stands" in found.notes[0]
    assert "relevance_score" not in found[0].document.metadata
    assert "#" not in found[0].explanation.partition("lexical")[0]


async def test_the_query_that_is_meant_is_searched_and_reranked(ours):
    """Not the "它" that was said; the history may be given as tuples."""
    read = []

    class Reads(PrefersLong):
        def predict(self, pairs):
            read.extend(query for query, _ in pairs)
            return super().predict(pairs)

    retriever = RefinedRetriever(
        retriever=ours, rewrite=HistoryRewrite(), compressor=CrossEncoderRerank(Reads())
    )
    for history in (
        [HumanMessage("合同法的违约金怎么算？"), AIMessage("……")],
        [("user", "合同法的违约金怎么算？"), ("assistant", "……")],
    ):
        found = await searched(retriever, "它的上限呢？", history=history)
        assert found.queries == ("合同法的违约金怎么算？ 的上限",)
        assert found[0].id == "law"
    assert set(read) == {"合同法的违约金怎么算？ 的上限"}


async def test_several_queries_are_fused_and_no_document_comes_twice(ours):
    """Each hit tells its place on each list; equal texts with two ids are two documents."""
    rewrite = MultiQuery(ScriptedChatModel(script="dogs\n违约金"))
    found = await searched(RefinedRetriever(retriever=ours, rewrite=rewrite, k=9), "cats")
    assert sorted(ids(found)) == ["cat", "deposit", "dog", "law", "twin"]
    assert found.queries == ("cats", "dogs", "违约金")
    by_id = {hit.id: hit for hit in found}
    assert "query 1 #1, query 2 not listed, query 3 not listed" in by_id["cat"].explanation
    assert {found[0].id, found[1].id} == {"dog", "twin"}
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert [hit.rank for hit in found] == [1, 2, 3, 4, 5]


async def test_a_foreign_retriever_does_as_well():
    """Without ids the text and metadata tell; what it gives twice comes once."""
    other = Document(page_content="b", metadata={"source": "other"})
    inner = Foreign(found={"q": plain("a", "b", "a"), "p": [*plain("b", "c"), other]})
    retriever = RefinedRetriever(retriever=inner, rewrite=lambda query, history: ["q", "p"], k=9)
    found = retriever.search("q")
    assert [(hit.text, hit.document.metadata) for hit in found] == [
        ("b", {}), ("a", {}), ("c", {}), ("b", {"source": "other"}),
    ]  # fmt: skip
    assert retriever.invoke("q") == [hit.document for hit in found]
    assert await retriever.ainvoke("q") == [hit.document for hit in found]
    alone = RefinedRetriever(retriever=inner, k=9).search("q")
    assert [(hit.text, hit.score) for hit in alone] == [("a", 1.0), ("b", 0.5)]


async def test_a_vector_store_s_retriever_is_told_how_many(embeddings):
    """LangChain's own, which takes ``k`` and ``filter`` among its keyword arguments."""
    store = InMemoryVectorStore(embeddings)
    store.add_documents(DOCUMENTS)
    retriever = RefinedRetriever(
        retriever=store.as_retriever(), compressor=ProximityRerank(), k=5, candidates=5
    )
    assert len(await searched(retriever, "cats sleep")) == 5
    english = await searched(
        retriever, "cats sleep", filter=lambda document: document.metadata["lang"] == "en"
    )
    assert {hit.id for hit in english} == {"cat", "dog", "twin"}


class TakesK(BaseRetriever):
    """Somebody else's that names ``k``, and nothing else."""

    def _get_relevant_documents(self, query, *, run_manager, k=1):
        return plain(*"abcdef"[:k])


def test_a_retriever_that_names_k_is_told_it_and_nothing_else():
    """Its signature is its word."""
    retriever = RefinedRetriever(retriever=TakesK(), k=3)
    assert len(retriever.invoke("q")) == 3
    with pytest.raises(ConfigurationError, match="TakesK takes no filter"):
        retriever.invoke("q", filter={})


async def test_a_query_that_fails_is_left_out_and_it_is_said(caplog):
    """The others answer; their numbers stay."""
    inner = Foreign(found={"q": plain("a"), "p": plain("b")})
    retriever = RefinedRetriever(
        retriever=inner, rewrite=lambda query, history: ["q", "broken", "p"]
    )
    for found in (retriever.search("q"), await retriever.asearch("q")):
        assert [hit.text for hit in found] == ["a", "b"]
        assert "'broken' failed: ConnectionError" in found.notes[0]
        assert "query 1 not listed, query 2 not listed, query 3 #1" in found[1].explanation
    assert "broken" in caplog.text


@pytest.mark.parametrize("queries", [["x"], ["x", "y"]])
async def test_when_every_search_fails_the_error_is_raised(queries):
    """An empty answer would be a lie."""
    retriever = RefinedRetriever(retriever=Foreign(found={}), rewrite=lambda *_: queries)
    with pytest.raises(ConnectionError, match="no index for x"):
        retriever.search("q")
    with pytest.raises(ConnectionError, match="no index for x"):
        await retriever.asearch("q")


async def test_a_rewrite_may_be_any_function():
    """Plain, asynchronous, or an object without an asynchronous form."""

    async def later(query, history):
        return [f"{query}!"]

    class Shouts:
        def rewrite(self, query, history=()):
            return f"{query}!"

    inner = Foreign(found={"q!": plain("a")})
    for rewrite in (lambda query, history: [f"{query}!"], Shouts()):
        retriever = RefinedRetriever(retriever=inner, rewrite=rewrite)
        assert retriever.search("q").queries == ("q!",)
        assert (await retriever.asearch("q")).queries == ("q!",)
    asynchronous = RefinedRetriever(retriever=inner, rewrite=later)
    assert (await asynchronous.asearch("q")).queries == ("q!",)
    with pytest.raises(ConfigurationError, match="use ainvoke or asearch"):
        asynchronous.search("q")


def test_a_rewrite_that_gives_nothing_or_too_much_is_bounded():
    """The plain query, or the first dozen; a query that repeats is searched once."""
    inner = Foreign(found={str(n): plain(str(n)) for n in range(100)})
    none = RefinedRetriever(retriever=inner, rewrite=lambda *_: [" ", ""]).search("7")
    assert none.queries == ("7",)
    assert "plain one" in none.notes[0]
    many = RefinedRetriever(retriever=inner, rewrite=lambda *_: [str(n) for n in range(100)])
    assert len(many.search("7").queries) == 12
    inner.asked.clear()
    RefinedRetriever(retriever=inner, rewrite=lambda *_: ["1", "1", "2"]).search("7")
    assert sorted(inner.asked) == ["1", "2"]


class Meets(BaseRetriever):
    """Answers when ``together`` searches wait at the same time; counts the most that did."""

    barrier: threading.Barrier
    at_once: list[int] = Field(default_factory=lambda: [0, 0])

    model_config = ConfigDict(arbitrary_types_allowed=True)

    def _get_relevant_documents(self, query, *, run_manager):
        self.barrier.wait(5)
        return plain(query)

    async def _aget_relevant_documents(self, query, *, run_manager):
        self.at_once[0] += 1
        self.at_once[1] = max(self.at_once)
        for _ in range(20):
            await asyncio.sleep(0)
        self.at_once[0] -= 1
        return plain(query)


async def test_searches_run_in_parallel_within_the_bound():
    """Two at a time of four: neither one by one nor all at once."""
    inner = Meets(barrier=threading.Barrier(2))
    retriever = RefinedRetriever(
        retriever=inner, rewrite=lambda *_: ["a", "b", "c", "d"], parallel=2
    )
    assert len(retriever.search("q")) == 4
    assert len(await retriever.asearch("q")) == 4
    assert inner.at_once[1] == 2


def test_k_candidates_and_filters_reach_the_retriever_inside(ours):
    """As many candidates as there is to choose from, k at least; without a choice, k."""
    asked = []

    class Spies(HybridRetriever):
        def search(self, query, k=None, *others, **options):
            asked.append(k)
            return super().search(query, k, *others, **options)

    inner = Spies(index=ours.index)
    reranking = RefinedRetriever(retriever=inner, compressor=ProximityRerank(), candidates=3)
    assert len(reranking.search("cats sleep", k=1)) == 1
    assert len(reranking.invoke("cats sleep", k=9)) == 3
    RefinedRetriever(retriever=inner, k=2).search("cats")
    assert asked == [3, 9, 2]
    found = reranking.search("违约金 cats", filter={"lang": "zh"})
    assert {hit.id for hit in found} == {"law", "deposit"}


async def test_a_filter_that_nobody_honours_is_refused():
    """LangChain drops what a retriever does not take, and shows what should be hidden."""
    retriever = RefinedRetriever(retriever=Foreign(found={"q": plain("a")}))
    with pytest.raises(ConfigurationError, match="Foreign takes no filter"):
        retriever.invoke("q", filter={"lang": "zh"})
    with pytest.raises(ConfigurationError, match="Foreign takes no filter"):
        await retriever.ainvoke("q", filter={"lang": "zh"})


@pytest.mark.parametrize("options", [{"k": 0}, {"candidates": 0}, {"parallel": 0}, {"rewrite": 3}])
def test_impossible_settings_are_refused(ours, options):
    """Where the mistake is made."""
    with pytest.raises(ValidationError):
        RefinedRetriever(retriever=ours, **options)
    with pytest.raises(ConfigurationError, match="k must be"):
        RefinedRetriever(retriever=ours).search("q", k=0)


async def test_nothing_found_is_an_empty_answer(ours):
    """Nobody is asked to rerank nothing."""
    model = ScriptedChatModel(script="[1]")
    retriever = RefinedRetriever(retriever=ours, compressor=ListwiseRerank(model))
    assert await searched(retriever, "quantum") == []
    assert model.calls == []


class Runs(BaseTracer):
    """Remembers the finished trees."""

    def __init__(self):
        """Nothing yet."""
        super().__init__()
        self.trees = []

    def _persist_run(self, run):
        self.trees.append(run)


def outline(run):
    """The tree by names and types."""
    return (run.name, run.run_type, sorted(outline(child) for child in run.child_runs))


@pytest.mark.parametrize("inner", ["ours", "foreign"])
async def test_all_steps_show_below_the_retriever_s_run(ours, inner):
    """The rewriting model, one search per query, and the reranking model."""
    if inner == "foreign":
        inner_retriever = Foreign(found={"cats": DOCUMENTS[2:4], "dogs": DOCUMENTS[2:4]})
    else:
        inner_retriever = ours
    retriever = RefinedRetriever(
        retriever=inner_retriever,
        rewrite=MultiQuery(ScriptedChatModel(script="dogs")),
        compressor=ListwiseRerank(ScriptedChatModel(script="[2]")),
    )
    tracer = Runs()
    retriever.invoke("cats", config={"callbacks": [tracer]})
    await retriever.ainvoke("cats", config={"callbacks": [tracer]})
    search = (type(inner_retriever).__name__, "retriever", [])
    model = ("multi_query", "llm", [])
    expected = (
        "RefinedRetriever",
        "retriever",
        sorted([("rewrite", "chain", [model]), search, search, ("listwise_rerank", "llm", [])]),
    )
    assert [outline(tree) for tree in tracer.trees] == [expected, expected]
    searches = [run for run in tracer.trees[0].child_runs if run.run_type == "retriever"]
    assert all(run.outputs["documents"] for run in searches)


async def test_the_search_s_run_bears_the_retriever_s_own_labels(ours):
    """As its ``invoke`` would tell them; and not the steps after it."""
    inner = ours.model_copy(update={"tags": ["law"], "metadata": {"index": "v2"}})
    tracer = Runs()
    retriever = RefinedRetriever(retriever=inner, compressor=ProximityRerank())
    retriever.invoke("cats", config={"callbacks": [tracer]})
    await retriever.ainvoke("cats", config={"callbacks": [tracer]})
    for tree in tracer.trees:
        assert "law" in tree.child_runs[0].tags
        assert tree.child_runs[0].extra["metadata"]["index"] == "v2"
        assert "law" not in tree.tags


async def test_a_search_that_fails_shows_as_failed(ours):
    """In the trace as well."""

    class Breaks(HybridRetriever):
        def search(self, *_, **__):
            raise ConnectionError("down")

        async def asearch(self, *_, **__):
            raise ConnectionError("down")

    tracer = Runs()
    retriever = RefinedRetriever(retriever=Breaks(index=ours.index))
    with pytest.raises(ConnectionError):
        retriever.invoke("cats", config={"callbacks": [tracer]})
    with pytest.raises(ConnectionError):
        await retriever.ainvoke("cats", config={"callbacks": [tracer]})
    assert all("down" in tree.child_runs[0].error for tree in tracer.trees)


def test_it_can_stand_inside_itself_and_in_a_chain(ours):
    """A retriever with scores like any other of ours."""
    inner = RefinedRetriever(retriever=ours, compressor=ProximityRerank())
    outer = RefinedRetriever(retriever=inner, rewrite=HistoryRewrite(), k=2)
    found = outer.search("sleeping cats")
    assert isinstance(found, SearchResult)
    assert "ProximityRerank" in found[0].explanation
    assert "Cats" in (outer | as_context).invoke("sleeping cats")


async def test_cancelling_cancels_the_searches():
    """Nothing goes on behind the caller's back."""
    started, stopped = [], []

    class Waits(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return []

        async def _aget_relevant_documents(self, query, *, run_manager):
            started.append(query)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                stopped.append(query)
                raise
            return []

    retriever = RefinedRetriever(retriever=Waits(), rewrite=lambda *_: ["a", "b"])
    task = asyncio.create_task(retriever.asearch("q"))
    for _ in range(1_000):
        await asyncio.sleep(0)
        if len(started) == 2:
            break
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(stopped) == ["a", "b"]


class TestStandard(RetrieversIntegrationTests):
    """LangChain's retriever suite."""

    @property
    def retriever_constructor(self):
        """The class."""
        return RefinedRetriever

    @property
    def retriever_constructor_params(self):
        """With everything in."""
        texts = [f"Cats sleep, part {number}." for number in range(6)]
        return {
            "retriever": HybridRetriever.from_texts(texts),
            "rewrite": HistoryRewrite(),
            "compressor": ProximityRerank(),
        }

    @property
    def retriever_query_example(self):
        """Matches all."""
        return "cats sleep"
