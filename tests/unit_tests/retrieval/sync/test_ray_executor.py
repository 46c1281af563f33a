"""Ray in the place of processes; where it is not installed, its extra is named."""

import os
import sys

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.retrieval import Index, RayExecutor, sync_documents
from langchain_switchyard.retrieval.sync.preparation import EmbeddingFailed

MODEL = DeterministicFakeEmbedding(size=8)
DOCUMENTS = [Document(id=str(n), page_content=f"文档 number {n}") for n in range(1_200)]


def test_without_ray_the_extra_is_named(monkeypatch):
    """By the error, before any work."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"langchain-switchyard\[ray\]"):
        RayExecutor()


@pytest.fixture(scope="module")
def executor():
    """A Ray of two processes on this machine."""
    ray = pytest.importorskip("ray")
    # The models below are known to this process only because of where pytest put them.
    path = {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}}
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False, runtime_env=path)
    yield RayExecutor()
    ray.shutdown()


def test_the_index_is_the_same(executor):
    """To the row and the byte."""
    alone, helped = Index(embeddings=MODEL), Index(embeddings=MODEL)
    first = sync_documents(alone, DOCUMENTS)
    assert first == sync_documents(helped, DOCUMENTS, workers=executor)
    assert alone.catalog.after(0) == helped.catalog.after(0)
    assert alone.catalog.vectors() == helped.catalog.vectors()


class Failing(DeterministicFakeEmbedding):
    """A model that is down."""

    def embed_documents(self, texts):
        """Fail."""
        raise ConnectionError("model down")


def test_errors_come_back_as_themselves(executor):
    """Under their own class."""
    with pytest.raises(EmbeddingFailed, match="model down"):
        sync_documents(Index(embeddings=Failing(size=8)), DOCUMENTS, workers=executor)
