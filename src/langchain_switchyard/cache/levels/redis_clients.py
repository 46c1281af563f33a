"""Redis clients that give up in time: no retries of their own, and a limit on every wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_switchyard.errors import MissingExtra


def clients_of(url: str, budget: float) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Makers of a blocking and of an awaiting client that never wait longer than `budget` seconds.

    Raises:
        MissingExtra: `redis` is not installed.
    """
    try:
        import redis  # noqa: PLC0415 - an extra.
        import redis.asyncio as aredis  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("RedisLevel", "redis") from error
    common: dict[str, Any] = {"socket_timeout": budget, "socket_connect_timeout": budget}

    def blocking() -> Any:
        return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **common)

    def awaiting() -> Any:
        from redis.asyncio.retry import Retry as AsyncRetry  # noqa: PLC0415

        return aredis.Redis.from_url(url, retry=AsyncRetry(NoBackoff(), 0), **common)

    return blocking, awaiting
