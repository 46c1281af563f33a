"""A working folder with documents, and a command line without keys."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from langchain_switchyard.cli import main


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and an environment in which nobody is configured."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_MODEL")) or name.startswith(("LLM_", "SWITCHYARD_")):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def docs(at_home: Path) -> Path:
    """Three small documents, one of them Chinese."""
    folder = at_home / "docs"
    folder.mkdir()
    (folder / "shop.md").write_text(
        "# Shop\n\n## Refunds\n\nRefunds are paid within five working days.\n\n"
        "## Receipts\n\nA receipt is needed above 100 euros.\n",
        "utf-8",
    )
    (folder / "概念.md").write_text(
        "# 熔断器\n\n熔断器是一种保护机制：连续失败三次后，请求不再发往出故障的部署。\n", "utf-8"
    )
    (folder / "kitchen.txt").write_text("The kitchen opens at noon.\n", "utf-8")
    return folder


@dataclass(frozen=True)
class Ran:
    """How a command went."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, read as one JSON object."""
        [line] = self.out.splitlines()
        return json.loads(line)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command in this process."""

    def call(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(list(arguments))
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return call
