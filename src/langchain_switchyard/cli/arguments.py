"""What can be typed."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from langchain_switchyard._version import __version__
from langchain_switchyard.cli.failure import BadInput

STATE = ".switchyard"
"""Folder for indexes and threads."""

_EPILOGUE = """\
Providers come from the environment: OPENAI_API_KEY, TONGYI_API_KEY, ANTHROPIC_API_KEY, ...
(LLM_DEFAULT_PROVIDER names the one to ask first). Without any, the offline model answers.
"""


class _Parser(argparse.ArgumentParser):
    """Reports a wrong argument like any other wrong input."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; see {self.prog} --help")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line.

    Raises:
        BadInput: It cannot be understood.
    """
    parser = _Parser(
        prog="switchyard",
        description="Ask an assistant about your documents, through whichever provider answers.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"switchyard {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    _add_ask(commands)
    _add_chat(commands)
    _add_index(commands)
    _add_check(commands)
    _add_demo(commands)
    return parser.parse_args(list(arguments))


_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives it no public name.


def _add_ask(commands: _Commands[_Parser]) -> None:
    ask = commands.add_parser("ask", help="answer one question")
    ask.add_argument("question", help='the question; "-" reads it from standard input')
    _add_documents(ask)
    thread = ask.add_mutually_exclusive_group()
    thread.add_argument("--thread", metavar="ID", help="remember the talk under this name")
    thread.add_argument("--resume", metavar="ID", help="go on with a talk that must exist")
    _add_common(ask)


def _add_chat(commands: _Commands[_Parser]) -> None:
    chat = commands.add_parser("chat", help="talk; goes on where you stopped")
    _add_documents(chat)
    thread = chat.add_mutually_exclusive_group()
    thread.add_argument("--thread", metavar="ID", help="the talk's name; default: the latest one")
    thread.add_argument("--resume", metavar="ID", help="go on with a talk that must exist")
    _add_common(chat)


def _add_index(commands: _Commands[_Parser]) -> None:
    index = commands.add_parser("index", help="read a folder of documents, or what changed in it")
    _add_documents(index)
    _add_common(index)


def _add_check(commands: _Commands[_Parser]) -> None:
    check = commands.add_parser("check", help="who is configured, and who is well")
    check.add_argument(
        "--spend",
        action="store_true",
        help="ask each model for one word, which is billed; otherwise only what is free",
    )
    _add_common(check)


def _add_demo(commands: _Commands[_Parser]) -> None:
    demo = commands.add_parser("demo", help="a few questions and answers about these documents")
    who = demo.add_mutually_exclusive_group()
    who.add_argument(
        "--offline",
        action="store_true",
        help="ask only the offline model; otherwise the configured providers, which bill it",
    )
    who.add_argument(
        "--live", action="store_true", help="ask the configured providers: what is done anyway"
    )
    _add_documents(demo)
    _add_common(demo)


def _add_documents(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--docs",
        metavar="DIR",
        default=os.environ.get("SWITCHYARD_DOCS"),
        help="folder of .md .txt .py .html .pdf ... files; default: $SWITCHYARD_DOCS",
    )


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state",
        metavar="PATH",
        type=Path,
        default=Path(STATE),
        help=f"folder for indexes and threads; default: {STATE}",
    )
    parser.add_argument("--json", action="store_true", help="write JSON, errors included")
