"""Shared batches: who waits for what, what is embedded once, who fails alone."""

import asyncio
import threading

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.exceptions import ModelInvalidRequestError, ModelRateLimitError

from langchain_switchyard.cache import CachedEmbeddings, MemoryLevel, SqliteLevel
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.dense.batched_embeddings import BatchedEmbeddings, Batching
from langchain_switchyard.retrieval.dense.retrying import Retrying
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


class Failing(Counting):
    """Fails with the errors given, one call each, before it works."""

    def __init__(self, *errors):
        """Take the errors."""
        super().__init__()
        self.errors = list(errors)

    def embed_documents(self, texts):
        """Fail first."""
        if self.errors:
            raise self.errors.pop(0)
        return super().embed_documents(texts)


def test_a_call_that_fails_in_passing_is_made_again():
    """The whole batch, after a pause that grows; no text is blamed and no caller notices."""
    model, pauses = Failing(ConnectionError("reset"), ModelRateLimitError("slow")), []
    retrying = Retrying(attempts=3, wait=1.0, sleep=pauses.append, chance=lambda: 1.0)
    batched = BatchedEmbeddings(model, retrying=retrying)
    assert batched.embed_documents(["a", "bb", "ccc"]) == [[1, 1], [2, 1], [3, 1]]
    assert pauses == [1.0, 2.0]
    assert model.batches == [["a", "bb", "ccc"]]


def test_when_the_attempts_are_used_up_everybody_gets_the_error_once():
    """Without halving: nobody's text is to blame, and the model is not asked 2n times."""
    model, pauses = Failing(*[ConnectionError(f"reset {n}") for n in range(9)]), []
    retrying = Retrying(attempts=2, sleep=pauses.append)
    batched = BatchedEmbeddings(model, retrying=retrying)
    with pytest.raises(ConnectionError, match="reset 1"):
        batched.embed_documents(["a", "bb", "ccc", "dddd"])
    assert len(pauses) == 1
    assert len(model.errors) == 7


def test_a_refused_request_is_not_made_again():
    """It is halved at once, down to the text that the note quotes, in Chinese as well."""
    texts = [f"第{n}段" for n in range(8)]

    class Refusing(Counting):
        def embed_documents(self, given):
            self.batches.append(given)
            if "第5段" in given:
                raise ModelInvalidRequestError("bad input")
            return [[1.0] for _ in given]

    model, pauses = Refusing(), []
    batched = BatchedEmbeddings(model, retrying=Retrying(sleep=pauses.append))
    with pytest.raises(ModelInvalidRequestError) as caught:
        batched.embed_documents(texts)
    assert any("第5段" in note for note in caught.value.__notes__)
    assert pauses == []
    assert model.batches.count(["第5段"]) == 1


def test_a_wrong_key_is_told_at_once():
    """One call: neither waiting nor halving would help."""

    class Refused(Exception):
        status_code = 401

    model = Failing(*[Refused("key") for _ in range(9)])
    batched = BatchedEmbeddings(model, retrying=Retrying(sleep=lambda _: pytest.fail("waited")))
    with pytest.raises(Refused) as caught:
        batched.embed_documents(["a", "bb"])
    assert len(model.errors) == 8
    assert not hasattr(caught.value, "__notes__")


async def test_a_cancelled_caller_does_not_take_others_along(model):
    """Both share a batch; one leaves while the model works for it."""
    started, go = threading.Event(), threading.Event()

    class Slow(Counting):
        def embed_documents(self, texts):
            started.set()
            assert go.wait(30)
            return super().embed_documents(texts)

    batched = BatchedEmbeddings(Slow(), Batching(size=2, delay=30))
    leaves = asyncio.ensure_future(batched.aembed_documents(["gone"]))
    stays = asyncio.ensure_future(batched.aembed_documents(["here!"]))
    await asyncio.to_thread(started.wait, 30)
    leaves.cancel()
    go.set()
    assert await stays == [[5.0, 1.0]]
    with pytest.raises(asyncio.CancelledError):
        await leaves
    assert await batched.aembed_documents(["next", "more"]) == [[4.0, 1.0], [4.0, 1.0]]


async def test_progress_is_told_to_coroutines_too(model):
    """Each step once, up to all."""
    seen = []
    batched = BatchedEmbeddings(model, Batching(size=2), progress=lambda *step: seen.append(step))
    await batched.aembed_documents(["a", "bb", "ccc"])
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_progress_moves_although_the_longest_text_comes_first(model):
    """It counts what is done, not how far the list was read."""
    seen = []
    batched = BatchedEmbeddings(model, Batching(size=1), progress=lambda *step: seen.append(step))
    batched.embed_documents(["cccc", "a", "bb"])
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_question_does_not_wait_for_a_whole_collection():
    """It is embedded before documents that came earlier and still wait."""
    order, started, go = [], threading.Event(), threading.Event()

    class Slow(Counting):
        def embed_documents(self, texts):
            started.set()
            assert go.wait(30)
            order.extend(texts)
            return super().embed_documents(texts)

        def embed_query(self, text):
            order.append(f"? {text}")
            return super().embed_query(text)

    batched = BatchedEmbeddings(Slow(), Batching(size=2, delay=0))
    first = batched._submit(["d"], "document")
    assert started.wait(30)
    many = batched._submit([f"d{n}" for n in range(40)], "document")
    question = batched._submit(["q"], "query")
    go.set()
    assert question[0].result(30) == [-1.0, 1.0]
    assert [future.result(30) for future in [*first, *many]]
    assert order.index("? q") == 1


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_the_levels_of_the_response_cache_remember_vectors(model, kind, tmp_path):
    """In front of the batches, by LangChain's contract alone: what is known is not queued."""
    level = MemoryLevel() if kind == "memory" else SqliteLevel(tmp_path / "vectors.db")
    batched = BatchedEmbeddings(model, Batching(size=8, delay=0))
    cached = CachedEmbeddings(batched, "lengths", levels=[level])
    assert cached.embed_documents(["甲", "乙乙"]) == [[1, 1], [2, 1]]
    assert await cached.aembed_documents(["乙乙", "丙丙丙", "甲"]) == [[2, 1], [3, 1], [1, 1]]
    assert model.batches == [["甲", "乙乙"], ["丙丙丙"]]
    assert cached.embed_query("甲") == [-1.0, 1.0]
    level.close()
