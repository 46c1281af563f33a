"""What an import costs: no optional package, no network, nothing that only some users need."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import langchain_switchyard

PACKAGE = langchain_switchyard.__name__

PARTS = [
    f"{PACKAGE}.{part.name}"
    for part in pkgutil.iter_modules(langchain_switchyard.__path__)
    if not part.name.startswith("_")
]

FACE = (f"{PACKAGE}.routing.chat_model", f"{PACKAGE}.config.switchyard")
"""The modules behind the public names, which are loaded on first use."""

NEEDS_MORE = {"graph": "langgraph.graph", "retrieval": "numpy"}
"""Parts that exist for the sake of a package may load that one with all it loads, no other."""

OPTIONAL = {
    "aiohttp", "anthropic", "chromadb", "dashscope", "elasticsearch", "fastapi", "jieba",
    "langchain", "langchain_anthropic", "langchain_community", "langchain_ollama",
    "langchain_openai", "langgraph", "numpy", "ollama", "openai", "opensearchpy",
    "prometheus_client", "psycopg", "pypdf", "qdrant_client", "rank_bm25", "redis", "rich",
    "sqlalchemy", "tiktoken", "torch", "transformers",
}  # fmt: skip
"""What brings an extra or a big optional dependency; nobody pays for it unasked."""

_REPORT = """
import importlib, json, os, sys

def refuse(event, args):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        raise RuntimeError(f"the import used the network: {event} {args}")

sys.addaudithook(refuse)
before, modules = json.loads(sys.argv[1])
for name in before:
    importlib.import_module(name)
for name in modules:
    read, write = os.pipe()
    if os.fork() == 0:  # Every module is imported as if nobody had imported anything of ours.
        importlib.import_module(name)
        os.write(write, b"\\n".join(module.encode() for module in sorted(sys.modules)))
        os._exit(0)
    os.close(write)
    with open(read) as answer:
        print(json.dumps(answer.read().split()), flush=True)
    assert os.wait()[1] == 0, f"importing {name} failed"
"""


def run_report(*modules: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Import each module in a fresh interpreter with the network shut; a line of JSON for each."""
    return subprocess.run(  # noqa: S603 - our own interpreter, our own program.
        [sys.executable, "-c", _REPORT, json.dumps([before, modules])],
        capture_output=True,
        text=True,
        check=False,
    )


def packages_after(*modules: str, before: tuple[str, ...] = ()) -> list[set[str]]:
    """For each module: the top-level packages in memory after importing it."""
    done = run_report(*modules, before=before)
    assert done.returncode == 0, done.stderr
    return [
        {name.partition(".")[0] for name in json.loads(line)} for line in done.stdout.splitlines()
    ]


@cache
def core_modules() -> tuple[str, ...]:
    """The modules of langchain-core that the public names bring in."""
    done = run_report(*FACE)
    assert done.returncode == 0, done.stderr
    loaded = {name for line in done.stdout.splitlines() for name in json.loads(line)}
    return tuple(sorted(m for m in loaded if m.partition(".")[0] == "langchain_core"))


@cache
def packages_by_part() -> dict[str, set[str]]:
    """The packages that each part loads, beyond what langchain-core loads by itself."""
    core, *parts = packages_after("langchain_core", *PARTS, before=core_modules())
    return {name: packages - core for name, packages in zip(PARTS, parts, strict=True)}


def test_the_public_names_load_nothing_but_what_langchain_core_loads() -> None:
    """Every third-party package in memory is one that the same core modules load by themselves."""
    core, *ours = packages_after("langchain_core", *FACE, before=core_modules())
    assert set().union(*ours) - core - set(sys.stdlib_module_names) == {PACKAGE}


@pytest.mark.parametrize("module", [PACKAGE, f"{PACKAGE}.testing", f"{PACKAGE}.testing.plugin"])
def test_who_asks_for_nothing_pays_for_nothing(module: str) -> None:
    """Pytest loads our plugin in every run of every user: it costs no more than pytest itself."""
    pytest_itself, ours = packages_after("pytest", module)
    assert ours - pytest_itself - set(sys.stdlib_module_names) == {PACKAGE}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_loads_only_the_optional_packages_it_is_about(part: str) -> None:
    """Integrations load when they are used, not when their part is imported; nothing is fetched."""
    needed = NEEDS_MORE.get(part.rpartition(".")[2])
    allowed = packages_after(needed)[0] if needed else set()
    assert packages_by_part()[part] & OPTIONAL <= allowed


def test_the_report_can_see_an_optional_package() -> None:
    """The observations above would not pass over one."""
    assert "numpy" in packages_after("numpy")[0]


def test_the_report_can_see_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that connects while it is imported is caught."""
    (tmp_path / "eager.py").write_text("import socket; socket.create_connection(('localhost', 1))")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = run_report("eager")
    assert done.returncode != 0
    assert "used the network" in done.stderr
