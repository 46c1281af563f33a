"""A few connections to a PostgreSQL server, each used by one thread at a time."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from queue import Empty, LifoQueue
from typing import Any

from pydantic import SecretStr

from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.forks import FORKS
from langchain_switchyard.retrieval.backends.backend import BackendError


class Connections:
    """Opened when needed, kept when idle, thrown away when broken.

    Args:
        url: ``postgresql://user:password@host/database``.
        timeout: Seconds to wait for a connection, and for each statement.

    Raises:
        MissingExtra: psycopg is not installed (extra ``postgres``).
        ConfigurationError: The URL cannot be read; the message does not show it.
    """

    def __init__(self, url: SecretStr, timeout: float) -> None:
        """Connect to nothing yet."""
        try:
            self._package: Any = import_module("psycopg")
        except ImportError as error:
            raise MissingExtra("PostgresBackend", "postgres") from error
        try:
            parts = self._package.conninfo.conninfo_to_dict(url.get_secret_value())
        except self._package.ProgrammingError:
            # Not from the error, which quotes what it could not read: the password, too.
            raise ConfigurationError(
                "the PostgreSQL URL cannot be read: postgresql://user:password@host/database"
            ) from None
        host, port = parts.get("host", "localhost"), parts.get("port", 5432)
        self._place = f"PostgreSQL at {host}:{port}"
        self._url, self._timeout = url, timeout
        self._closed = False
        self.forked()
        FORKS.tend(self)

    def before_fork(self) -> None:
        """Nothing to let go of: the parent goes on with its connections."""

    def forked(self) -> None:
        """Connect anew; psycopg says no goodbye on connections that another process opened."""
        self._idle: LifoQueue[Any] = LifoQueue(8)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Yield a connection inside a transaction.

        Raises:
            BackendError: The server does not answer in time, or refuses a statement.
        """
        try:
            connection = self._taken() or self._opened()
            try:
                with connection.transaction():
                    yield connection
            finally:
                self._give_back(connection)
        except self._package.Error as error:
            raise BackendError(f"{self._place}: {_first_line(error)}") from error

    def close(self) -> None:
        """Close idle connections; those in use are closed when they come back."""
        self._closed = True
        while (connection := self._taken()) is not None:
            connection.close()

    def _taken(self) -> Any:
        while True:
            try:
                connection = self._idle.get_nowait()
            except Empty:
                return None
            # An idle server says nothing, unless it said goodbye.
            watch = select.poll()
            watch.register(connection.fileno(), select.POLLIN)
            if not watch.poll(0):
                return connection
            connection.close()

    def _opened(self) -> Any:
        connection = self._package.connect(
            self._url.get_secret_value(),
            autocommit=True,
            connect_timeout=max(2, round(self._timeout)),
        )
        connection.execute(f"SET statement_timeout = {round(self._timeout * 1000)}")
        return connection

    def _give_back(self, connection: Any) -> None:
        if self._closed or connection.closed or self._idle.full():
            connection.close()
            return
        self._idle.put(connection)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
