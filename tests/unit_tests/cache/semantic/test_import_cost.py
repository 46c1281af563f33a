"""Importing the level is free of what it may not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from langchain_switchyard.cache.semantic import level as level_module
from langchain_switchyard.errors import MissingExtra


def test_numpy_and_hnswlib_are_not_loaded_by_the_import():
    """They come with the first cache, or with the size that needs them."""
    code = (
        "import sys, langchain_switchyard.cache.semantic as level\n"
        "assert not {'numpy', 'hnswlib'} & set(sys.modules), 'at import'\n"
        "level.SemanticCache()\n"
        "assert 'numpy' in sys.modules and 'hnswlib' not in sys.modules, 'at first use'\n"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and a fixed text.
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_without_numpy_the_error_names_the_extra(monkeypatch):
    """At construction, not at the first request."""

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(level_module, "import_module", missing)
    with pytest.raises(MissingExtra, match=r"langchain-switchyard\[semantic\]"):
        level_module.SemanticCache()
