"""Deadline: one instant by which the whole request must be over, whatever happens inside."""

from __future__ import annotations

from langchain_switchyard.routing.call import Call, Reply
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Steps
from langchain_switchyard.routing.layer import Candidates, Handler, Layer
from langchain_switchyard.routing.timeouts import Timeouts


def deadline(timeouts: Timeouts, clock: Clock) -> Layer:
    """Stamp the call with its deadline; `retry` and `attempt` keep to it."""

    def layer(inner: Handler) -> Handler:
        def handle(call: Call, candidates: Candidates) -> Steps[Reply]:
            seconds = call.options.deadline or timeouts.deadline
            call.deadline = None if seconds is None else clock.now() + seconds
            return (yield from inner(call, candidates))

        return handle

    return layer
