"""Synchronises a folder and a list of documents; started and killed by the test of that.

Prints the worker processes' numbers, if there are any, as soon as they are at work.
"""

import multiprocessing
import sys

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_switchyard.retrieval import Index, StructureSplitter, sync_documents, sync_folder
from langchain_switchyard.retrieval.sync import documents as documents_module
from langchain_switchyard.retrieval.sync import folder as folder_module

MODEL = DeterministicFakeEmbedding(size=8)
DOCUMENTS = [Document(id=f"d{n}", page_content=f"文档 number {n}. " * 5) for n in range(400)]
SPLITTER = StructureSplitter(30)


def synchronise(path, folder, workers, progress=None):
    """Both, in many small steps."""
    documents_module._BATCH = 10
    folder_module._GROUP_FILES = 2
    index = Index(path, MODEL)
    reports = [
        sync_folder(index, folder, SPLITTER, progress=progress, workers=workers),
        sync_documents(index, DOCUMENTS, splitter=SPLITTER, workers=workers, progress=progress),
    ]
    return index, reports


def _tell(done, *_):
    if done == 1:
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)  # noqa: T201


if __name__ == "__main__":
    synchronise(sys.argv[1], sys.argv[2], int(sys.argv[3]) or None, _tell)
