"""A synchronisation that is killed again and again ends up where one that was not does."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration_tests.retrieval.sync_writer import synchronise

WRITER = Path(__file__).with_name("sync_writer.py")


@pytest.fixture
def folder(tmp_path):
    """Sixty files of several chunks."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(60):
        text = "".join(f"# Part {part}\n\nalpha {number} 内容。\n\n" for part in range(5))
        (folder / f"{number:02}.md").write_text(text, encoding="utf-8")
    return folder


def run_and_kill(path, folder, workers, seconds):
    """Start it, wait until it works, kill it a little later; return its workers' numbers."""
    command = [sys.executable, str(WRITER), str(path), str(folder), str(workers)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own script.
    numbers = [int(number) for number in writer.stdout.readline().split()]
    time.sleep(seconds)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    return numbers


def texts(index):
    """What the index holds, whatever the order of writing."""
    return sorted((record.id, record.text, record.metadata) for record in index.catalog.after(0))


@pytest.mark.parametrize(("workers", "kills"), [(0, 4), (2, 2)])
def test_a_killed_synchronisation_goes_on(tmp_path, folder, workers, kills):
    """Nothing lost, nothing doubled, both legs agree; what was done is not done again."""
    rng = random.Random(3)
    for _ in range(kills):
        run_and_kill(tmp_path / "killed", folder, workers, rng.uniform(0, 0.4))
    index, reports = synchronise(tmp_path / "killed", folder, None)
    whole, _ = synchronise(tmp_path / "whole", folder, None)
    assert texts(index) == texts(whole)
    assert len(index) == len(whole) == len(index.catalog.vectors())
    assert sum(report.unchanged for report in reports) > 0
    assert all(report.failed == () for report in reports)


def test_workers_end_with_a_killed_parent(tmp_path, folder):
    """They would wait for work for ever."""
    numbers = run_and_kill(tmp_path / "killed", folder, 2, 0)
    assert numbers
    end = time.monotonic() + 20
    while any(map(running, numbers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(running, numbers))


def running(number):
    """Whether a process still runs (one that ended but was not collected does not)."""
    try:
        os.kill(number, 0)
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state not in "ZX"
