"""`switchyard index`: reads a folder of documents, or what changed in it."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from langchain_switchyard.cli.console import Console
from langchain_switchyard.cli.failure import BAD_INPUT, BadInput
from langchain_switchyard.cli.library import open_library


def run(options: Namespace, console: Console) -> int:
    """Bring the index of a folder up to date."""
    if options.docs is None:
        raise BadInput("which folder? Give --docs DIR")
    library, report = open_library(options.docs, options.state, console)
    passages = len(library.index)
    library.close()
    if console.as_json:
        console.emit({"docs": options.docs, "passages": passages, **asdict(report)})
    else:
        counts = (
            f"{len(report.added)} new, {len(report.updated)} changed, "
            f"{len(report.deleted)} gone, {report.unchanged} unchanged"
        )
        console.say(f"{options.docs}: {counts}; {passages} passages")
    # What could be read is indexed; a script must still notice the rest.
    return BAD_INPUT if report.failed else 0
