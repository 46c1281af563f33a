"""What a synchronisation did."""

from __future__ import annotations

from dataclasses import dataclass, field

from langchain_switchyard.retrieval.storage.index import Progress


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a synchronisation did, by file or by id of a document.

    Attributes:
        added: New ones.
        updated: Those whose content changed.
        deleted: Those that are gone.
        unchanged: Number of those left alone.
        failed: ``(name, reason)`` of those that could not be taken in; their last good version
            stays.
    """

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    unchanged: int = 0
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Tally:
    """A report in the making.

    Args:
        progress: Told ``(done, total, name)`` after each step.
        total: Steps to come; 0 where nobody knows.
    """

    progress: Progress | None
    total: int
    done: int = 0
    unchanged: int = 0
    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def step(self, name: str) -> None:
        """Count one more as done."""
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total, name)

    def report(self) -> SyncReport:
        """Return what was counted."""
        return SyncReport(
            added=tuple(self.added),
            updated=tuple(self.updated),
            deleted=tuple(self.deleted),
            unchanged=self.unchanged,
            failed=tuple(self.failed),
        )
