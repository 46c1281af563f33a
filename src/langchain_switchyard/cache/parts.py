"""What a response cache is made of; shared by its layers and its own methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from langchain_core.messages import AIMessage

from langchain_switchyard.cache.flights.background import Background
from langchain_switchyard.cache.flights.flight import Flights
from langchain_switchyard.cache.keys.key import KeyMaker
from langchain_switchyard.cache.levels.shelf import Shelf
from langchain_switchyard.cache.matching import Matching
from langchain_switchyard.cache.policy import CachePolicy
from langchain_switchyard.cache.tally import Tally

Redact = Callable[[AIMessage], AIMessage | None]
"""Sees an answer before it is stored: returns what to store, or None to store nothing."""


@dataclass(frozen=True)
class Parts:
    """The pieces of one `ResponseCache`."""

    shelf: Shelf
    policy: CachePolicy
    semantic: Matching | None = None
    redact: Redact | None = None
    keys: KeyMaker = field(default_factory=KeyMaker)
    flights: Flights = field(default_factory=Flights)
    background: Background = field(default_factory=Background)
    tally: Tally = field(default_factory=Tally)
