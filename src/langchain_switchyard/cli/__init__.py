"""The command line: `switchyard ask | chat | index | check | demo`."""

from langchain_switchyard.cli.program import main

__all__ = ["main"]
