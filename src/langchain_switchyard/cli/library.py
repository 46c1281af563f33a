"""A folder of documents, indexed once and kept in step with it."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from langchain_switchyard.cli.console import Console
from langchain_switchyard.cli.failure import BadInput
from langchain_switchyard.errors import MissingExtra

try:
    from langchain_switchyard.retrieval import HybridRetriever, SyncReport
except ModuleNotFoundError as error:
    if error.name != "numpy":
        raise
    raise MissingExtra("searching documents", "cli") from error


def open_library(docs: str, state: Path, console: Console) -> tuple[HybridRetriever, SyncReport]:
    """Open the index of a folder, and read what changed in it since.

    Args:
        docs: The folder.
        state: Where indexes are kept.
        console: Shows the progress, and names files that cannot be read.

    Raises:
        BadInput: No such folder, or nothing in it that can be read.
    """
    folder = _folder(docs)
    name = blake2b(str(folder.resolve()).encode(), digest_size=6).hexdigest()
    library = HybridRetriever.open(_writable(state / "index" / name), create=True)
    try:
        with console.progress("indexing") as advance:
            report = library.sync_folder(folder, progress=advance)
        _judge(library, report, folder, console)
    except BaseException:
        library.close()
        raise
    return library, report


def _folder(docs: str) -> Path:
    folder = Path(docs).expanduser()
    if folder.is_file():
        raise BadInput(f"{docs} is a file: give --docs the folder it is in")
    if not folder.is_dir():
        raise BadInput(f"no such folder: {docs}; give --docs a folder of documents")
    return folder


def _writable(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot write to {path}: {error.strerror}; give --state PATH") from error
    return path


def _judge(library: HybridRetriever, report: SyncReport, folder: Path, console: Console) -> None:
    for name, reason in report.failed:
        console.note(f"not indexed: {name}: {' '.join(reason.split())}")
    if len(library.index):
        return
    if report.failed:
        raise BadInput(f"none of the {len(report.failed)} files in {folder} can be read")
    raise BadInput(f"nothing to read in {folder}: it has no .md, .txt, .py, .html, .pdf, ... file")
