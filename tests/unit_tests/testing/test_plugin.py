"""The pytest plugin, in a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

USER_TESTS = """
import sys
import threading

LIGHT = {"langchain_switchyard", "langchain_switchyard._version", "langchain_switchyard.testing"}
LOADED_AT_COLLECTION = [
    name for name in sys.modules
    if name.startswith(("langchain", "pydantic", "langsmith"))
    and name not in LIGHT | {"langchain_switchyard.testing.plugin"}
]
PROVIDERS = []


def test_nothing_is_loaded_before_it_is_needed():
    assert LOADED_AT_COLLECTION == []


def test_the_clock_and_the_model_share_their_time(fake_clock, scripted_model):
    from langchain_switchyard.testing import Delay
    model = scripted_model("one", [Delay(5), "two"], then="fail")
    assert [model.invoke("x").text, model.invoke("x").text] == ["one", "two"]
    assert fake_clock.now() == 5


def test_several_providers_run_at_once(faulty_provider):
    PROVIDERS.extend([faulty_provider(answer="a"), faulty_provider(answer="b")])
    assert len({provider.base_url for provider in PROVIDERS}) == 2


def test_all_are_stopped_afterwards():
    assert not [t for t in threading.enumerate() if t.name.startswith("faulty-provider")]
"""


@pytest.fixture
def run(tmp_path: Path):
    """Run pytest on a file of user tests with nothing but this plugin."""

    def run(tests: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_user.py").write_text(tests)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "langchain_switchyard.testing.plugin"],
            cwd=tmp_path,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_fixtures_do_what_they_say(run):
    """Clock, models and providers; nothing is left, nothing is loaded too early."""
    result = run(USER_TESTS)
    assert "4 passed" in result.stdout, result.stdout + result.stderr


def test_providers_are_stopped_when_the_test_fails(run):
    """A red test leaves no port open."""
    result = run(
        """
import threading

def test_red(faulty_provider):
    faulty_provider()
    raise AssertionError("red")

def test_after():
    assert not [t for t in threading.enumerate() if t.name.startswith("faulty-provider")]
"""
    )
    assert "1 failed, 1 passed" in result.stdout
