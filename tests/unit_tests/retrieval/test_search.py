"""Legs as a caller sees them: child runs for tracers, and legs that hang."""

import asyncio
import threading

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.documents import Document
from langchain_core.tracers import BaseTracer

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, SearchConfig

DOCUMENTS = [
    Document(id="law", page_content="合同法规定了违约责任。", metadata={"lang": "zh"}),
    Document(id="dog", page_content="Dogs run in the park.", metadata={"lang": "en"}),
]


class Tracer(BaseTracer):
    """Keeps finished root runs, as a tracing service would get them."""

    def __init__(self):
        super().__init__()
        self.roots = []

    def _persist_run(self, run):
        self.roots.append(run)


@pytest.fixture
def retriever(embeddings):
    """With both legs."""
    return HybridRetriever.from_documents(DOCUMENTS, embeddings)


async def traced(retriever, query, **kwargs):
    """The retriever's run, sync and async."""
    roots = []
    for invoke in (retriever.invoke, retriever.ainvoke):
        tracer = Tracer()
        found = invoke(query, {"callbacks": [tracer]}, **kwargs)
        if asyncio.iscoroutine(found):
            await found
        (root,) = tracer.roots
        roots.append(root)
    return roots


async def test_each_leg_is_a_child_run_with_its_documents(retriever):
    """Named, typed and timed like a retriever of its own."""
    for root in await traced(retriever, "dogs run", k=1):
        runs = {run.name: run for run in root.child_runs}
        assert set(runs) == {"dense leg", "lexical leg"}
        for run in runs.values():
            assert run.run_type == "retriever"
            assert run.parent_run_id == root.id
            assert run.inputs == {"query": "dogs run"}
            assert [d.id for d in run.outputs["documents"]] == ["dog"]
            assert run.end_time >= run.start_time
            assert run.error is None


async def test_a_leg_that_fails_is_a_failed_run_and_the_search_is_not(retriever, monkeypatch):
    """The error is seen where it happened."""

    def fail(*_):
        raise ConnectionError("leg is down")

    monkeypatch.setattr(retriever.index.dense, "search", fail)
    for root in await traced(retriever, "dogs run"):
        runs = {run.name: run for run in root.child_runs}
        assert "leg is down" in runs["dense leg"].error
        assert runs["lexical leg"].error is root.error is None


async def test_a_leg_that_finds_nothing_is_an_empty_run(retriever):
    """Not a missing one."""
    for root in await traced(retriever, "quantum"):
        runs = {run.name: run for run in root.child_runs}
        assert runs["lexical leg"].outputs == {"documents": []}


async def test_a_leg_over_its_time_is_a_run_with_that_error(embeddings, monkeypatch):
    """And ends when it was given up, not when it returns."""
    config = SearchConfig(leg_timeout=0.05)
    retriever = HybridRetriever.from_documents(DOCUMENTS, embeddings, config=config)
    release = threading.Event()
    monkeypatch.setattr(retriever.index.dense, "search", lambda *_: release.wait(30))
    try:
        for root in await traced(retriever, "dogs run"):
            runs = {run.name: run for run in root.child_runs}
            assert "no answer within 0.05 s" in runs["dense leg"].error
            assert runs["lexical leg"].error is None
    finally:
        release.set()


async def test_nobody_listening_costs_no_documents(retriever, monkeypatch):
    """A leg's own documents are only fetched for those who look."""
    looked = []
    original = retriever.index.catalog.by_row
    monkeypatch.setattr(
        retriever.index.catalog, "by_row", lambda rows: looked.append(1) or original(rows)
    )
    retriever.invoke("dogs run")
    await retriever.ainvoke("dogs run")
    retriever.search("dogs run")
    assert len(looked) == 3
    retriever.invoke("dogs run", {"callbacks": [Tracer()]})
    assert len(looked) == 6


async def test_asynchronous_handlers_are_awaited(retriever):
    """Start and end of both legs and of the retriever."""
    started, ended = [], []

    class Handler(AsyncCallbackHandler):
        async def on_retriever_start(self, *_, name=None, **__):
            await asyncio.sleep(0)
            started.append(name)

        async def on_retriever_end(self, *_, **__):
            await asyncio.sleep(0)
            ended.append(1)

    await retriever.ainvoke("dogs run", {"callbacks": [Handler()]})
    assert {"dense leg", "lexical leg"} < set(started)
    assert len(started) == len(ended) == 3


@pytest.mark.parametrize("leg", ["dense", "lexical"])
async def test_legs_that_hang_starve_no_later_query(embeddings, monkeypatch, leg):
    """However many hang, the other leg answers; in the end the hanging one is not even tried."""
    config = SearchConfig(leg_timeout=0.05)
    retriever = HybridRetriever.from_documents(DOCUMENTS, embeddings, config=config)
    threads = retriever._runner.threads[leg]
    threads._size, threads._most_stuck = 2, 6
    release, tried = threading.Event(), []
    target = retriever.index.lexical if leg == "lexical" else retriever.index.dense

    def hang(*_):
        tried.append(1)
        release.wait(30)

    monkeypatch.setattr(target, "match" if leg == "lexical" else "search", hang)
    try:
        for number in range(5):
            for result in (retriever.search("dogs run"), await retriever.asearch("dogs run")):
                assert result[0].id == "dog"
                reason = "TimeoutError" if number < 3 else "LegsStuck"
                assert f"the {leg} leg is missing: {reason}" in result.notes[0]
        assert threads.stuck == len(tried) == 6
        retriever.close()
    finally:
        release.set()


async def test_a_leg_that_recovers_takes_part_again(embeddings, monkeypatch):
    """Nothing is remembered against it."""
    config = SearchConfig(leg_timeout=0.2)
    retriever = HybridRetriever.from_documents(DOCUMENTS, embeddings, config=config)
    release, original = threading.Event(), retriever.index.dense.search
    monkeypatch.setattr(
        retriever.index.dense, "search", lambda *args: release.wait(30) and original(*args)
    )
    assert set(retriever.search("dogs run").weights) == {"lexical"}
    release.set()
    assert set(retriever.search("dogs run").weights) == {"dense", "lexical"}
    assert set((await retriever.asearch("dogs run")).weights) == {"dense", "lexical"}


def test_both_legs_share_one_time_limit(embeddings, monkeypatch):
    """Two slow legs do not take twice as long: both are given up at the same moment."""
    config = SearchConfig(leg_timeout=0.1)
    retriever = HybridRetriever.from_documents(DOCUMENTS, embeddings, config=config)
    release, given_up = threading.Event(), []
    for target, name in ((retriever.index.lexical, "match"), (retriever.index.dense, "search")):
        monkeypatch.setattr(target, name, lambda *_: release.wait(30))
    for leg in ("dense", "lexical"):
        threads = retriever._runner.threads[leg]
        original = threads.give_up
        monkeypatch.setattr(
            threads, "give_up", lambda f, original=original: given_up.append(1) or original(f)
        )
    try:
        with pytest.raises(TimeoutError, match=r"no answer within 0\.1 s"):
            retriever.search("dogs run")
        assert len(given_up) == 2
    finally:
        release.set()


def test_server_fusion_needs_a_server(embeddings):
    """Refused where the retriever is made, and where its configuration is exchanged."""
    config = SearchConfig(fusion="server_rrf")
    with pytest.raises(ConfigurationError, match="by itself"):
        HybridRetriever.from_documents(DOCUMENTS, embeddings, config=config)
    retriever = HybridRetriever.from_documents(DOCUMENTS, embeddings)
    with pytest.raises(ConfigurationError, match="by itself"):
        retriever.model_copy(update={"config": config}).search("dogs")


def test_a_dense_search_without_embeddings_is_refused():
    """Instead of finding nothing."""
    config = SearchConfig(strategy="dense")
    with pytest.raises(ConfigurationError, match="needs an index with embeddings"):
        HybridRetriever.from_documents(DOCUMENTS, config=config).search("dogs")
