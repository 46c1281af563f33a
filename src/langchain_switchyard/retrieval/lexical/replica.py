"""Keeps the lexical index in memory in step with the catalogue on disk, whoever wrote it."""

from __future__ import annotations

import logging
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from langchain_switchyard.retrieval.lexical.lexical_index import LexicalIndex
from langchain_switchyard.retrieval.lexical.segment import Segment
from langchain_switchyard.retrieval.storage.catalog import Catalog
from langchain_switchyard.retrieval.storage.database import IndexUnavailable
from langchain_switchyard.retrieval.storage.records import decode, decode_terms, indexed_text

_logger = logging.getLogger(__name__)
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Change:
    """What a refresh found.

    Attributes:
        reloaded: Segments were replaced, so rows deleted before are no longer listed.
        dead: Rows deleted since the last look.
    """

    reloaded: bool
    dead: tuple[int, ...]


class Replica:
    """Loads, follows and saves the lexical side of a catalogue.

    The caller holds its own lock for every call, and the writer's turn for ``settle``.

    Args:
        catalog: The truth.
        lexical: The index to keep in step.
    """

    def __init__(self, catalog: Catalog, lexical: LexicalIndex) -> None:
        """Start knowing nothing; ``refresh`` loads."""
        self.generation = -1
        self.last_row = 0
        self._last_tombstone = 0
        self._catalog = catalog
        self._lexical = lexical
        self._names: dict[Segment, str] = {}
        self._folder = None if catalog.folder is None else catalog.folder / "segments"

    def behind(self) -> bool:
        """Return whether the catalogue moved on; microseconds, and nothing at all in memory."""
        if self._folder is None and self.generation >= 0:
            return False
        return bool(self._catalog.setting("generation") != self.generation)

    def refresh(self) -> Change:
        """Take in everything written since the last look.

        Raises:
            IndexUnavailable: A segment's files are missing or damaged.
        """
        for _ in range(_ATTEMPTS):
            try:
                return self._refresh()
            except FileNotFoundError as error:
                # A writer merged between our reading of the list and of the files: look again.
                _logger.debug("segments moved while loading: %s", error)
        raise IndexUnavailable(f"files are missing under {self._folder}: index anew")

    def wrote(self, generation: int, rows: list[int]) -> None:
        """Note our own write, which need not be read back."""
        self.generation = generation
        self.last_row = max([self.last_row, *rows])
        self._last_tombstone = self._catalog.last_tombstone()

    def settle(self, *, everything: bool = False) -> None:
        """Freeze and merge what is due, save it, and put it on the list in one step."""
        gone = self._lexical.settle(everything=everything)
        segments = self._lexical.segments
        if [self._names.get(segment) for segment in segments] == list(self._names.values()):
            return
        saved = [self._saved(segment) for segment in segments]
        self._lexical.swap(saved)
        self._names = {segment: self._names[segment] for segment in saved}
        with self._catalog.transaction():
            self._catalog.write_segments(list(self._names.values()), gone)
            self.generation = self._catalog.next_generation()
        self._sweep()

    def _refresh(self) -> Change:
        with self._catalog.reading():
            generation = int(self._catalog.setting("generation"))
            names = self._catalog.segment_names()
            reloaded = self.generation < 0 or names != list(self._names.values())
            if reloaded:
                self._load(names)
            fresh = self._catalog.after(self.last_row)
            tombstones = self._catalog.tombstones(self._last_tombstone)
        texts = [indexed_text(record.text, decode(record).metadata) for record in fresh]
        self._lexical.add([record.row for record in fresh], texts)
        for number, row, terms in tombstones:
            self._lexical.delete(row, decode_terms(terms))
            self._last_tombstone = number
        self.last_row = max([self.last_row, *(record.row for record in fresh)])
        self.generation = generation
        return Change(reloaded, tuple(row for _, row, _ in tombstones))

    def _load(self, names: list[str]) -> None:
        loaded = {self._open(name): name for name in names}
        self._lexical.load(list(loaded))
        self._names = loaded
        self._last_tombstone = 0
        self.last_row = max((int(part.rows[-1]) for part in loaded if part.size), default=0)

    def _open(self, name: str) -> Segment:
        kept = {known: segment for segment, known in self._names.items()}
        if name in kept:
            return kept[name]
        if self._folder is None:
            raise IndexUnavailable(f"segment {name} is not in memory")
        try:
            return Segment.load(self._folder / name)
        except ValueError as error:
            raise IndexUnavailable(f"{self._folder / name} is damaged: index anew") from error

    def _saved(self, segment: Segment) -> Segment:
        if segment in self._names:
            return segment
        name = uuid.uuid4().hex
        if self._folder is not None:
            segment.save(self._folder / name)
            segment = Segment.load(self._folder / name)
        self._names[segment] = name
        return segment

    def _sweep(self) -> None:
        """Remove folders that no list names: merged away, or left by a killed process."""
        if self._folder is None or not self._folder.exists():
            return
        current = set(self._names.values())
        for folder in self._folder.iterdir():
            if folder.name not in current:
                _remove(folder)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:  # Still mapped by a reader, on systems that forbid removal: later.
        _logger.info("cannot remove %s yet: %s", folder, error)
