"""Turns any exception into a `Failure`, without importing any provider's SDK.

Asked in this order, the first answer wins: is it nobody's fault (cancellation, the caller's bug)?
the code in the error's body (the provider's table, then `GENERAL`), the `ModelError` subclass, the
HTTP status, the class names of its whole family (httpx and httpx2 alike), and at last the words.
A coarse answer (bad request, rate limited, no access) is then refined by words that say more: quota
is told from rate limit, an overlong prompt and filtered content from other bad requests.

Two decisions worth knowing:

* A full connection pool (`PoolTimeout`) is our own client's congestion, not the provider's fault:
  it is `rate_limited` with a short `retry_after`, which sends the request elsewhere and tells the
  breaker nothing.
* An exception that bears no provider's fingerprint (class, status, or the code that raised it) is
  the caller's own: `cancelled`, which means passed through untouched and counted against nobody.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)

from langchain_switchyard.routing.failures.error_table import GENERAL, ErrorTable
from langchain_switchyard.routing.failures.fingerprint import (
    codes_in_text,
    codes_of,
    comes_from_provider,
    is_passed_through,
    status_in_text,
    status_of,
    text_of,
)
from langchain_switchyard.routing.failures.kinds import Failure, Kind
from langchain_switchyard.routing.failures.retry_after import from_text, retry_after

__all__ = ["GENERAL", "POOL_RETRY_AFTER", "ErrorTable", "classify", "is_dead_loops_socket"]

logger = logging.getLogger(__name__)

POOL_RETRY_AFTER = 0.5
"""Seconds to leave a client alone whose connections are all taken."""


_REFINED_BY_WORDS: Mapping[Kind, frozenset[Kind]] = {
    Kind.RATE_LIMITED: frozenset({Kind.QUOTA_EXHAUSTED}),
    Kind.AUTH: frozenset({Kind.QUOTA_EXHAUSTED, Kind.CONTENT_FILTERED}),
    Kind.BAD_REQUEST: frozenset(
        {Kind.QUOTA_EXHAUSTED, Kind.CONTEXT_LENGTH, Kind.CONTENT_FILTERED, Kind.AUTH}
    ),
}
"""Coarse kind -> the finer ones that the message may turn it into."""

_BY_MODEL_ERROR: tuple[tuple[type[ModelError], Kind], ...] = (
    (ContextOverflowError, Kind.CONTEXT_LENGTH),
    (ModelRateLimitError, Kind.RATE_LIMITED),
    (ModelTimeoutError, Kind.TIMEOUT),
    (ModelConnectionError, Kind.CONNECTION),
    (ModelAPIError, Kind.SERVER_ERROR),
    (ModelAuthenticationError, Kind.AUTH),
    (ModelPermissionDeniedError, Kind.AUTH),
    (ModelNotFoundError, Kind.AUTH),
    (ModelInvalidRequestError, Kind.BAD_REQUEST),
)

_BY_STATUS: Mapping[int, Kind] = {
    401: Kind.AUTH,
    402: Kind.QUOTA_EXHAUSTED,
    403: Kind.AUTH,
    404: Kind.AUTH,
    408: Kind.TIMEOUT,
    # Conflict and "too early" are the server's to sort out: the same request may pass later.
    409: Kind.SERVER_ERROR,
    425: Kind.SERVER_ERROR,
    429: Kind.RATE_LIMITED,
    503: Kind.OVERLOADED,
    529: Kind.OVERLOADED,
}

_BY_CLASS_NAME: Mapping[str, Kind] = {
    name: kind
    for kind, names in {
        Kind.TIMEOUT: "TimeoutError TimeoutException APITimeoutError ConnectTimeout ReadTimeout "
        "WriteTimeout PoolTimeout Timeout ServerTimeoutError ConnectTimeoutError "
        "ReadTimeoutError StreamChunkTimeoutError",
        Kind.CONNECTION: "APIConnectionError ConnectionError ConnectError NetworkError ReadError "
        "WriteError CloseError ProtocolError RemoteProtocolError ProxyError TransportError "
        "ChunkedEncodingError IncompleteRead IncompleteReadError SSLError gaierror herror "
        "NewConnectionError MaxRetryError NameResolutionError ServerDisconnectedError "
        "ClientConnectionError ClientPayloadError StreamClosed EndOfStream BrokenResourceError "
        "WebSocketConnectionClosedError",
        Kind.OVERLOADED: "OverloadedError ServiceUnavailableError ServiceUnavailable",
        Kind.SERVER_ERROR: "InternalServerError APIResponseValidationError DecodingError "
        "ContentDecodingError JSONDecodeError SSEError",
        Kind.RATE_LIMITED: "RateLimitError ResourceExhausted ThrottlingException TooManyRequests",
        # An address that cannot work is like a key that cannot work: loud, and try elsewhere.
        Kind.AUTH: "AuthenticationError PermissionDeniedError NotFoundError CredentialsError "
        "Unauthenticated PermissionDenied UnsupportedProtocol InvalidURL MissingSchema",
        Kind.CONTENT_FILTERED: "ContentFilterFinishReasonError",
        Kind.BAD_REQUEST: "BadRequestError UnprocessableEntityError InvalidArgument "
        "LengthFinishReasonError",
    }.items()
    for name in names.split()
}

_NETWORK_ERRNOS = frozenset(
    {errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL}
)
"""Errors of the network which Python gives no class of their own."""

_MALFORMED = (ValueError, KeyError, IndexError, AttributeError, TypeError)
"""What SDKs and parsers raise when a body is not what they expect (HTML with status 200)."""

_CARRIES_DELAY = frozenset(
    {Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.QUOTA_EXHAUSTED, Kind.SERVER_ERROR}
)


def classify(error: BaseException, table: ErrorTable = GENERAL, *, wall: float) -> Failure:
    """What went wrong.

    Args:
        error: Any exception. Never raises, however broken the exception is.
        table: How the provider's own codes and words read; `GENERAL` is asked after it.
        wall: The present in seconds since the epoch, to read dates in `Retry-After`.

    Returns:
        The kind, the untouched error, and the seconds the provider asked for.
    """
    try:
        kind = _kind(error, table)
        if kind is Kind.TIMEOUT and _pool_is_full(error):
            return Failure(Kind.RATE_LIMITED, error, POOL_RETRY_AFTER)
        delay = retry_after(error, wall) if kind in _CARRIES_DELAY else None
    except Exception:  # Foreign objects may raise anything when looked at.
        logger.debug("cannot read an exception of class %s", type(error), exc_info=True)
        return Failure(Kind.UNKNOWN, error)
    return Failure(kind, error, delay)


def _kind(error: BaseException, table: ErrorTable) -> Kind:
    if is_passed_through(error):
        return Kind.CANCELLED
    # Most deployments have no table of their own: do not read GENERAL twice.
    tables = (GENERAL,) if table is GENERAL else (table, GENERAL)
    coarse, asked = _by_code(error, tables)
    coarse = coarse or _by_type(error, tables[:-1])
    if coarse is Kind.SERVER_ERROR and status_of(error) in (503, 529):
        coarse = Kind.OVERLOADED  # The status says more than a code that fits all of 5xx.
    if coarse is None:
        return _by_origin(error, tables)
    finer = _REFINED_BY_WORDS.get(coarse)
    if finer is None:
        return coarse
    text = text_of(error)
    found = _by_words(text, tables[:asked], finer)
    if coarse is Kind.RATE_LIMITED and found is Kind.QUOTA_EXHAUSTED and from_text(text, 0.0):
        # Gemini words its limits per minute as a quota, but says when to come back.
        return coarse
    return found or coarse


def _by_code(error: BaseException, tables: tuple[ErrorTable, ...]) -> tuple[Kind | None, int]:
    """What the codes say, and how many of the tables may refine it by words.

    Where a provider's own table knows the code, only its own words count: DashScope's 429
    `insufficient_quota` is a limit per minute although it is worded like an empty account.
    """
    codes = list(codes_of(error))
    for index, table in enumerate(tables):
        for code in codes:
            kind = table.code(code)
            if kind is not None:
                return kind, index + 1
    return None, len(tables)


def _by_words(
    text: str, tables: tuple[ErrorTable, ...], allowed: frozenset[Kind] | None = None
) -> Kind | None:
    for table in tables:
        kind = table.words(text, allowed)
        if kind is not None:
            return kind
    return None


def _by_type(error: BaseException, own: tuple[ErrorTable, ...]) -> Kind | None:
    status = status_of(error)
    names = [cls.__name__ for cls in type(error).__mro__]
    for table in own:
        for name in names:
            if (found := table.codes.get(name.lower())) is not None:
                return found
    if isinstance(error, ModelError):
        for cls, kind in _BY_MODEL_ERROR:
            if isinstance(error, cls):
                return kind
    if status is not None:
        return _by_status(status)
    for name in names:
        if (found := _BY_CLASS_NAME.get(name)) is not None:
            return found
    is_network = isinstance(error, OSError) and error.errno in _NETWORK_ERRNOS
    return Kind.CONNECTION if is_network or is_dead_loops_socket(error) else None


def is_dead_loops_socket(error: BaseException) -> bool:
    """Whether a client kept a connection from an event loop that is gone (one `asyncio.run` ago).

    The request may have been sent, only its answer cannot be read any more: the attempt counts.
    """
    cause: BaseException | None = error
    for _ in range(4):  # LangChain's error, the SDK's, httpx's, asyncio's.
        if cause is None:
            return False
        if isinstance(cause, RuntimeError) and str(cause) == "Event loop is closed":
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _by_status(status: int) -> Kind | None:
    kind = _BY_STATUS.get(status)
    if kind is None and status >= 400:
        return Kind.SERVER_ERROR if status >= 500 else Kind.BAD_REQUEST
    return kind


def _by_origin(error: BaseException, tables: tuple[ErrorTable, ...]) -> Kind:
    """For exceptions that say nothing by themselves: who raised them, and in which words?"""
    if not isinstance(error, ModelError) and not comes_from_provider(error):
        return Kind.CANCELLED
    codes = list(codes_in_text(error))
    kinds = (table.code(code) for table in tables for code in codes)
    text = text_of(error)
    found = next((kind for kind in kinds if kind is not None), None)
    if found is None or found is Kind.BAD_REQUEST:
        found = _by_words(text, tables) or found
    if found is not None:
        return found
    status = status_in_text(error)
    if status is not None:
        return _by_status(status) or Kind.UNKNOWN
    return Kind.SERVER_ERROR if isinstance(error, _MALFORMED) else Kind.UNKNOWN


def _pool_is_full(error: BaseException) -> bool:
    """Whether a timeout was spent waiting for a free connection of our own pool."""
    cause: BaseException | None = error
    for _ in range(4):  # LangChain's error, the SDK's, httpx's, httpcore's.
        if cause is None:
            return False
        if type(cause).__name__ == "PoolTimeout":
            return True
        cause = cause.__cause__ or cause.__context__
    return False
