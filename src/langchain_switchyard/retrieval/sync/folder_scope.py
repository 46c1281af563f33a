"""Under which name an index remembers a file of a folder, and which names are no longer its own.

Files are remembered by their place, so that a folder and one inside it share theirs; or by a name
that the user gives the folder, so that its place does not matter.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.storage.catalog import Catalog, Stamp

_BY_PLACE = "files"
_NAMED = "named folders"
# A folder that is gone is taken for one that moved here, if this share of its files is here.
_SAME = 0.5


@dataclass(frozen=True, slots=True)
class FolderScope:
    """The names of one folder's files.

    Attributes:
        catalog: Where they are remembered.
        root: Where the folder is.
        scope: In which scope of the catalogue.
        prefix: What comes before a file's path within the folder.
        label: What its chunks' ``source`` begins with.
    """

    catalog: Catalog
    root: Path
    scope: str
    prefix: str
    label: str

    def key(self, name: str) -> str:
        """Return what a file is remembered as, given its path within the folder."""
        return f"{self.prefix}{name}"

    def shown(self, key: str) -> str:
        """Return what a report calls it."""
        return key.removeprefix(self.prefix)

    def source(self, name: str) -> str:
        """Return what its chunks say about where they are from."""
        return str(Path(self.label) / name)

    def gone(self, present: Mapping[str, Path]) -> list[tuple[str, str]]:
        """Return ``(scope, key)`` of what must leave the index, given the files by path within."""
        keys = {self.key(name) for name in present}
        own = [key for key in self.catalog.synced_names(self.scope) if key not in keys]
        if self.scope != _BY_PLACE:
            taken = [(_BY_PLACE, key) for key in self._taken_over(present)]
            return [*((self.scope, key) for key in own), *taken]
        stamps = self.catalog.stamps(_BY_PLACE, own)
        return [(_BY_PLACE, key) for key in (*self._left(stamps), *self._moved(stamps, present))]

    def recorded(self) -> bool:
        """Return whether it is remembered where a folder with a name is."""
        named = _named(self.catalog)
        return self.scope == _BY_PLACE or named.get(self.scope) == str(self.root)

    def record(self) -> None:
        """Remember that; within a transaction."""
        if not self.recorded():
            named = {**_named(self.catalog), self.scope: str(self.root)}
            self.catalog.remember(_NAMED, json.dumps(named, ensure_ascii=False))

    def _left(self, stamps: Mapping[str, Stamp]) -> Iterator[str]:
        """Files of this folder that nobody wants: what another folder's patterns took in stays."""
        for key, stamp in stamps.items():
            wanted_elsewhere = stamp.source != str(self.root) and Path(key).is_file()
            if key.startswith(_inside(self.root)) and not wanted_elsewhere:
                yield key

    def _moved(self, stamps: Mapping[str, Stamp], present: Mapping[str, Path]) -> Iterator[str]:
        """Files of folders that are gone, and whose files are here now."""
        exists = cache(Path.exists)
        folders: defaultdict[Path, list[str]] = defaultdict(list)
        for key, stamp in stamps.items():
            gone = None if key.startswith(self.prefix) else _gone(key, stamp.source, exists)
            if gone is not None:
                folders[gone].append(key)
        for folder, keys in folders.items():
            sizes = {key.removeprefix(_inside(folder)): stamps[key].size for key in keys}
            here = sum(_is_of_size(present.get(name), size) for name, size in sizes.items())
            if here >= _SAME * len(keys):
                yield from keys

    def _taken_over(self, present: Mapping[str, Path]) -> Iterator[str]:
        """What was remembered by place before the folder was given a name."""
        inside = _inside(self.root)
        known = [key for key in self.catalog.synced_names(_BY_PLACE) if key.startswith(inside)]
        for key, stamp in self.catalog.stamps(_BY_PLACE, known).items():
            if stamp.source == str(self.root) or key.removeprefix(inside) in present:
                yield key


def folder_scope(catalog: Catalog, folder: Path, name: str | None) -> FolderScope:
    """Return the names of a folder's files.

    Args:
        catalog: Where they are remembered.
        folder: As it was given.
        name: What the user calls it; without one, what it was called last time, if ever.

    Raises:
        ConfigurationError: An empty name.
    """
    root = folder.resolve()
    if name is not None and not name.strip():
        raise ConfigurationError("scope is the folder's name in the index; it is empty")
    last = (scope for scope, place in _named(catalog).items() if place == str(root))
    scope = next(last, _BY_PLACE) if name is None else f"folder:{name}"
    if scope == _BY_PLACE:
        return FolderScope(catalog, root, scope, _inside(root), str(folder))
    return FolderScope(catalog, root, scope, "", scope.removeprefix("folder:"))


def _inside(folder: Path) -> str:
    return f"{folder.as_posix().rstrip('/')}/"


def _named(catalog: Catalog) -> dict[str, str]:
    return dict(json.loads(catalog.setting(_NAMED) or "{}"))


def _gone(key: str, owner: str, exists: Callable[[Path], bool]) -> Path | None:
    """The outermost folder of a file that is no more, from the one it was indexed through down."""
    folder = Path(owner)
    for part in Path(key).relative_to(folder).parts:
        if not exists(folder):
            return folder
        folder /= part
    return None


def _is_of_size(file: Path | None, size: int) -> bool:
    try:
        return file is not None and file.stat().st_size == size
    except OSError:
        return False  # It is gone since it was listed: nothing that could be the same.
