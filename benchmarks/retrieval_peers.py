"""What others offer for the job: bm25s, and EnsembleRetriever over BM25Retriever and Chroma."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable
from importlib import import_module

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from langchain_switchyard.retrieval.storage.records import indexed_text

Search = Callable[[str], list[str]]


def texts_of(documents: list[Document]) -> list[str]:
    """Title and text, as our own index searches them."""
    return [indexed_text(document.page_content, document.metadata) for document in documents]


def bm25s_search(documents, tokens=None, *, stemmed=False, depth=100) -> Search:
    """bm25s with its own English tokeniser and stemmer, or with given tokens."""
    bm25s = import_module("bm25s")
    stemmer = import_module("snowballstemmer").stemmer("english").stemWords if stemmed else None
    ids = [document.id for document in documents]

    def cut(texts):
        if tokens is not None:
            return [tokens(text) for text in texts]
        return bm25s.tokenize(
            texts, stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False
        )

    engine = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
    engine.index(cut(texts_of(documents)), show_progress=False)

    def search(query: str) -> list[str]:
        known = [term for term in cut([query])[0] if term in engine.vocab_dict]
        if not known:
            return []
        found, _ = engine.retrieve([known], corpus=ids, k=min(depth, len(ids)), show_progress=False)
        return list(found[0])

    return search


def ensemble_search(
    documents: list[Document], embeddings: Embeddings, tokens=None, depth=100
) -> Search:
    """EnsembleRetriever with its defaults: equal weights, RRF with c = 60."""
    warnings.simplefilter("ignore")
    classic = import_module("langchain_classic.retrievers")
    lexical = import_module("langchain_community.retrievers").BM25Retriever
    chroma = import_module("langchain_chroma").Chroma
    # ``id_key`` keeps equal texts apart, which the judgements need.
    given = [
        Document(page_content=text, metadata={"key": document.id})
        for text, document in zip(texts_of(documents), documents, strict=True)
    ]
    options = {"preprocess_func": tokens} if tokens else {}
    words = lexical.from_documents(given, k=depth, **options)
    store = chroma(
        collection_name=f"peer-{uuid.uuid4().hex}",
        embedding_function=embeddings,
        collection_metadata={"hnsw:space": "cosine"},
    )
    for start in range(0, len(given), 5_000):
        store.add_documents(given[start : start + 5_000])
    vectors = store.as_retriever(search_kwargs={"k": depth})
    both = classic.EnsembleRetriever(retrievers=[words, vectors], weights=[0.5, 0.5], id_key="key")
    return lambda query: [document.metadata["key"] for document in both.invoke(query)][:depth]
