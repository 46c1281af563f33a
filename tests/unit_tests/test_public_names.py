"""What the package and its parts call public: sorted, complete, and really there."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import langchain_switchyard

FIXED = {
    "AllDeploymentsFailed",
    "BreakerPolicy",
    "CallOptions",
    "ChatSwitchyard",
    "Deployment",
    "Price",
    "RetryPolicy",
    "Timeouts",
}
"""Names that users' code is written against; to take one away is a breaking change."""


_DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def packages() -> list[str]:
    """The package and all its sub-packages that name what is public."""
    found = [langchain_switchyard.__name__]
    prefix = f"{langchain_switchyard.__name__}."
    found += [
        m.name for m in pkgutil.walk_packages(langchain_switchyard.__path__, prefix) if m.ispkg
    ]
    return found


def public_names(package: str) -> list[str] | None:
    """The `__all__` of a package as written, or None if it has none."""
    for node in _tree(package).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if "__all__" in names and node.value is not None:
                return list(ast.literal_eval(node.value))
    return None


def holds_code(package: str) -> bool:
    """Whether an `__init__` does something itself, and imports what it needs for that."""
    defined = (node for node in _tree(package).body if isinstance(node, _DEFINITION))
    return any(not node.name.startswith("__") for node in defined)


def imported_names(package: str) -> Iterator[str]:
    """Public names that a package's `__init__` imports from its own modules."""
    for node in _tree(package).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
            yield from (alias.asname or alias.name for alias in node.names)


def _tree(package: str) -> ast.Module:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text("utf-8"))


def _order(name: str) -> tuple[int, list[str | int]]:
    """Constants, then classes, then the rest, as the linter sorts them too."""
    rank = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return rank, [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


PACKAGES = [package for package in packages() if public_names(package) is not None]


def test_the_fixed_names_are_public() -> None:
    """What documentation and users' code rely on is there."""
    assert set(langchain_switchyard.__all__) >= FIXED


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_sorted(package: str) -> None:
    """So that two people who add one do not collide, and a reader finds it."""
    names = public_names(package) or []
    assert names == sorted(names, key=_order)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_there(package: str) -> None:
    """Every name of `__all__` can be had, also where it is loaded late."""
    module = importlib.import_module(package)
    missing = [name for name in public_names(package) or [] if not hasattr(module, name)]
    assert not missing


@pytest.mark.parametrize("package", [name for name in PACKAGES if not holds_code(name)])
def test_public_names_are_complete(package: str) -> None:
    """What an `__init__` imports from its own modules without an underscore is public."""
    forgotten = {name for name in imported_names(package) if not name.startswith("_")}
    assert forgotten <= set(public_names(package) or [])


def test_every_error_of_ours_has_one_root() -> None:
    """`except SwitchyardError` catches all that we raise ourselves."""
    from langchain_switchyard import errors  # noqa: PLC0415 - only this test looks inside.

    own = [
        value
        for value in vars(errors).values()
        if isinstance(value, type)
        and value.__module__ == errors.__name__
        and issubclass(value, BaseException)
    ]
    assert len(own) > 1
    assert all(issubclass(error, errors.SwitchyardError) for error in own)
