"""The bar on a terminal and in a log."""

import io

from langchain_core.documents import Document

from langchain_switchyard.retrieval import BatchedEmbeddings, HybridRetriever, ProgressBar


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self):
        return True


def test_a_terminal_sees_one_line_that_grows():
    """It ends when all is done."""
    stream = Terminal()
    bar = ProgressBar("docs", stream)
    for done in range(201):
        bar(done, 200, "some.md")
    written = stream.getvalue()
    assert written.count("\n") == 1
    assert written.endswith("docs [##############################] 200/200\n")
    assert written.count("\r") == 101


def test_a_log_gets_a_line_for_every_tenth():
    """Not one per document."""
    stream = io.StringIO()
    bar = ProgressBar("docs", stream)
    for done in range(1, 1_001):
        bar(done, 1_000)
    assert stream.getvalue().count("\n") == 11
    bar(0, 0)


def test_it_fits_whatever_takes_progress(embeddings):
    """Indexing and embedding call it with and without a name."""
    stream = Terminal()
    model = BatchedEmbeddings(embeddings, progress=ProgressBar("embedding", stream))
    retriever = HybridRetriever.from_documents([], model)
    documents = [Document(page_content=f"word{n}") for n in range(5)]
    retriever.index.add_documents(documents, progress=ProgressBar("indexing", stream))
    assert "indexing [##############################] 5/5" in stream.getvalue()
    assert "embedding [##############################] 5/5" in stream.getvalue()
    model.close()
