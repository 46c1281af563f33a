"""The house rules a machine can check: sizes, names, docstrings, and which way imports point."""

from __future__ import annotations

import ast
import importlib.util
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = "langchain_switchyard"
SOURCE = Path(__file__).parents[2] / "src" / PACKAGE

MAX_FILE = 300
MAX_FUNCTION = 60

NAMELESS = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
"""Names that say nothing about what is inside."""

GROUND = {"_version", "errors", "forks", "per_loop", "search_filter", "sources"}
"""What everybody may know; it knows nobody."""

PEERS = {"cache", "conversation", "quality", "retrieval", "routing", "safety"}
"""They do not know each other: they meet through LangChain's contracts and small Protocols."""

MAY_IMPORT = {
    **dict.fromkeys(GROUND, GROUND),
    **dict.fromkeys(PEERS, GROUND),
    # The public names.
    "": GROUND | {"config", "routing"},
    # A layer of the pipeline from outside: it speaks the pipeline's contract, never its insides.
    "cache": GROUND | {"routing"},
    # Rehearsals stand in front of the package like any user's test: on the outside.
    "testing": GROUND,
    "telemetry": GROUND | {"routing"},
    "providers": GROUND | {"routing"},
    "graph": GROUND | PEERS | {"config", "providers"},
    "config": GROUND | PEERS | {"providers", "telemetry"},
    "service": GROUND | PEERS | {"config", "graph", "providers", "telemetry"},
    "cli": GROUND | PEERS | {"config", "graph", "providers", "service", "telemetry"},
}
"""Part of the package -> the other parts it may import. Nobody imports `service` but `cli`."""

CONTRACT = {"cache_options", "call", "clock", "drivers", "effects", "failures", "layer", "reset"}
"""The modules of `routing` that a layer from outside may speak."""


@dataclass(frozen=True)
class Source:
    """One module of the package: its dotted name below the package, its file, its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def part(self) -> str:
        """The part of the package it belongs to; empty for the package's own `__init__`."""
        return self.name.partition(".")[0]

    @property
    def dotted(self) -> str:
        """Its full name."""
        return f"{PACKAGE}.{self.name}" if self.name else PACKAGE

    def __str__(self) -> str:
        """For messages."""
        return str(self.path.relative_to(SOURCE.parent))


def read_sources() -> list[Source]:
    """Every module of the package."""
    sources = []
    for path in sorted(SOURCE.rglob("*.py")):
        relative = path.relative_to(SOURCE).with_suffix("")
        parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
        sources.append(Source(".".join(parts), path, ast.parse(path.read_text("utf-8"))))
    return sources


SOURCES = read_sources()
MODULES = {source.dotted for source in SOURCES}


def own_imports(source: Source, *, lazy: bool) -> Iterator[str]:
    """Full names of the modules of this package that a module imports at run time."""
    for node in _imports(source.tree, lazy=lazy):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            # `from package.part import module` names the module, not a thing inside `part`.
            names = {f"{module}.{alias.name}" for alias in node.names}
            imported = {name if name in MODULES else module for name in names}
        else:
            imported = {alias.name for alias in node.names}
        yield from (name for name in imported if name.partition(".")[0] == PACKAGE)


def _imports(node: ast.AST, *, lazy: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue  # Names for the type checker only: nothing is imported.
        elif lazy or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(child, lazy=lazy)


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_there_are_sources_to_look_at() -> None:
    """A walk over nothing would find nothing wrong."""
    assert {"errors", "routing.pipeline", "routing.chat_model"} <= {s.name for s in SOURCES}


def test_every_part_of_the_package_has_its_place_in_the_order() -> None:
    """A new part must say what it may know before it is let in."""
    assert {source.part for source in SOURCES} <= MAY_IMPORT.keys()


def test_the_walk_sees_every_way_to_import() -> None:
    """Modules, names inside modules, and imports inside functions; not those for types only."""
    code = """
import langchain_switchyard.routing.retry
from langchain_switchyard.routing import clock
from langchain_switchyard.errors import SwitchyardError
if TYPE_CHECKING:
    from langchain_switchyard.routing.call import Call
def later():
    from langchain_switchyard.routing.drivers.pump import Pump
"""
    source = Source("new", SOURCE / "new.py", ast.parse(code))
    at_once = {f"{PACKAGE}.{name}" for name in ("routing.retry", "routing.clock", "errors")}
    assert set(own_imports(source, lazy=False)) == at_once
    assert set(own_imports(source, lazy=True)) == at_once | {f"{PACKAGE}.routing.drivers.pump"}


@pytest.mark.parametrize("part", sorted({source.part for source in SOURCES}))
def test_imports_point_one_way(part: str) -> None:
    """A part knows only those it may know, imports inside functions included."""
    allowed = MAY_IMPORT.get(part, set()) | {part}
    wrong = [
        f"{source} imports {name}"
        for source in SOURCES
        if source.part == part
        for name in own_imports(source, lazy=True)
        if name.removeprefix(PACKAGE).lstrip(".").partition(".")[0] not in allowed
    ]
    assert not wrong


def test_the_cache_speaks_only_the_pipeline_s_contract() -> None:
    """What is inside `routing` may change without it."""
    prefix = f"{PACKAGE}.routing."
    wrong = [
        f"{source} imports {name}"
        for source in SOURCES
        if source.part == "cache"
        for name in own_imports(source, lazy=True)
        if name.startswith(prefix) and name.removeprefix(prefix).split(".")[0] not in CONTRACT
    ]
    assert not wrong


def test_no_module_imports_itself_in_a_circle() -> None:
    """Imports at module level can be put in an order."""
    graph = {s.dotted: set(own_imports(s, lazy=False)) - {s.dotted} for s in SOURCES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_every_name_imported_from_the_package_is_a_module_of_it() -> None:
    """An import that the walk above cannot place would slip through it."""
    unknown = {
        f"{source} imports {name}"
        for source in SOURCES
        for name in own_imports(source, lazy=True)
        if name not in MODULES
    }
    assert not unknown


def test_files_are_short_enough_to_read() -> None:
    """No file is longer than 300 lines."""
    long = {str(s): lines for s in SOURCES if (lines := _lines(s.path)) > MAX_FILE}
    assert not long


def test_functions_are_short_enough_to_read() -> None:
    """No function is longer than 60 lines; 40 is the aim."""
    long = {
        f"{source}:{node.lineno} {node.name}": lines
        for source in SOURCES
        for node in functions(source)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION
    }
    assert not long


def test_modules_are_named_by_what_they_hold() -> None:
    """No module is called utils, helpers, manager, common or the like."""
    nameless = [str(s) for s in SOURCES if NAMELESS & set(s.name.split("."))]
    assert not nameless


def test_everything_public_says_what_it_is_for() -> None:
    """Modules, public classes, and public functions and methods have a docstring."""
    silent = [f"{source}: {name}" for source in SOURCES for name in _undocumented(source)]
    assert not silent


def test_every_extra_that_an_error_names_exists() -> None:
    """Whoever follows the advice of `MissingExtra` gets what is missing."""
    project = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    named = {extra for source in SOURCES for extra in _extras_named(source)}
    assert named
    assert named <= set(project["optional-dependencies"])


def _extras_named(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "MissingExtra":
            extra = node.args[-1]
            if isinstance(extra, ast.Constant):
                yield extra.value


def test_every_unit_test_file_mirrors_a_source() -> None:
    """`tests/unit_tests/a/test_b.py` is where the tests of `a/b.py` are, or of the part `a`."""
    here = Path(__file__).parent
    parts = {source.part for source in SOURCES}
    strays = [
        str(path.relative_to(here))
        for path in here.rglob("test_*.py")
        if path.parent != here and path.relative_to(here).parts[0] not in parts
    ]
    assert not strays


def test_the_package_under_test_is_the_one_of_this_checkout() -> None:
    """Another installed copy would make every other test speak of the wrong code."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin == str(SOURCE / "__init__.py")


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def _undocumented(source: Source) -> Iterator[str]:
    if ast.get_docstring(source.tree) is None:
        yield "the module"
    yield from _undocumented_in(source.tree, "")


def _undocumented_in(parent: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_") or _inherits_its_docstring(node):
            continue
        if ast.get_docstring(node) is None:
            yield f"{prefix}{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented_in(node, f"{prefix}{node.name}.")


def _inherits_its_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Overrides and overloads are documented where they are declared first."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"override", "overload", "setter"})
