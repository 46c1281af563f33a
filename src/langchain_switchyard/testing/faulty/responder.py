"""From a request to its response: who is asked, which fault applies, what is answered."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator

from langchain_switchyard.testing.faulty.brain import Brain
from langchain_switchyard.testing.faulty.dialects.dialect import Refused
from langchain_switchyard.testing.faulty.embeddings import embeddings_body
from langchain_switchyard.testing.faulty.exchange import JSON, Exchange, refusal
from langchain_switchyard.testing.faulty.faults.fault import Fault
from langchain_switchyard.testing.faulty.jsons import body_of, compact
from langchain_switchyard.testing.faulty.ledger import Ledger, Ticket
from langchain_switchyard.testing.faulty.problem import Problem
from langchain_switchyard.testing.faulty.question import Answer, Question
from langchain_switchyard.testing.faulty.routes import Route, route
from langchain_switchyard.testing.faulty.wire import Data, Hangup, Head, Request, Step

_log = logging.getLogger(__name__)


class Scenario:
    """Which fault comes next. One lock.

    Args:
        faults: One per completion, in order.
        default: Afterwards.
    """

    def __init__(self, faults: Iterable[Fault], default: Fault) -> None:
        """Start at the first fault."""
        self.default = default
        self._queue = deque(faults)
        self._number = 0
        self._lock = threading.Lock()

    def append(self, faults: Iterable[Fault]) -> None:
        """Add faults at the end."""
        with self._lock:
            self._queue.extend(faults)

    def clear(self) -> None:
        """Drop the queue and count completions from 1 again."""
        with self._lock:
            self._queue.clear()
            self._number = 0

    def next(self) -> tuple[int, Fault]:
        """Return the number of this completion, from 1, and its fault."""
        with self._lock:
            self._number += 1
            return self._number, self._queue.popleft() if self._queue else self.default


class Responder:
    """Answers requests, in the server's thread.

    Args:
        ledger: Records them.
        scenario: Says what goes wrong.
        brain: Thinks of answers.
        api_keys: Accepted keys; empty accepts any.
        models: Models to list.
    """

    def __init__(
        self,
        ledger: Ledger,
        scenario: Scenario,
        brain: Brain,
        api_keys: frozenset[str],
        models: tuple[str, ...],
    ) -> None:
        """Be ready."""
        self._ledger = ledger
        self._scenario = scenario
        self._brain = brain
        self._api_keys = api_keys
        self._models = models

    def respond(self, request: Request) -> tuple[Iterator[Step], Ticket]:
        """Return the response, step by step, and the ticket that follows it."""
        asked = route(request.method, request.path)
        ticket = self._ledger.enter(request, completion=asked.what == "completion")
        return self._guarded(asked, request, ticket), ticket

    def _guarded(self, asked: Route, request: Request, ticket: Ticket) -> Iterator[Step]:
        """Turn an error of a brain or of a home-made fault into a 500, or a cut connection."""
        begun = False
        try:
            for step in self._steps(asked, request, ticket):
                begun = True
                yield step
        except Exception as error:  # noqa: BLE001 - reported: log, `errors`, and the client's 500
            _log.exception("the brain or the fault of a faulty provider raised an error")
            self._ledger.failed(error)
            if begun:
                yield Hangup()
            else:
                text = f"{type(error).__name__}: {error}"
                yield from _json(500, {"error": {"message": text, "type": "rehearsal_error"}})

    def _steps(self, asked: Route, request: Request, ticket: Ticket) -> Iterator[Step]:
        key = asked.dialect.key(request)
        if self._api_keys and key not in self._api_keys:
            return refusal(asked.dialect, Problem("auth"), key=key)
        try:
            if asked.what == "completion":
                return self._completion(asked, request, ticket)
            return self._other(asked, request)
        except Refused as refused:
            return refusal(asked.dialect, refused.problem, refused.model)

    def _completion(self, asked: Route, request: Request, ticket: Ticket) -> Iterator[Step]:
        question = asked.dialect.read(request)
        number, fault = self._scenario.next()
        exchange = Exchange(number, asked.dialect, question, self._think, int(time.time()))
        picked = fault.pick(exchange)
        ticket.record.faults = picked.names
        return exchange.played(picked)

    def _think(self, question: Question) -> Answer:
        answer = self._brain(question)
        return Answer(answer) if isinstance(answer, str) else answer

    def _other(self, asked: Route, request: Request) -> Iterator[Step]:
        if asked.what == "embeddings":
            return _json(200, embeddings_body(body_of(request)))
        if asked.what == "models":
            return _json(200, {"object": "list", "data": [_model(name) for name in self._models]})
        if asked.what == "model" and asked.name in self._models:
            return _json(200, _model(asked.name))
        if asked.what == "model":
            return refusal(asked.dialect, Problem("model_not_found"), asked.name)
        if asked.what == "tags":
            return _json(200, {"models": [{"name": name, "model": name} for name in self._models]})
        detail = f"Invalid URL ({request.method} {request.path})"
        return refusal(asked.dialect, Problem("bad_request", status=404, detail=detail))


def _json(status: int, body: object) -> Iterator[Step]:
    content = compact(body).encode()
    yield Head(status, (JSON,), len(content))
    yield Data(content)


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "rehearsal"}
