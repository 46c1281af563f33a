"""A loopback HTTP server in a thread that counts what reaches it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

END = b"0\r\n\r\n"


@dataclass
class Request:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Reply:
    """What to answer: JSON or text, or the events of a stream."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    events: list[str] | None = None
    pause_before_end: float = 0.0
    wait: float = 0.0
    last: str = ""
    """One more event, after a pause."""
    wait_between: float = 0.0
    trickle: str = ""
    """Sent again and again after the events, until the client leaves."""


@dataclass
class TinyServer:
    """What the tests see of the server."""

    reply: Callable[[Request], Reply]
    port: int = 0
    sockets: int = 0
    open_sockets: int = 0
    requests: list[Request] = field(default_factory=list)
    stop: Callable[[], object] = lambda: None
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for_no_sockets(self, timeout: float = 5.0) -> None:
        """Return when every client has left; fail if one stays."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.open_sockets == 0, timeout)

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self.port}"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one socket until it is closed."""
        self.sockets += 1
        self.open_sockets += 1
        try:
            while True:
                request = await _read(reader)
                self.requests.append(request)
                await _write(reader, writer, self.reply(request))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # The client left, or the test is over.
        finally:
            with self.changed:
                self.open_sockets -= 1
                self.changed.notify_all()
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    content = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(head[0].split()[1], headers, json.loads(content) if content else {})


async def _pause(reader: asyncio.StreamReader, seconds: float) -> None:
    """Wait, but notice when the client closes the socket."""
    if not seconds:
        return
    try:
        async with asyncio.timeout(seconds):
            await reader.read(1)
    except TimeoutError:
        return
    raise ConnectionResetError


async def _write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: Reply) -> None:
    await _pause(reader, reply.wait)
    lines = [f"HTTP/1.1 {reply.status} Whatever"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items() if name != "content-type"]
    if reply.events is None:
        is_text = isinstance(reply.body, str)
        content = (reply.body if is_text else json.dumps(reply.body)).encode()
        lines += [f"content-type: {'text/html' if is_text else 'application/json'}"]
        lines += [f"content-length: {len(content)}"]
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
    else:
        kind = reply.headers.get("content-type", "text/event-stream")
        lines += [f"content-type: {kind}", "transfer-encoding: chunked"]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for event in [*reply.events, reply.last]:
            if event and event is reply.last:
                await writer.drain()
                await _pause(reader, reply.wait_between)
            block = f"{event}\n\n".encode()
            if event:
                writer.write(b"%x\r\n%s\r\n" % (len(block), block))
        await writer.drain()
        while reply.trickle:
            writer.write(b"%x\r\n%s\r\n" % (len(reply.trickle), reply.trickle.encode()))
            await writer.drain()
            await _pause(reader, 0.02)
        await _pause(reader, reply.pause_before_end)
        writer.write(END)
    await writer.drain()


@contextmanager
def serving(reply: Callable[[Request], Reply]) -> Iterator[TinyServer]:
    """A running server; closed with all its sockets in the end."""
    server = TinyServer(reply)
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        listener = await asyncio.start_server(server.connected, "127.0.0.1", 0)
        server.port = listener.sockets[0].getsockname()[1]
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            listener.close()

    def run() -> None:
        task = loop.create_task(main())
        server.stop = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            for pending in asyncio.all_tasks(loop):
                pending.cancel()
            loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield server
    finally:
        server.stop()
        thread.join(5)


def completion(text: str = "hi", **message: Any) -> Reply:
    """An OpenAI chat completion."""
    said = {"role": "assistant", "content": text, **message}
    return Reply(
        body={
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
        }
    )


def chunks(*deltas: dict[str, Any], pause: float = 0.0) -> Reply:
    """An OpenAI stream of these deltas, closed by finish reason, usage and `[DONE]`."""
    base = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    bodies: list[dict[str, Any]] = [
        {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    bodies.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    bodies.append({**base, "choices": [], "usage": usage})
    events = [f"data: {json.dumps(body)}" for body in bodies] + ["data: [DONE]"]
    return Reply(events=events, pause_before_end=pause)


def failure(status: int, **error: Any) -> Reply:
    """An error in OpenAI's shape."""
    return Reply(status, {"error": error})
