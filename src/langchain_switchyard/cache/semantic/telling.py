"""What a partition tells others, and what it has heard. Its partition holds the lock."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque

from langchain_switchyard.cache.semantic.notes import Event, pack, unpack
from langchain_switchyard.cache.semantic_contract import Page

_log = logging.getLogger(__name__)

_UNTOLD = 256
"""Events that wait to be fetched; older ones are lost to others."""
_REPORTED = 10_000
"""Complaints remembered, so that none counts twice."""


class Telling:
    """One partition's part in a conversation.

    Args:
        name: What it calls itself in its notes: it does not listen to itself.
    """

    def __init__(self, name: str) -> None:
        """Nobody listens yet: nothing is told before somebody was heard."""
        self._name = name
        self._untold: deque[Event] | None = None
        self._reported: OrderedDict[bytes, None] = OrderedDict()
        self.position = ""

    def tell(self, event: Event) -> None:
        """Keep an event until it is fetched, if anybody listens."""
        if self._untold is not None:
            self._untold.append(event)

    def drain(self) -> list[bytes]:
        """Return notes on what happened since the last call."""
        if not self._untold:
            return []
        events = list(self._untold)
        self._untold.clear()
        return [pack(self._name, events)]

    def hear(self, page: Page) -> list[Event]:
        """Return what others told on a page; nothing if the page was heard before."""
        if self._untold is None:
            self._untold = deque(maxlen=_UNTOLD)
        if page.after != self.position:
            return []
        self.position = page.position
        return [event for note in page.notes for event in self._read(note)]

    def _read(self, note: bytes) -> list[Event]:
        try:
            by, events = unpack(note)
        except ValueError as error:
            _log.warning("a note on past questions cannot be read and is left out: %s", error)
            return []
        return [] if by == self._name else events

    def is_known(self, nonce: bytes) -> bool:
        """Whether a hit was reported before."""
        return nonce in self._reported

    def remember(self, nonce: bytes) -> None:
        """A hit was reported."""
        self._reported[nonce] = None
        if len(self._reported) > _REPORTED:
            self._reported.popitem(last=False)
