"""Shared batches: who waits for what, what is embedded once, who fails alone."""

import asyncio
import threading

import pytest
from langchain_core.embeddings import Embeddings

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.dense.batched_embeddings import BatchedEmbeddings, Batching
from langchain_switchyard.retrieval.dense.vector_cache import VectorCache


class Counting(Embeddings):
    """Vectors are the text's length; remembers the batches it was given."""

    def __init__(self):
        self.batches = []
        self.busy = threading.Lock()

    def embed_documents(self, texts):
        """Fail on 'bad'; notice callers at the same time."""
        assert self.busy.acquire(blocking=False), "two threads in the model"
        try:
            self.batches.append(list(texts))
            if "bad" in texts:
                raise ValueError("bad text")
            return [[float(len(text)), 1.0] for text in texts]
        finally:
            self.busy.release()

    def embed_query(self, text):
        """Queries differ from documents here."""
        return [-float(len(text)), 1.0]


@pytest.fixture
def model():
    """A fresh model."""
    return Counting()


def test_results_come_in_the_order_asked(model):
    """Although the work is sorted by length."""
    batched = BatchedEmbeddings(model, Batching(size=2))
    assert [v[0] for v in batched.embed_documents(["ccc", "a", "bb", "dddd"])] == [3, 1, 2, 4]
    assert model.batches == [["a", "bb"], ["ccc", "dddd"]]


def test_equal_texts_are_embedded_once(model):
    """Within one flush."""
    batched = BatchedEmbeddings(model)
    assert batched.embed_documents(["a"] * 50 + ["b"]) == [[1.0, 1.0]] * 51
    assert model.batches == [["a", "b"]]


def test_callers_at_the_same_time_share_a_batch(model):
    """Eight threads, one call of the model: the batch closes when it is full."""
    batched = BatchedEmbeddings(model, Batching(size=8, delay=30))
    results = {}

    def call(number):
        results[number] = batched.embed_documents(["x" * (number + 1)])[0][0]

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: number + 1 for number in range(8)}
    assert len(model.batches) == 1


async def test_coroutines_share_a_batch(model):
    """Of one event loop, with documents of several calls."""
    batched = BatchedEmbeddings(model, Batching(size=4, delay=30))
    found = await asyncio.gather(*(batched.aembed_documents(["y" * n]) for n in (1, 2, 3, 4)))
    assert [vectors[0][0] for vectors in found] == [1, 2, 3, 4]
    assert len(model.batches) == 1


def test_a_bad_text_fails_alone(model):
    """The others of its batch get their vectors."""
    batched = BatchedEmbeddings(model, Batching(size=4, delay=30))
    outcomes = {}

    def call(text):
        try:
            outcomes[text] = batched.embed_documents([text])[0][0]
        except ValueError as error:
            outcomes[text] = str(error)

    threads = [threading.Thread(target=call, args=(text,)) for text in ("a", "bb", "bad", "dddd")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"a": 1, "bb": 2, "bad": "bad text", "dddd": 4}


def test_queries_are_not_documents_unless_the_model_says_so(model):
    """Asymmetric models have their own prompt."""
    assert BatchedEmbeddings(model).embed_query("aa") == [-2.0, 1.0]
    assert BatchedEmbeddings(model, symmetric=True).embed_query("aa") == [2.0, 1.0]


def test_known_texts_are_not_embedded_again(model, tmp_path):
    """Also by another process's model, through the file."""
    first = BatchedEmbeddings(model, cache=VectorCache(tmp_path / "vectors"))
    first.embed_documents(["a", "bb"])
    model.batches.clear()
    second = BatchedEmbeddings(model, cache=VectorCache(tmp_path / "vectors"))
    assert second.embed_documents(["bb", "ccc", "a"]) == [[2, 1], [3, 1], [1, 1]]
    assert model.batches == [["ccc"]]
    assert second.embed_query("a") == [-1.0, 1.0]


def test_a_cancelled_caller_costs_the_model_nothing(model):
    """Its text is dropped before the batch is embedded."""

    async def scenario():
        batched = BatchedEmbeddings(model, Batching(size=2, delay=30))
        gone = asyncio.ensure_future(batched.aembed_documents(["gone"]))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        return await batched.aembed_documents(["here"])

    assert asyncio.run(scenario()) == [[4.0, 1.0]]
    assert model.batches == [["here"]]


def test_progress_is_told(model):
    """Text by text."""
    seen = []
    batched = BatchedEmbeddings(model, progress=lambda *step: seen.append(step))
    batched.embed_documents(["a", "b"])
    assert seen == [(1, 2), (2, 2)]


def test_closing_finishes_what_waits_and_refuses_the_rest(model):
    """No caller is left hanging."""
    batched = BatchedEmbeddings(model, Batching(size=99, delay=30))
    waiting = batched._submit(["a"], "document")
    batched.close()
    assert waiting[0].result(0) == [1.0, 1.0]
    with pytest.raises(ConfigurationError, match="closed"):
        batched.embed_query("b")


def test_nothing_to_embed_is_fine(model):
    """And calls nobody."""
    assert BatchedEmbeddings(model).embed_documents([]) == []
    assert model.batches == []


def test_impossible_batching_is_refused():
    """At once."""
    with pytest.raises(ConfigurationError):
        Batching(size=0)
