"""Cross-encoders: any object with ``predict``, and a real, tiny one where the library is there."""

import asyncio
import sys
import threading
import types

import numpy as np
import pytest
from langchain_core.documents import Document
from pydantic import ValidationError

from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.retrieval import CrossEncoderRerank

DOCUMENTS = [
    Document(id=str(number), page_content="x" * number, metadata={"n": number})
    for number in (3, 1, 4, 2, 5)
]


class LengthModel:
    """Likes long texts; remembers what it read, and in which thread."""

    def __init__(self, shape=None):
        """``shape``: how the scores are laid out."""
        self.batches, self.threads, self._shape = [], [], shape

    def predict(self, pairs):
        """One score per pair."""
        self.batches.append(pairs)
        self.threads.append(threading.current_thread())
        scores = np.array([len(text) for _, text in pairs], dtype=np.float32)
        return scores.reshape(self._shape) if self._shape else scores


@pytest.mark.parametrize("shape", [None, (-1, 1)])
async def test_the_highest_score_comes_first_sync_and_async(shape):
    """Whether the model gives a row or a column."""
    rerank = CrossEncoderRerank(LengthModel(shape), top_n=2)
    for ranked in (
        rerank.compress_documents(DOCUMENTS, "问题"),
        await rerank.acompress_documents(DOCUMENTS, "问题"),
    ):
        assert [each.id for each in ranked] == ["5", "4"]
        assert ranked[0].metadata == {"n": 5, "relevance_score": 5.0}
        assert type(ranked[0].metadata["relevance_score"]) is float


def test_pairs_go_in_batches_of_like_length():
    """Every pair once; the query on the left."""
    model = LengthModel()
    CrossEncoderRerank(model, batch_size=2).compress_documents(DOCUMENTS, "q")
    assert [[len(text) for _, text in batch] for batch in model.batches] == [[5, 4], [3, 2], [1]]
    assert all(query == "q" for batch in model.batches for query, _ in batch)


async def test_one_thread_owns_the_model_and_it_is_not_the_loop_s():
    """Many callers at once queue up; the event loop goes on."""
    model = LengthModel()
    rerank = CrossEncoderRerank(model)
    calls = [rerank.acompress_documents(DOCUMENTS, str(number)) for number in range(5)]
    await asyncio.gather(*calls)
    rerank.compress_documents(DOCUMENTS, "sync")
    assert len(model.batches) == 6
    assert len(set(model.threads)) == 1
    assert threading.current_thread() not in model.threads


def test_nothing_found_asks_nothing():
    """An empty list is an answer, too."""
    model = LengthModel()
    assert CrossEncoderRerank(model).compress_documents([], "q") == []
    assert model.batches == []


def test_a_classifier_is_no_reranker():
    """Three numbers per pair cannot be ranked by; the message says what is needed."""

    class Classifier:
        def predict(self, pairs):
            return np.zeros((len(pairs), 3))

    with pytest.raises(ConfigurationError, match="one output"):
        CrossEncoderRerank(Classifier()).compress_documents(DOCUMENTS, "q")


@pytest.mark.parametrize("options", [{"top_n": 0}, {"batch_size": 0}])
def test_impossible_sizes_are_refused(options):
    """Where the mistake is made."""
    with pytest.raises(ValidationError):
        CrossEncoderRerank(LengthModel(), **options)


def test_a_missing_library_names_the_extra(monkeypatch):
    """The command to type is in the message."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r"langchain-switchyard\[local-embeddings\]"):
        CrossEncoderRerank("some/model")


def test_a_model_that_is_not_here_is_not_downloaded(monkeypatch):
    """Unless asked; the message says how."""
    asked = []

    def offline(name, **options):
        asked.append(options["local_files_only"])
        raise OSError("not in the local cache")

    library = types.SimpleNamespace(CrossEncoder=offline)
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    for download in (False, True):
        with pytest.raises(ConfigurationError, match="download=True"):
            CrossEncoderRerank("some/model", download=download)
    assert asked == [True, False]


def test_a_real_cross_encoder_is_loaded_from_its_folder(tmp_path):
    """Randomly initialised, so its opinion is worthless; but it must be the same every time."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("sentence_transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "违", "约"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), "utf-8")
    transformers.BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, num_labels=1,
    )  # fmt: skip
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path)
    documents = [Document(id=text, page_content=text) for text in ("a b a", "违约", "b")]
    rerank = CrossEncoderRerank(tmp_path)
    first = rerank.compress_documents(documents, "a")
    scores = [each.metadata["relevance_score"] for each in first]
    assert sorted(scores, reverse=True) == scores
    assert {each.id for each in first} == {"a b a", "违约", "b"}
    again = CrossEncoderRerank(str(tmp_path), batch_size=1).compress_documents(documents, "a")
    assert [each.id for each in again] == [each.id for each in first]
    with pytest.raises(ConfigurationError, match="not on this machine"):
        CrossEncoderRerank(tmp_path / "missing")
