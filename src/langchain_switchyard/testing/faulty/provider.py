"""The faulty provider: an OpenAI-compatible server on this machine that breaks as told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Self

from langchain_switchyard.testing.faulty.brain import Brain, say, think
from langchain_switchyard.testing.faulty.faults.fault import Fault, Healthy
from langchain_switchyard.testing.faulty.ledger import Ledger, RecordedRequest
from langchain_switchyard.testing.faulty.responder import Responder, Scenario
from langchain_switchyard.testing.faulty.server import Server

_HISTORY = 10_000


class FaultyProvider:
    """A model provider on 127.0.0.1 that answers well until it is told to fail.

    ```python
    with FaultyProvider(faults=[RateLimited(retry_after=1), CutAfter(tokens=5)]) as provider:
        model = ChatOpenAI(base_url=provider.base_url, api_key="x", model="any")
        ...  # first call: 429; second: a stream cut after five tokens; then all is well
        assert provider.attempts == 3
    ```

    Args:
        faults: One per completion request, in order; then `default`.
        default: What happens when no fault is scripted.
        brain: Answers questions; runs in the server's thread and must not block.
        answer: A fixed text instead of a brain.
        api_keys: Keys that are accepted; empty accepts any, and none.
        models: What `/models` lists. Completions take any model's name.
    """

    def __init__(
        self,
        *,
        faults: Sequence[Fault] = (),
        default: Fault | None = None,
        brain: Brain = think,
        answer: str | None = None,
        api_keys: Collection[str] = (),
        models: Sequence[str] = ("rehearsal",),
    ) -> None:
        """Prepare; `start` opens the port."""
        self._ledger = Ledger(_HISTORY)
        self._scenario = Scenario(faults, default or Healthy())
        self._responder = Responder(
            self._ledger,
            self._scenario,
            brain if answer is None else say(answer),
            frozenset(api_keys),
            tuple(models),
        )
        self._server: Server | None = None

    # Life

    def start(self) -> Self:
        """Open a port and serve.

        Raises:
            RuntimeError: It is running already.
        """
        if self._server is not None:
            raise RuntimeError("this provider is running; stop it before starting it again")
        self._server = Server(self._responder.respond, self._ledger)
        return self

    def stop(self) -> None:
        """Drop all clients and close; nothing is left running. Harmless if not running."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    async def __aenter__(self) -> Self:
        """Start."""
        return self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    # Addresses

    @property
    def root_url(self) -> str:
        """The server itself, without a path.

        Raises:
            RuntimeError: The provider is not running.
        """
        if self._server is None:
            raise RuntimeError("the provider is not running: use `with FaultyProvider() as p:`")
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def base_url(self) -> str:
        """For OpenAI clients; ends in `/v1`."""
        return f"{self.root_url}/v1"

    @property
    def qwen_url(self) -> str:
        """DashScope's OpenAI-compatible mode: errors in its words."""
        return f"{self.root_url}/compatible-mode/v1"

    @property
    def zhipu_url(self) -> str:
        """Zhipu's API: errors are codes and Chinese sentences."""
        return f"{self.root_url}/api/paas/v4"

    @property
    def azure_url(self) -> str:
        """For Azure OpenAI clients, as `azure_endpoint`."""
        return self.root_url

    @property
    def anthropic_url(self) -> str:
        """For Anthropic clients, which append `/v1/messages`."""
        return self.root_url

    @property
    def dashscope_url(self) -> str:
        """For DashScope's own SDK; ends in `/api/v1`."""
        return f"{self.root_url}/api/v1"

    @property
    def ollama_url(self) -> str:
        """For Ollama clients, which append `/api/chat`."""
        return self.root_url

    # What happens next

    def set_default(self, fault: Fault) -> None:
        """Decide what happens when no fault is scripted."""
        self._scenario.default = fault

    def script(self, *faults: Fault) -> None:
        """Append faults: one per completion request, in order of arrival."""
        self._scenario.append(faults)

    def reset(self) -> None:
        """Forget requests, counts and scripted faults; the default stays."""
        self._scenario.clear()
        self._ledger.clear()

    # What has happened

    @property
    def requests(self) -> list[RecordedRequest]:
        """The latest 10,000 requests, oldest first."""
        return self._ledger.requests()

    @property
    def attempts(self) -> int:
        """Completion requests so far, refused ones included."""
        return self._ledger.attempts

    @property
    def abandoned(self) -> int:
        """Requests whose client left before the response was over."""
        return self._ledger.abandoned

    @property
    def connections_accepted(self) -> int:
        """Connections that clients have opened so far."""
        return self._ledger.connections_accepted

    @property
    def open_connections(self) -> int:
        """Connections open now."""
        return self._ledger.open_connections

    @property
    def errors(self) -> list[Exception]:
        """What a brain or a home-made fault raised; such requests were answered with 500."""
        return list(self._ledger.errors)

    def settle(self, timeout: float = 5.0) -> None:
        """Wait until everything clients did has been noticed and no request is being answered.

        Call it before asserting on `abandoned` or `open_connections`: a client's leaving takes a
        moment to arrive.

        Args:
            timeout: Real seconds.

        Raises:
            TimeoutError: Requests are still being answered.
        """
        if self._server is not None:
            self._server.drain(timeout)
        if not self._ledger.wait(self._ledger.idle, timeout):
            raise TimeoutError(f"requests are still being answered after {timeout:g} s")
