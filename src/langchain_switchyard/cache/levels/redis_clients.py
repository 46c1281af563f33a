"""Redis clients that give up in time: a limit on every wait, and hardly a retry of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from langchain_switchyard.errors import ConfigurationError, MissingExtra

Clients: TypeAlias = tuple[Any, Any]
"""A blocking and an awaiting client, or functions that make them."""

_PORT, _SENTINEL_PORT = 6379, 26379


def clients_of(url: str, budget: float) -> Clients:
    """Makers of a blocking and of an awaiting client that never wait longer than `budget` seconds.

    Raises:
        MissingExtra: `redis` is not installed.
        ConfigurationError: The URL names no server, or no master.
    """
    try:
        import redis  # noqa: PLC0415 - an extra.
        import redis.asyncio as aredis  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("RedisLevel", "redis") from error
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    if kind not in ("", "cluster", "sentinel") or scheme not in ("redis", "rediss", "unix"):
        raise ConfigurationError(
            f"a Redis URL begins with redis://, rediss://, unix://, redis+cluster:// or "
            f"redis+sentinel://, got {parts.scheme}://"
        )
    if kind and parts.query:
        raise ConfigurationError(
            f"a {parts.scheme}:// URL takes no parameters; for {parts.query!r} make clients of "
            "your own and give RedisLevel(clients=...)"
        )
    if kind == "cluster":
        return _cluster(redis.cluster, parts, budget), _cluster(aredis.cluster, parts, budget)
    if kind == "sentinel":
        return _sentinel(redis.sentinel, parts, budget), _sentinel(aredis.sentinel, parts, budget)
    _check_single(redis, url, parts)
    facts: dict[str, Any] = {"socket_timeout": budget, "socket_connect_timeout": budget}
    return (
        lambda: redis.Redis.from_url(url, retry=_once_more(redis), **facts),
        lambda: aredis.Redis.from_url(url, retry=_once_more(aredis), **facts),
    )


def _check_single(redis: Any, url: str, parts: SplitResult) -> None:
    """Refuse at once what the client would find out only when it connects."""
    if parts.scheme != "unix":
        if len(_hosts(parts, _PORT, is_alone=True)) > 1:
            raise ConfigurationError("several hosts are a redis+cluster:// or redis+sentinel://")
        database = parts.path.strip("/")
        if database and not database.isdigit():
            # With an @ it is the rest of a password that holds a slash.
            got = "unquoted" if "@" in database else repr(parts.path)
            raise ConfigurationError(
                "a Redis URL ends in the number of a database: redis://cache:6379/0, got the path "
                f"{got} (in a password, / is %2F)"
            )
    try:
        pool = redis.ConnectionPool.from_url(url)
        connection = pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"a Redis URL that is none: {error}") from error
    _reading_bytes(connection)


def made_by(given: Any) -> Callable[[], Any]:
    """A function that makes a client: the one given, or one that hands out the client given.

    Raises:
        ConfigurationError: The client would turn what it reads into text.
    """
    if callable(given):
        return lambda: _reading_bytes(given())
    client = _reading_bytes(given)
    return lambda: client


def _reading_bytes(client: Any) -> Any:
    get_encoder = getattr(client, "get_encoder", None)
    encoder = get_encoder() if get_encoder is not None else getattr(client, "encoder", None)
    if getattr(encoder, "decode_responses", False):
        raise ConfigurationError("RedisLevel needs clients made with decode_responses=False")
    return client


def _cluster(module: Any, parts: SplitResult, budget: float) -> Callable[[], Any]:
    nodes, facts = _hosts(parts, _PORT), _facts(parts, budget)
    if parts.path.strip("/") not in ("", "0"):
        raise ConfigurationError(f"a cluster has no databases but 0, got the path {parts.path!r}")
    return lambda: module.RedisCluster(
        startup_nodes=[module.ClusterNode(host, port) for host, port in nodes],
        retry=_once_more(module),
        **facts,
    )


def _sentinel(module: Any, parts: SplitResult, budget: float) -> Callable[[], Any]:
    hosts, facts = _hosts(parts, _SENTINEL_PORT), _facts(parts, budget)
    service, _, database = parts.path.strip("/").partition("/")
    if not service or (database and not database.isdigit()):
        raise ConfigurationError(
            "a sentinel URL names its master and perhaps a database: "
            f"redis+sentinel://host:26379/mymaster/0, got the path {parts.path!r}"
        )
    # The password is the master's; sentinels seldom have one, and it would be another.
    ours = {name: value for name, value in facts.items() if name not in ("username", "password")}
    return lambda: module.Sentinel(
        hosts, sentinel_kwargs={**ours, "retry": _once_more(module)}
    ).master_for(service, db=int(database or 0), retry=_once_more(module), **facts)


def _hosts(parts: SplitResult, port: int, *, is_alone: bool = False) -> list[tuple[str, int]]:
    named = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
    try:
        hosts = [(host.hostname, host.port or port) for host in named if host.hostname]
    except ValueError as error:
        raise ConfigurationError(f"a Redis URL has a port that is none: {error}") from error
    # A single server may go unnamed: it is this machine.
    if len(hosts) < len(named) and not is_alone:
        raise ConfigurationError("a Redis URL names its hosts: redis+cluster://node-1:6379,node-2")
    return hosts


def _facts(parts: SplitResult, budget: float) -> dict[str, Any]:
    facts: dict[str, Any] = {"socket_timeout": budget, "socket_connect_timeout": budget}
    user, has_password, password = parts.netloc.rpartition("@")[0].partition(":")
    if has_password:
        facts |= {"username": unquote(user) or None, "password": unquote(password)}
    if parts.scheme.startswith("rediss"):
        facts["ssl"] = True
    return facts


def _once_more(module: Any) -> Any:
    """A connection that died in the pool is no sick server: a new one is tried at once."""
    from redis.backoff import NoBackoff  # noqa: PLC0415 - an extra.
    from redis.exceptions import ConnectionError as Broken  # noqa: PLC0415

    if ".asyncio" in module.__name__:
        from redis.asyncio.retry import Retry  # noqa: PLC0415
    else:
        from redis.retry import Retry  # type: ignore[assignment]  # noqa: PLC0415 - its twin.
    return Retry(NoBackoff(), 1, supported_errors=(Broken,))
