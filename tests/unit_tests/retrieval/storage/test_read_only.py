"""An index in a folder that cannot be written to is searched, and nothing else."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from langchain_core.documents import Document

from langchain_switchyard.retrieval import HybridRetriever
from langchain_switchyard.retrieval.backends.conformance_library import TermDirections

READ = """
import os, sys
from langchain_core.documents import Document
from langchain_switchyard.retrieval import HybridRetriever
from langchain_switchyard.retrieval.backends.conformance_library import TermDirections
from langchain_switchyard.retrieval.storage.database import IndexUnavailable
# What is imported on the way is imported before the rights are gone.
warm = [Document(page_content="whales", metadata={"n": 1})]
HybridRetriever.from_documents(warm, TermDirections()).invoke("whales", filter={"n": 1})
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for model in (None, TermDirections()):
    retriever = HybridRetriever.open(sys.argv[1], model)
    assert [d.id for d in retriever.invoke("word7", k=1)] == ["d7"]
    assert len(retriever.invoke("whales", filter={"n": 3}, k=9)) == 1
    for write in (
        lambda: retriever.add_documents([Document(page_content="new")]),
        lambda: retriever.delete(["d7"]),
    ):
        try:
            write()
        except IndexUnavailable as error:
            assert "read-only" in str(error)
        else:
            raise AssertionError("written")
    retriever.close()
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights work otherwise here")
@pytest.mark.parametrize("is_open_elsewhere", [False, True])
def test_readers_only_read(is_open_elsewhere):
    """Also beside a writer; by somebody who is not the superuser, who may write everywhere."""
    # Not under pytest's folder, which nobody else may enter.
    folder = Path(tempfile.mkdtemp())
    try:
        documents = [
            Document(id=f"d{n}", page_content=f"whales word{n}", metadata={"n": n})
            for n in range(12)
        ]
        writer = HybridRetriever.from_documents(documents, TermDirections(), path=folder / "index")
        if not is_open_elsewhere:
            writer.close()
        folder.chmod(0o755)
        for path in folder.rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        done = subprocess.run(  # noqa: S603 - our own interpreter.
            [sys.executable, "-c", READ, folder / "index"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd="/",
        )
        assert done.returncode == 0, done.stderr
    finally:
        for path in [folder / "index", *(folder / "index").rglob("*")]:
            path.chmod(0o755)
        shutil.rmtree(folder)
