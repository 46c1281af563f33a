"""Faults that answer with an error, in the words of the provider asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from langchain_switchyard.testing.faulty.dialects.flavours import ZHIPU
from langchain_switchyard.testing.faulty.dialects.openai import Zhipu
from langchain_switchyard.testing.faulty.exchange import Exchange, refusal
from langchain_switchyard.testing.faulty.faults.fault import Fault
from langchain_switchyard.testing.faulty.problem import Problem
from langchain_switchyard.testing.faulty.wire import Data, Head, Step

_GATEWAY = {502: "Bad Gateway", 504: "Gateway Time-out"}


class Refuses(Fault):
    """A fault that is one error response."""

    def problem(self) -> Problem:
        """Return what to refuse with."""
        raise NotImplementedError

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Refuse instead of answering."""
        del steps
        return exchange.refused(self.problem())


@dataclass(frozen=True)
class RateLimited(Refuses):
    """429, with the headers that say when to come back.

    Args:
        retry_after: Seconds, a moment (sent as an HTTP date), or the header's text.
        retry_after_ms: Milliseconds, as OpenAI and Azure send them besides.
        headers: More headers, such as `x-ratelimit-reset-requests`.
    """

    retry_after: float | datetime | str | None = None
    retry_after_ms: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def problem(self) -> Problem:
        """Return the 429 with its headers."""
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["retry-after"] = _retry_after(self.retry_after)
        if self.retry_after_ms is not None:
            headers["retry-after-ms"] = f"{self.retry_after_ms:g}"
        return Problem("rate_limited", headers=tuple(headers.items()))


def _retry_after(value: float | datetime | str) -> str:
    if isinstance(value, datetime):
        return format_datetime(value.astimezone(UTC), usegmt=True)
    return value if isinstance(value, str) else f"{value:g}"


@dataclass(frozen=True)
class ServerError(Refuses):
    """500, or the HTML page of a gateway for 502 and 504.

    Args:
        status: The HTTP status.
    """

    status: int = 500

    def problem(self) -> Problem:
        """Return the 5xx."""
        return Problem("server_error", status=self.status)

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Refuse as the provider, or as the gateway before it."""
        if self.status not in _GATEWAY:
            return super().play(steps, exchange)
        title = f"{self.status} {_GATEWAY[self.status]}"
        page = (
            f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1>"
            "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        ).encode()
        head = Head(self.status, (("content-type", "text/html"),), len(page))
        return iter((head, Data(page)))


@dataclass(frozen=True)
class Overloaded(Refuses):
    """503, or 529 where the provider says so.

    Args:
        status: Overrides the provider's own.
    """

    status: int | None = None

    def problem(self) -> Problem:
        """Return the refusal."""
        return Problem("overloaded", status=self.status)


@dataclass(frozen=True)
class InsufficientQuota(Refuses):
    """The account's money is spent: 429 with another code than a rate limit."""

    def problem(self) -> Problem:
        """Return the refusal."""
        return Problem("quota")


@dataclass(frozen=True)
class Arrearage(Refuses):
    """DashScope's unpaid account: a 400."""

    def problem(self) -> Problem:
        """Return the refusal."""
        return Problem("arrears")


@dataclass(frozen=True)
class InvalidApiKey(Refuses):
    """401."""

    def problem(self) -> Problem:
        """Return the refusal."""
        return Problem("auth")


@dataclass(frozen=True)
class ModelNotFound(Refuses):
    """404."""

    def problem(self) -> Problem:
        """Return the refusal."""
        return Problem("model_not_found")


@dataclass(frozen=True)
class ContentPolicyViolation(Refuses):
    """The prompt is refused for what it says: a 400."""

    def problem(self) -> Problem:
        """Return the refusal."""
        return Problem("content_policy")


@dataclass(frozen=True)
class ContextLengthExceeded(Refuses):
    """The prompt is too long: a 400.

    Args:
        limit: Refuse only prompts of more tokens; `None` refuses all.
    """

    limit: int | None = None

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Refuse what is too long."""
        tokens = exchange.question.prompt_tokens()
        if self.limit is not None and tokens <= self.limit:
            return steps
        return exchange.refused(Problem("context_length", detail=str(max(tokens, 8193))))


@dataclass(frozen=True)
class RejectsPrefill(Refuses):
    """400 when the last message is the assistant's; well otherwise."""

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Refuse to continue somebody else's answer."""
        if exchange.question.messages[-1]["role"] != "assistant":
            return steps
        return exchange.refused(Problem("prefill"))


@dataclass(frozen=True)
class ZhipuError(Refuses):
    """One of Zhipu's business codes, in Zhipu's shape whatever the dialect asked.

    Args:
        code: Such as 1113 (arrears, as 429), 1302 (concurrency), 1261 (context), 1301 (content).
    """

    code: int | str

    def __post_init__(self) -> None:
        """Refuse codes that are not known here."""
        if str(self.code) not in ZHIPU:
            raise ValueError(f"unknown Zhipu code {self.code}; known: {', '.join(ZHIPU)}")

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Refuse as Zhipu does."""
        del steps
        return refusal(Zhipu(), Problem("zhipu", code=str(self.code)), exchange.question.model)
