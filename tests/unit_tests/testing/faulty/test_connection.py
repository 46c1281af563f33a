"""One connection, on a transport that only remembers."""

import asyncio
import itertools

import pytest

from langchain_switchyard.testing.faulty.connection import Connection
from langchain_switchyard.testing.faulty.wire import Data, Head, Wait

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


class Transport(asyncio.Transport):
    """Remembers what was written."""

    def __init__(self):
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data):
        """Remember."""
        self.written += data

    def close(self):
        """Remember."""
        self.closed = True

    abort = close

    def is_closing(self):
        """Tell."""
        return self.closed


class Host:
    """Answers every request with the same steps."""

    def __init__(self, *steps):
        self.steps, self.ends = steps, []

    def respond(self, request):
        """Answer."""
        return iter(self.steps), self

    def sent_head(self, status):
        """Ignore."""

    def ended(self, *, abandoned):
        """Remember."""
        self.ends.append(abandoned)

    def connected(self, connection):
        """Ignore."""

    def disconnected(self, connection):
        """Ignore."""


def connected(host):
    """Return a connection of the running loop, with its transport."""
    connection, transport = Connection(host, asyncio.get_running_loop()), Transport()
    connection.connection_made(transport)
    return connection, transport


async def test_writing_pauses_while_the_client_does_not_read():
    """What cannot be sent is not even produced."""
    produced = itertools.count()
    block = Data(b"x" * 70_000)
    host = Host()
    host.steps = itertools.chain([Head(200)], ((next(produced), block)[1] for _ in range(5)))
    connection, transport = connected(host)
    connection.pause_writing()
    connection.data_received(REQUEST)
    assert next(produced) == 1
    assert host.ends == []
    connection.resume_writing()
    assert transport.written.endswith(b"0\r\n\r\n")
    assert host.ends == [False]


async def test_resuming_does_not_end_a_silence():
    """Only the timer or the client's leaving ends a wait."""
    host = Host(Head(200), Wait(None), Data(b"late"))
    connection, transport = connected(host)
    connection.data_received(REQUEST)
    connection.pause_writing()
    connection.resume_writing()
    assert b"late" not in transport.written
    connection.connection_lost(None)
    assert host.ends == [True]


async def test_a_wait_flushes_what_came_before():
    """The client sees the headers while the body is late."""
    connection, transport = connected(Host(Head(200, (), 4), Wait(0.0), Data(b"late")))
    connection.data_received(REQUEST)
    assert transport.written.endswith(b"\r\n\r\n")
    await asyncio.sleep(0.001)
    assert transport.written.endswith(b"late")


async def test_an_empty_part_does_not_end_a_chunked_body():
    """An empty chunk would be the terminator."""
    connection, transport = connected(Host(Head(200), Data(b""), Data(b"x")))
    connection.data_received(REQUEST)
    assert transport.written.endswith(b"1\r\nx\r\n0\r\n\r\n")
    assert transport.written.count(b"0\r\n\r\n") == 1


@pytest.mark.parametrize("header", ["connection: close", "Connection: Close"])
async def test_connection_close_is_honoured(header):
    """The server closes when the client said so."""
    host = Host(Head(200, (), 0))
    connection, transport = connected(host)
    connection.data_received(f"GET / HTTP/1.1\r\n{header}\r\n\r\n".encode())
    assert transport.closed
    assert host.ends == [False]
