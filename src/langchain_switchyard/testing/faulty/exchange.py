"""One completion on its way: the question, its answer once thought of, and who words it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from langchain_switchyard.testing.faulty.dialects.dialect import Dialect
from langchain_switchyard.testing.faulty.problem import Problem
from langchain_switchyard.testing.faulty.question import Answer, Question, Reply, reply_to
from langchain_switchyard.testing.faulty.wire import Data, Head, Step

JSON = ("content-type", "application/json")


class Spoiler(Protocol):
    """What an exchange needs of a fault."""

    def retouch(self, answer: Answer) -> Answer:
        """Return the answer, changed if the fault is in what is said."""
        ...

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Return the response as it shall happen."""
        ...


class Exchange:
    """A completion request that a fault may spoil.

    Args:
        number: Number of the completion, from 1.
        dialect: Writes answers and refusals.
        question: What is asked.
        think: Answers it; called at most once, and only if the answer is needed.
        created: Seconds since the epoch.
    """

    def __init__(
        self,
        number: int,
        dialect: Dialect,
        question: Question,
        think: Callable[[Question], Answer],
        created: int,
    ) -> None:
        """Take the request; nothing is thought of yet."""
        self.number = number
        self.dialect = dialect
        self.question = question
        self._think = think
        self._created = created
        self._fault: Spoiler | None = None
        self._reply: Reply | None = None

    @property
    def reply(self) -> Reply:
        """The answer, retouched by the fault."""
        if self._reply is None:
            answer = self._think(self.question)
            if self._fault is not None:
                answer = self._fault.retouch(answer)
            self._reply = reply_to(self.question, answer, self.number, self._created)
        return self._reply

    def played(self, fault: Spoiler) -> Iterator[Step]:
        """Return the response as the fault leaves it."""
        self._fault = fault
        return fault.play(self._healthy(), self)

    def refused(self, problem: Problem) -> Iterator[Step]:
        """Yield a refusal in the dialect's words."""
        yield from refusal(self.dialect, problem, self.question.model)

    def _healthy(self) -> Iterator[Step]:
        question, dialect, reply = self.question, self.dialect, self.reply
        request_id = ("x-request-id", f"req_{self.number:032x}")
        if question.stream:
            headers = (("content-type", dialect.stream_type), ("cache-control", "no-cache"))
            yield Head(200, (*headers, request_id))
            yield from dialect.stream(question, reply)
        else:
            body = dialect.plain(question, reply)
            yield Head(200, (JSON, request_id), len(body))
            yield Data(body)


def refusal(dialect: Dialect, problem: Problem, model: str = "", key: str = "") -> Iterator[Step]:
    """Yield a refusal in the dialect's words."""
    worded = dialect.refuse(problem, model, key)
    yield Head(worded.status, (JSON, *worded.headers), len(worded.body))
    yield Data(worded.body)
