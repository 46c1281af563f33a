"""Shared HTTP clients: how many sockets reach a real server, and what survives."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain_openai import ChatOpenAI

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.providers.http import HttpClients, library_of, proxy_for
from langchain_switchyard.providers.http_lanes import Lanes, bounded_timeouts
from langchain_switchyard.providers.tuning import HttpTuning
from tests.unit_tests.providers.tiny_server import (
    Reply,
    Request,
    TinyServer,
    chunks,
    completion,
    serving,
)


def answer(request: Request) -> Reply:
    """Streams end a little after `[DONE]`, as they do over a real network."""
    if request.body.get("stream"):
        return chunks({"role": "assistant", "content": "a"}, {"content": "b"}, pause=0.002)
    return completion()


@pytest.fixture
def server() -> Iterator[TinyServer]:
    """Answers at once."""
    with serving(answer) as running:
        yield running


@pytest.fixture
def clients() -> Iterator[HttpClients]:
    """Closed in the end."""
    with HttpClients() as owner:
        yield owner


def chat(server: TinyServer, clients: HttpClients) -> ChatOpenAI:
    """A model on shared clients."""
    url = f"{server.url}/v1"
    return ChatOpenAI(
        model="m",
        api_key="k",
        base_url=url,
        max_retries=0,
        stream_usage=True,
        timeout=10,
        http_client=clients.sync("openai", url),
        http_async_client=clients.asynchronous("openai", url),
    )


# --- Streams ---


async def test_twenty_async_streams_use_one_socket(
    server: TinyServer, clients: HttpClients
) -> None:
    """The openai SDK 2.x closes at `[DONE]` and would open twenty."""
    model = chat(server, clients)
    for _ in range(20):
        assert "".join([chunk.text async for chunk in model.astream("hi")]) == "ab"
    assert (server.sockets, len(server.requests)) == (1, 20)


def test_twenty_sync_streams_use_one_socket(server: TinyServer, clients: HttpClients) -> None:
    """The same in threads."""
    model = chat(server, clients)
    for _ in range(20):
        assert "".join(chunk.text for chunk in model.stream("hi")) == "ab"
    assert (server.sockets, len(server.requests)) == (1, 20)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_both_libraries_give_a_socket_back_after_the_last_event(
    library: str, mode: str, server: TinyServer, clients: HttpClients
) -> None:
    """Closing right after `[DONE]`, as SDKs do, keeps the connection."""
    module = pytest.importorskip(library)
    body = {"stream": True}

    def sync() -> None:
        transport = clients.sync_transport(module, server.url)
        with module.Client(transport=transport) as client:
            for _ in range(5):
                with client.stream("POST", server.url, json=body) as response:
                    for line in response.iter_lines():
                        if "[DONE]" in line:
                            break

    async def asynchronous() -> None:
        transport = clients.async_transport(module, server.url)
        async with module.AsyncClient(transport=transport) as client:
            for _ in range(5):
                async with client.stream("POST", server.url, json=body) as response:
                    async for line in response.aiter_lines():
                        if "[DONE]" in line:
                            break

    sync() if mode == "sync" else asyncio.run(asynchronous())
    assert (server.sockets, len(server.requests)) == (1, 5)


async def test_a_stream_left_in_the_middle_is_not_read_on(clients: HttpClients) -> None:
    """Draining is for finished answers; a long one would be paid for."""
    with serving(lambda _: chunks({"content": "a"}, {"content": "b"}, pause=30)) as server:
        model = chat(server, clients)
        async for _ in model.astream("hi"):
            break
        await asyncio.to_thread(server.wait_for_no_sockets)


async def test_a_body_that_never_ends_after_the_last_event_is_let_go(
    clients: HttpClients,
) -> None:
    """At most the drain's 50 ms, not the server's whim."""
    with serving(lambda _: chunks({"content": "a"}, pause=30)) as server:
        async with asyncio.timeout(5):
            async for _ in chat(server, clients).astream("hi"):
                pass


def test_a_sync_body_that_never_ends_after_the_last_event_is_let_go(clients: HttpClients) -> None:
    """The same in threads, where a read cannot be cancelled from outside."""
    with serving(lambda _: chunks({"content": "a"}, pause=30)) as server:
        done = threading.Event()

        def read() -> None:
            list(chat(server, clients).stream("hi"))
            done.set()

        threading.Thread(target=read, daemon=True).start()
        assert done.wait(5)


# --- Cancellation ---


async def _cancel_many(model: Any, delay: float, together: int, total: int) -> None:
    async def one() -> None:
        try:
            async with asyncio.timeout(delay):
                await model.ainvoke("hi")
        except TimeoutError:
            pass

    for _ in range(0, total, together):
        await asyncio.gather(*(one() for _ in range(together)))


@pytest.mark.parametrize("together", [5, 8, 40])
@pytest.mark.parametrize("delay", [0.0, 0.002, 0.008])
async def test_the_pool_is_whole_after_many_cancelled_calls(
    delay: float, together: int, server: TinyServer
) -> None:
    """Ten slots, cancelled within milliseconds of the start; all ten still work at once."""
    async with HttpClients(HttpTuning(max_connections=10)) as clients:
        model = chat(server, clients)
        await _cancel_many(model, delay, together, 400)
        answers = await asyncio.gather(*(model.ainvoke("hi") for _ in range(10)))
        assert [one.content for one in answers] == ["hi"] * 10


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
async def test_two_thousand_cancelled_requests_cost_no_slot(
    library: str, server: TinyServer
) -> None:
    """On the transports of both SDK generations, whichever SDK is installed."""
    module = pytest.importorskip(library)
    async with HttpClients(HttpTuning(max_connections=10)) as clients:
        transport = clients.async_transport(module, server.url)
        async with module.AsyncClient(transport=transport) as client:
            outcomes: Counter[str] = Counter()

            async def one(delay: float) -> None:
                try:
                    async with asyncio.timeout(delay):
                        await client.post(server.url, json={})
                        outcomes["answered"] += 1
                except TimeoutError:
                    outcomes["cancelled"] += 1

            for round_ in range(50):
                await asyncio.gather(*(one(0.0005 * (round_ % 8)) for _ in range(40)))
            assert outcomes.total() == 2000
            assert outcomes["cancelled"] > 500
            answers = await asyncio.gather(*(client.post(server.url, json={}) for _ in range(10)))
            assert {one.status_code for one in answers} == {200}


async def test_a_request_cancelled_before_it_is_connected_is_never_sent() -> None:
    """Nobody would read, but somebody would pay."""
    with serving(answer) as server:
        async with HttpClients() as clients:
            library = httpx
            transport = clients.async_transport(library, server.url)
            async with library.AsyncClient(transport=transport) as client:
                call = asyncio.create_task(client.post(server.url, json={}))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                assert (await client.post(server.url, json={"second": True})).status_code == 200
        assert [request.body for request in server.requests] == [{"second": True}]


async def test_a_full_pool_says_so_soon_and_in_the_librarys_own_words() -> None:
    """Classifiers know `PoolTimeout`; nobody waits for minutes."""
    with serving(lambda _: Reply(body={}, wait=30)) as server:
        async with HttpClients(HttpTuning(max_connections=1, pool_timeout=0.05)) as clients:
            library = library_of("openai")
            transport = clients.async_transport(library, server.url)
            async with library.AsyncClient(transport=transport, timeout=60) as client:
                busy = asyncio.create_task(client.get(server.url))
                await asyncio.sleep(0.05)
                with pytest.raises(library.PoolTimeout, match="max_connections"):
                    await client.get(server.url)
                busy.cancel()


async def test_more_connections_than_a_lane_holds_open_more_lanes(server: TinyServer) -> None:
    """Small pools, many connections."""
    tuning = HttpTuning(max_connections=6, lane=2)
    async with HttpClients(tuning) as clients:
        model = chat(server, clients)
        answers = await asyncio.gather(*(model.ainvoke("hi") for _ in range(24)))
    assert len(answers) == 24
    assert server.sockets <= 6


# --- Event loops ---


def test_one_model_works_in_many_event_loops(server: TinyServer, clients: HttpClients) -> None:
    """Several `asyncio.run` in one process, with the same model object."""
    model = chat(server, clients)

    async def ask() -> list[str]:
        return [(await model.ainvoke("hi")).content for _ in range(3)]

    for _ in range(5):
        assert asyncio.run(ask()) == ["hi"] * 3
    assert (server.sockets, len(server.requests)) == (5, 15)


@pytest.mark.filterwarnings(
    "error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning"
)
def test_loops_that_end_leave_no_sockets_and_no_noise(
    server: TinyServer, clients: HttpClients
) -> None:
    """No "Event loop is closed", no ResourceWarning, no socket left at the server."""
    model = chat(server, clients)
    for _ in range(3):
        asyncio.run(model.ainvoke("hi"))
    server.wait_for_no_sockets()
    gc.collect()


def test_a_loop_closed_without_manners_is_forgotten(
    server: TinyServer, clients: HttpClients
) -> None:
    """`loop.close()` without shutting generators down: the next loop just works."""
    model = chat(server, clients)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(model.ainvoke("hi"))
    loop.close()
    assert asyncio.run(model.ainvoke("hi")).content == "hi"


def test_loops_in_several_threads_do_not_meet(server: TinyServer, clients: HttpClients) -> None:
    """Each has its own connections."""
    model = chat(server, clients)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            for _ in range(5):
                asyncio.run(model.ainvoke("hi"))
        except BaseException as error:  # noqa: BLE001 - to be seen in the test's own thread.
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert len(server.requests) == 20


# --- Owning, sharing, closing ---


def test_the_same_address_shares_a_client(clients: HttpClients) -> None:
    """And another address does not."""
    first = clients.sync("openai", "http://a/v1")
    assert clients.sync("openai", "http://a/v1") is first
    assert clients.sync("openai", "http://b/v1") is not first
    asynchronous = clients.asynchronous("openai", "http://a/v1")
    assert clients.asynchronous("openai", "http://a/v1") is asynchronous


def test_two_owners_share_nothing() -> None:
    """No state hides in the module."""
    with HttpClients() as one, HttpClients() as other:
        assert one.sync("openai", "http://a") is not other.sync("openai", "http://a")


async def test_closing_closes_every_socket(server: TinyServer) -> None:
    """Sync and async."""
    clients = HttpClients()
    model = chat(server, clients)
    await model.ainvoke("hi")
    await asyncio.to_thread(model.invoke, "hi")
    assert server.open_sockets == 2
    await clients.aclose()
    await asyncio.to_thread(server.wait_for_no_sockets)


async def test_connecting_is_bounded_whatever_a_call_asks_for(clients: HttpClients) -> None:
    """A call's timeouts may shorten the handshake's limit, not lift it."""
    tuning = HttpTuning(connect_timeout=5, pool_timeout=2)
    asked = {"timeout": {"connect": None, "read": 60.0, "pool": 60.0}}
    assert bounded_timeouts(asked, tuning) == {"connect": 5, "read": 60.0, "pool": 2}
    assert bounded_timeouts({"timeout": {"connect": 1.0}}, tuning)["connect"] == 1.0
    assert bounded_timeouts({}, tuning) == {"connect": 5, "pool": 2}


def test_the_environments_proxy_is_used_but_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the HTTP libraries do when left alone."""
    for name in ("HTTP_PROXY", "NO_PROXY", "no_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert proxy_for("https://api.openai.com/v1") == "http://proxy:3128"
    assert proxy_for("https://inside.example/v1") is None
    assert proxy_for("http://127.0.0.1:8000/v1") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_connections": 0},
        {"keepalive_expiry": -1},
        {"pool_timeout": 0},
        {"lane": 0},
        {"drain": -0.1},
        {"connect_timeout": 0},
    ],
)
def test_tuning_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    """By name."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        HttpTuning(**wrong)


class _LosesItsSlots(httpx.AsyncBaseTransport):
    """A pool that says it is full although nobody uses it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse."""
        raise httpx.PoolTimeout("full", request=request)


async def test_a_pool_that_lost_its_slots_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    """Our semaphore granted a slot, so the pool must be wrong; the next request gets a new one."""
    healthy = httpx.MockTransport(lambda _: httpx.Response(200))
    pools: list[Any] = [_LosesItsSlots(), healthy]
    lanes = Lanes(httpx, lambda _: pools.pop(0), HttpTuning(max_connections=1))
    request = httpx.Request("GET", "http://x")
    with pytest.raises(httpx.PoolTimeout):
        await lanes.send(request)
    response = await lanes.send(httpx.Request("GET", "http://x"))
    assert response.status_code == 200
    assert "replaced" in caplog.text


async def test_a_trace_hook_of_the_caller_is_still_called(
    server: TinyServer, clients: HttpClients
) -> None:
    """Ours stands before it, not in its place."""
    events: list[str] = []

    async def trace(event: str, _: dict[str, Any]) -> None:
        events.append(event)

    transport = clients.async_transport(httpx, server.url)
    async with httpx.AsyncClient(transport=transport) as client:
        await client.post(server.url, json={}, extensions={"trace": trace})
    assert "http11.send_request_headers.started" in events
