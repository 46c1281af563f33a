"""What a fault is, and being well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from langchain_switchyard.testing.faulty.exchange import Exchange
from langchain_switchyard.testing.faulty.question import Answer
from langchain_switchyard.testing.faulty.wire import Head, Step


class Fault:
    """Spoils a response. A fault is a value: it may serve many requests at once.

    Write your own by overriding `play`: it gets the healthy response as steps (head, data, waits)
    and yields what shall happen instead.
    """

    def pick(self, exchange: Exchange) -> Fault:
        """Return the fault that applies to this request; combinations choose here."""
        del exchange
        return self

    def retouch(self, answer: Answer) -> Answer:
        """Return the answer, changed if the fault is in what is said."""
        return answer

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Return the response as it shall happen."""
        del exchange
        return steps

    @property
    def names(self) -> tuple[str, ...]:
        """What the records call it."""
        return (type(self).__name__,)


@dataclass(frozen=True)
class Healthy(Fault):
    """Answers well.

    Args:
        headers: Sent with every answer, such as `x-ratelimit-remaining-requests`.
    """

    headers: Mapping[str, str] = field(default_factory=dict)

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Add the headers."""
        del exchange
        if not self.headers:
            return steps
        more = tuple(self.headers.items())
        return (
            step._replace(headers=step.headers + more) if isinstance(step, Head) else step
            for step in steps
        )

    @property
    def names(self) -> tuple[str, ...]:
        """No fault, no name."""
        return ()
