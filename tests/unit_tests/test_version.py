"""The version is written in two places, which agree."""

from __future__ import annotations

import tomllib
from pathlib import Path

import langchain_switchyard

ROOT = Path(__file__).parents[2]


def test_the_version_is_the_one_of_the_project_file() -> None:
    """`_version.py` costs nothing to read at run time, the project file is what pip reads."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert langchain_switchyard.__version__ == project["version"]


def test_the_changelog_tells_of_this_version() -> None:
    """Nobody should have to read commits to learn what a release holds."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"## [{langchain_switchyard.__version__}]" in changelog
