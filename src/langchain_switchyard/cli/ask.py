"""`switchyard ask`: one question, one answer."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import ExitStack

from langchain_switchyard.cli.console import Console
from langchain_switchyard.cli.failure import BadInput
from langchain_switchyard.cli.session import open_assistant, readable, show_sources, take_turn
from langchain_switchyard.cli.threads import choose_thread, open_threads


def run(options: Namespace, console: Console) -> int:
    """Answer one question."""
    asked = sys.stdin.read() if options.question == "-" else options.question
    question = readable(asked)
    if not question:
        raise BadInput("the question is empty: say something")
    with ExitStack() as stack:
        saver = thread = None
        if options.thread is not None or options.resume is not None:
            saver = stack.enter_context(open_threads(options.state))
            thread = choose_thread(saver, options.thread, options.resume)
        assistant = stack.enter_context(open_assistant(options.docs, options.state, console, saver))
        turn = take_turn(assistant, question, thread, console)
        if console.as_json:
            console.emit(turn.as_json())
        else:
            show_sources(turn, console)
    return 0
