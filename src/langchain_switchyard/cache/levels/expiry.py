"""What expires when, in coarse buckets: dead entries give back their room unasked."""

from __future__ import annotations

import heapq

_WIDTH = 4.0
"""Seconds one bucket spans."""


class Expiry:
    """Remembers digests by the time at which they are past all use. Its owner holds the lock."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._buckets: dict[int, set[bytes]] = {}
        self._order: list[int] = []

    def add(self, digest: bytes, until: float) -> None:
        """A digest is dead from `until` on."""
        bucket = int(until // _WIDTH)
        held = self._buckets.get(bucket)
        if held is None:
            held = self._buckets[bucket] = set()
            heapq.heappush(self._order, bucket)
        held.add(digest)

    def remove(self, digest: bytes, until: float) -> None:
        """Forget a digest that was added with this very time."""
        if held := self._buckets.get(int(until // _WIDTH)):
            held.discard(digest)

    def pop_dead(self, now: float) -> list[bytes]:
        """All digests that are dead by now, up to the width of a bucket."""
        dead: list[bytes] = []
        bucket = int(now // _WIDTH)
        while self._order and self._order[0] < bucket:
            dead.extend(self._buckets.pop(heapq.heappop(self._order)))
        return dead
