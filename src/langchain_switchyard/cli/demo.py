"""`switchyard demo`: a few questions about these documents, answered with sources."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path
from typing import cast

from langchain_core.documents import Document

from langchain_switchyard.cli.console import Console
from langchain_switchyard.cli.failure import BadInput
from langchain_switchyard.cli.invocation import command_name
from langchain_switchyard.cli.library import open_library
from langchain_switchyard.cli.session import open_assistant, show_sources, take_turn
from langchain_switchyard.config import Switchyard
from langchain_switchyard.config.env import LOCAL
from langchain_switchyard.conversation import language_of
from langchain_switchyard.providers import local
from langchain_switchyard.retrieval import HybridRetriever, Index

_OWN_QUESTIONS = (
    "What is a tier?",
    "How is a deadline different from a timeout?",
    "什么是熔断器？",
    "什么是重试预算？",
)
_LANDMARK = "concepts.md"
"""A file by which the project's own documents are recognised."""

_OFFLINE = "No provider is asked: the offline model answers. It quotes, and writes nothing itself."
_LIVE = "Asking {names}, which is billed; the offline model if nobody answers. See --offline."
_PLUG_IN = (
    "A real provider: export OPENAI_API_KEY=... (or TONGYI_API_KEY, ANTHROPIC_API_KEY, ...), "
    "`{command} check` tells who is ready.\n"
    "Then: {command} chat --docs {docs} uses it, and the offline model when nobody else answers."
)
_GO_ON = "Go on: {command} chat --docs {docs}"


def run(options: Namespace, console: Console) -> int:
    """Index the documents and answer some questions about them."""
    docs = options.docs or str(_own_docs())
    yard = Switchyard([local()]) if options.offline else Switchyard.from_env()
    names = [one.id for one in yard.deployments if one.provider != LOCAL]
    # Before anything else: whether this costs money.
    console.say(_LIVE.format(names=", then ".join(names)) if names else _OFFLINE)
    library, report = open_library(docs, options.state, console)
    console.note(
        f"{docs}: {len(library.index)} passages "
        f"({len(report.added) + len(report.updated)} files read, {report.unchanged} unchanged)"
    )
    own = (Path(docs) / _LANDMARK).is_file()
    questions = list(_OWN_QUESTIONS) if own else _questions_about(library)
    library.close()
    turns = []
    with open_assistant(docs, options.state, console, yard=yard) as assistant:
        for question in questions:
            console.say()
            console.heading(f"> {question}")
            turns.append(take_turn(assistant, question, None, console))
            show_sources(turns[-1], console)
    if console.as_json:
        console.emit({"docs": docs, "turns": [turn.as_json() for turn in turns]})
    console.say()
    ways = {"command": command_name(), "docs": shlex.quote(docs)}
    console.say((_GO_ON if names else _PLUG_IN).format(**ways))
    return 0


def _own_docs() -> Path:
    """The project's own documents: below the working folder, or beside the source."""
    places = [Path("docs"), Path(__file__).parents[3] / "docs"]
    for place in places:
        if (place / _LANDMARK).is_file():
            return place
    raise BadInput("the project's own documents are not here: give --docs DIR, any folder of yours")


def _questions_about(library: HybridRetriever) -> list[str]:
    """Two questions for each language the documents speak, out of their headings."""
    index = cast("Index", library.index)  # Its folder is on this machine.
    records = index.catalog.after(0)
    documents = index.get([record.id for record in records])
    chosen: dict[str, list[str]] = {"en": [], "zh": []}
    for document in documents:
        title = _title(document)
        if title is None:
            continue
        language = language_of(title)
        question = f"{title}是什么？" if language == "zh" else f"What about {title}?"
        if title.endswith(("?", "？")):
            question = title
        if len(chosen[language]) < 2 and question not in chosen[language]:
            chosen[language].append(question)
    return [*chosen["en"], *chosen["zh"]] or ["What is this about?"]


def _title(document: Document) -> str | None:
    heading = str(document.metadata.get("heading") or "").split(" > ")[-1].strip()
    return heading if 2 <= len(heading) <= 60 else None
