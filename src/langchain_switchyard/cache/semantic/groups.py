"""Which stored questions have equivalent answers, as far as answers were compared.

A verdict of *same* joins two groups, a verdict of *different* is remembered between them: a fresh
answer that equals one group's need not be compared with a group known to differ from it.
"""

from __future__ import annotations

from collections.abc import Iterable


class AnswerGroups:
    """A partition of entries into groups that can also be taken apart again.

    Not a union-find forest: entries leave (evicted, quarantined) as often as groups join, and the
    smaller group is moved into the larger, so that an entry moves at most log2(n) times.
    """

    def __init__(self) -> None:
        """Start without entries."""
        self._group_of: dict[int, int] = {}
        self._members: dict[int, set[int]] = {}
        self._differs: dict[int, set[int]] = {}
        self._next = 0

    def __contains__(self, entry: int) -> bool:
        """Whether the entry is known."""
        return entry in self._group_of

    def __len__(self) -> int:
        """Count the groups."""
        return len(self._members)

    def add(self, entry: int) -> None:
        """Add an entry as a group of its own."""
        group, self._next = self._next, self._next + 1
        self._group_of[entry] = group
        self._members[group] = {entry}
        self._differs[group] = set()

    def group(self, entry: int) -> int:
        """Return the number of the entry's group; numbers change when groups join."""
        return self._group_of[entry]

    def size(self, entry: int) -> int:
        """Count the entries in the entry's group, itself included."""
        return len(self._members[self._group_of[entry]])

    def is_open(self, left: int, right: int) -> bool:
        """Whether nothing is known yet of how two entries' answers compare."""
        if left not in self or self.group(left) == self.group(right):
            return False
        return not self.known_to_differ(left, right)

    def known_to_differ(self, left: int, right: int) -> bool:
        """Whether answers of the two entries' groups were compared and found different."""
        return self._group_of[right] in self._differs[self._group_of[left]]

    def settle(self, left: int, right: int, *, same: bool) -> None:
        """Take in the verdict on the answers of two entries."""
        ours, theirs = self._group_of[left], self._group_of[right]
        if ours == theirs:
            return
        if same:
            self._join(ours, theirs)
        else:
            self._differs[ours].add(theirs)
            self._differs[theirs].add(ours)

    def isolate(self, entries: Iterable[int]) -> None:
        """Take entries out of their groups: each must earn its place again."""
        for entry in entries:
            if entry in self._group_of:
                self.discard(entry)
                self.add(entry)

    def discard(self, entry: int) -> None:
        """Forget an entry; an unknown one is ignored."""
        group = self._group_of.pop(entry, None)
        if group is None:
            return
        self._members[group].discard(entry)
        if not self._members[group]:
            del self._members[group]
            for other in self._differs.pop(group):
                self._differs[other].discard(group)

    def _join(self, ours: int, theirs: int) -> None:
        if len(self._members[ours]) < len(self._members[theirs]):
            ours, theirs = theirs, ours
        moved = self._members.pop(theirs)
        self._members[ours] |= moved
        self._group_of.update(dict.fromkeys(moved, ours))
        # The newer verdict wins over an older one: the joined group does not differ from itself.
        for other in self._differs.pop(theirs):
            self._differs[other].discard(theirs)
            if other != ours:
                self._differs[other].add(ours)
                self._differs[ours].add(other)
