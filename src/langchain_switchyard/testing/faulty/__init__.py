"""A provider that fails on command: `FaultyProvider` and the faults it knows."""

from langchain_switchyard.testing.faulty.brain import Brain, think
from langchain_switchyard.testing.faulty.ledger import RecordedRequest
from langchain_switchyard.testing.faulty.provider import FaultyProvider
from langchain_switchyard.testing.faulty.question import Answer, Question, Tool, ToolUse

__all__ = [
    "Answer",
    "Brain",
    "FaultyProvider",
    "Question",
    "RecordedRequest",
    "Tool",
    "ToolUse",
    "think",
]
