"""What a provider's wire format has to do for the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from langchain_switchyard.testing.faulty.problem import Problem
from langchain_switchyard.testing.faulty.question import Question, Reply
from langchain_switchyard.testing.faulty.wire import Data, Request


class Refused(Exception):
    """The request cannot be answered; the problem says why."""

    def __init__(self, problem: Problem, model: str = "") -> None:
        """Carry the problem to whoever writes the response."""
        super().__init__(problem.kind)
        self.problem = problem
        self.model = model


class Refusal(NamedTuple):
    """A refusal, worded: status, headers and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Dialect(Protocol):
    """A wire format. Stateless: one object serves all requests."""

    stream_type: str
    """Content type of a stream."""

    def read(self, request: Request) -> Question:
        """Understand a completion request.

        Raises:
            Refused: It is not a request this provider would take.
        """
        ...

    def key(self, request: Request) -> str:
        """Return the API key the client sent, empty if none."""
        ...

    def plain(self, question: Question, reply: Reply) -> bytes:
        """Return a whole answer as a body."""
        ...

    def stream(self, question: Question, reply: Reply) -> Iterator[Data]:
        """Yield an answer event by event, each marked with its kind."""
        ...

    def refuse(self, problem: Problem, model: str, key: str = "") -> Refusal:
        """Word a refusal as the provider does."""
        ...

    def error_event(self, problem: Problem, model: str) -> Data:
        """Return an error as it comes in the middle of a stream."""
        ...

    def broken_event(self) -> Data:
        """Return an event whose JSON is cut off."""
        ...

    def ping(self) -> Data:
        """Return a sign of life that carries nothing."""
        ...
