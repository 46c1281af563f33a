"""The server as a server: connections, keep-alive, abandonment, a clean end."""

import asyncio
import gc
import http.client
import json
import socket
import threading
import time
from pathlib import Path

import pytest

from langchain_switchyard.testing import (
    Drip,
    FaultyProvider,
    Healthy,
    LateFirstToken,
    NeverAnswers,
    ServerError,
    Stall,
)

BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def connect(provider: FaultyProvider) -> http.client.HTTPConnection:
    """Open a plain connection."""
    port = int(provider.root_url.rpartition(":")[2])
    return http.client.HTTPConnection("127.0.0.1", port, timeout=5)


def post(connection: http.client.HTTPConnection, **more: object) -> http.client.HTTPResponse:
    """Send a completion request and return its response."""
    connection.request(
        "POST",
        "/v1/chat/completions",
        json.dumps({**BODY, **more}),
        {"content-type": "application/json"},
    )
    return connection.getresponse()


def raw(provider: FaultyProvider, data: bytes) -> bytes:
    """Send bytes and return all that comes back before the server closes."""
    port = int(provider.root_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(data)
        parts = []
        while part := client.recv(65536):
            parts.append(part)
        return b"".join(parts)


def completion_request(*, version: str = "1.1", extra: str = "") -> bytes:
    """Return the bytes of a completion request."""
    body = json.dumps(BODY)
    head = f"POST /v1/chat/completions HTTP/{version}\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
    return f"{head}{extra}\r\n{body}".encode()


def test_keep_alive_serves_many_requests_on_one_connection(provider):
    """Plain and streamed responses both leave the connection usable."""
    connection = connect(provider)
    for stream in (False, True, False, True):
        response = post(connection, stream=stream)
        assert response.status == 200
        assert response.read()
    connection.close()
    assert provider.connections_accepted == 1
    assert provider.attempts == 4


def test_a_stream_ends_with_the_chunked_terminator(provider):
    """Clients that read to the end find it at once."""
    data = raw(provider, completion_request(extra="connection: close\r\n"))
    assert b"connection: close" in data
    streamed = json.dumps({**BODY, "stream": True})
    head = "POST /v1/chat/completions HTTP/1.1\r\nconnection: close\r\n"
    data = raw(provider, f"{head}content-length: {len(streamed)}\r\n\r\n{streamed}".encode())
    assert b"transfer-encoding: chunked" in data
    assert data.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_http_1_0_gets_no_chunks(provider):
    """Old clients and simple load generators are served, too."""
    data = raw(provider, completion_request(version="1.0"))
    assert data.startswith(b"HTTP/1.1 200")
    assert json.loads(data.partition(b"\r\n\r\n")[2])["object"] == "chat.completion"


def test_pipelined_requests_are_answered_in_order(provider):
    """Two requests in one packet are two responses."""
    last = completion_request(extra="connection: close\r\n")
    assert raw(provider, completion_request() + last).count(b"HTTP/1.1 200 OK") == 2


def test_a_request_may_come_in_pieces_and_in_chunks(provider):
    """Bytes may be cut anywhere; a chunked body is put together."""
    port = int(provider.root_url.rpartition(":")[2])
    body = json.dumps(BODY).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close"
    chunks = b"5\r\n" + body[:5] + b"\r\n%x\r\n" % len(body[5:]) + body[5:] + b"\r\n0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        for byte in head + b"\r\n\r\n" + chunks:
            client.sendall(bytes([byte]))
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nfffffffff\r\n",
        b"GET /" + b"x" * 70_000,
    ],
)
def test_bytes_that_are_no_http_get_a_400_and_the_door(provider, nonsense):
    """The server says why and closes; others are not disturbed."""
    assert raw(provider, nonsense).startswith(b"HTTP/1.1 400 Bad Request")
    assert post(connect(provider)).status == 200


def test_two_hundred_silent_connections_do_not_hinder_the_next(provider):
    """Waiting costs nothing but a timer."""
    provider.script(*[NeverAnswers()] * 200)
    port = int(provider.root_url.rpartition(":")[2])
    clients = []
    for _ in range(200):
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        client.sendall(completion_request())
        clients.append(client)
    assert post(connect(provider)).status == 200
    assert provider.open_connections >= 200
    for client in clients:
        client.close()
    provider.settle()
    assert provider.abandoned == 200


@pytest.mark.parametrize(
    "fault", [NeverAnswers(), LateFirstToken(600), Stall(after=2), Drip(600), Stall(1, pings=True)]
)
def test_a_client_that_leaves_is_counted_once_and_at_once(provider, fault):
    """No delay outlives its client."""
    provider.script(fault)
    port = int(provider.root_url.rpartition(":")[2])
    body = json.dumps({**BODY, "stream": True})
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        head = f"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n"
        client.sendall((head + body).encode())
        with pytest.raises(TimeoutError, match="still being answered"):
            provider.settle(timeout=0.05)
    provider.settle()
    (request,) = provider.requests
    assert provider.abandoned == 1
    assert request.aborted_by_client
    assert request.finished is not None
    assert provider.open_connections == 0


def test_an_answered_client_that_leaves_is_not_abandoned(provider):
    """Closing after the answer is good manners."""
    connection = connect(provider)
    post(connection, stream=True).read()
    connection.close()
    provider.settle()
    assert provider.abandoned == 0
    assert not provider.requests[0].aborted_by_client


def test_a_long_answer_comes_whole():
    """More than any buffer holds, token by token."""
    text = "long answer " * 20_000
    with FaultyProvider(answer=text) as provider:
        lines = post(connect(provider), stream=True).read().decode().splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in events) == text


def test_stop_ends_waits_and_leaves_nothing():
    """Threads and sockets are gone although clients were waiting."""
    threads = set(threading.enumerate())
    provider = FaultyProvider(default=NeverAnswers()).start()
    port = int(provider.root_url.rpartition(":")[2])
    client = socket.create_connection(("127.0.0.1", port), timeout=5)
    client.sendall(completion_request())
    with pytest.raises(TimeoutError):
        provider.settle(timeout=0.01)  # The request has arrived and waits.
    started = time.monotonic()
    provider.stop()
    assert time.monotonic() - started < 2
    assert client.recv(10) == b""
    client.close()
    assert set(threading.enumerate()) == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    assert provider.abandoned == 0


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors under /proc")
def test_no_descriptor_is_left_after_many_lives():
    """Sockets, pipes and selectors are closed every time."""

    def live() -> None:
        with FaultyProvider(default=NeverAnswers()) as provider:
            port = int(provider.root_url.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                client.sendall(completion_request())

    live()
    gc.collect()  # What earlier tests left to the collector must not be counted.
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        live()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_stop_is_harmless_twice_and_start_again_works():
    """A provider can come back, as outages end."""
    provider = FaultyProvider()
    provider.stop()
    with provider:
        with pytest.raises(RuntimeError, match="running"):
            provider.start()
        assert post(connect(provider)).status == 200
    provider.stop()
    with provider:
        assert post(connect(provider)).status == 200
    with pytest.raises(RuntimeError, match="not running"):
        _ = provider.base_url


async def test_it_is_an_async_context_manager():
    """The same inside a running loop."""
    async with FaultyProvider() as provider:
        port = int(provider.root_url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(completion_request(extra="connection: close\r\n"))
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


def test_requests_are_recorded(provider):
    """Path, query, headers, body, status, faults and times."""
    provider.script(ServerError())
    connection = connect(provider)
    connection.request("POST", "/v1/chat/completions?x=1", json.dumps(BODY), {"X-Me": "Yes"})
    connection.getresponse().read()
    (request,) = provider.requests
    assert (request.method, request.path, request.query) == ("POST", "/v1/chat/completions", "x=1")
    assert request.headers["x-me"] == "Yes"
    assert request.body == BODY
    assert (request.status, request.faults) == (500, ("ServerError",))
    assert request.started <= request.finished


def test_reset_forgets_requests_and_script_but_not_the_default(provider):
    """A fixture can be used again from a known state."""
    provider.set_default(ServerError())
    post(connect(provider)).read()
    provider.script(Healthy())
    provider.reset()
    assert (provider.attempts, provider.requests) == (0, [])
    assert post(connect(provider)).status == 500


def test_a_brain_that_raises_is_a_500_and_is_reported(caplog):
    """An error in test code does not vanish."""

    def brain(question):
        raise KeyError("my bug")

    with FaultyProvider(brain=brain) as provider:
        response = post(connect(provider))
        assert response.status == 500
        assert b"my bug" in response.read()
        assert isinstance(provider.errors[0], KeyError)
    assert "faulty provider" in caplog.text


def test_unknown_paths_are_404_and_no_attempts(provider):
    """Only completions count."""
    connection = connect(provider)
    connection.request("POST", "/v1/nothing", "{}")
    response = connection.getresponse()
    assert response.status == 404
    assert b"Invalid URL (POST /v1/nothing)" in response.read()
    assert provider.attempts == 0
    assert len(provider.requests) == 1
