"""Groups of equivalent answers, against a naive model."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic.groups import AnswerGroups

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["same", "differ", "discard", "isolate"]),
        st.integers(0, 7),
        st.integers(0, 7),
    ),
    max_size=40,
)


class Sets:
    """The naive model: a list of sets."""

    def __init__(self) -> None:
        """Start with everybody alone."""
        self.sets = [{entry} for entry in range(8)]

    def home(self, entry):
        """Return the set of an entry, None if it was discarded."""
        return next((one for one in self.sets if entry in one), None)

    def join(self, left, right):
        """Unite two sets."""
        ours, theirs = self.home(left), self.home(right)
        if ours is not theirs:
            self.sets.remove(theirs)
            ours |= theirs

    def take_out(self, entry, *, alone):
        """Take an entry out of its set."""
        self.home(entry).discard(entry)
        self.sets = [one for one in self.sets if one] + ([{entry}] if alone else [])


def act(groups, model, action, left, right):
    """Do one thing to both."""
    if model.home(left) is None:
        return
    if action in {"discard", "isolate"}:
        model.take_out(left, alone=action == "isolate")
        groups.discard(left) if action == "discard" else groups.isolate([left])
    elif model.home(right) is not None:
        groups.settle(left, right, same=action == "same")
        if action == "same":
            model.join(left, right)


@given(ACTIONS)
def test_groups_are_what_a_list_of_sets_says(actions):
    """Whatever is joined, told apart, discarded and isolated, in any order."""
    groups, model = AnswerGroups(), Sets()
    for entry in range(8):
        groups.add(entry)
    for action, left, right in actions:
        act(groups, model, action, left, right)
    alive = [entry for entry in range(8) if model.home(entry)]
    assert len(groups) == len(model.sets)
    assert [groups.size(entry) for entry in alive] == [len(model.home(entry)) for entry in alive]
    for left, right in itertools.product(alive, alive):
        together = groups.group(left) == groups.group(right)
        assert together == (model.home(left) is model.home(right))
        assert groups.known_to_differ(left, right) == groups.known_to_differ(right, left)
        assert not (together and groups.known_to_differ(left, right))


def test_a_difference_is_remembered_between_whole_groups():
    """One comparison speaks for all members, also after groups joined."""
    groups = AnswerGroups()
    for entry in range(5):
        groups.add(entry)
    groups.settle(0, 1, same=True)
    groups.settle(2, 3, same=True)
    groups.settle(1, 2, same=False)
    groups.settle(4, 0, same=True)
    assert groups.known_to_differ(4, 3)


def test_an_isolated_entry_keeps_no_opinion():
    """It must earn its place again."""
    groups = AnswerGroups()
    for entry in range(3):
        groups.add(entry)
    groups.settle(0, 1, same=True)
    groups.settle(0, 2, same=False)
    groups.isolate([0])
    assert groups.group(0) != groups.group(1)
    assert not groups.known_to_differ(0, 2)
    assert groups.known_to_differ(1, 2)


def test_unknown_entries_are_ignored():
    """They may have left in between."""
    groups = AnswerGroups()
    groups.discard(5)
    groups.isolate([5])
    assert 5 not in groups
    assert len(groups) == 0
