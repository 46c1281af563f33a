"""How often a key was asked for lately, in four counters and no list of keys.

A count-min sketch whose counters stop at 15 and are halved after every five accesses per entry of
capacity, so that yesterday's favourites fade (Einziger, Friedman, Manes: TinyLFU, 2017).
"""

from __future__ import annotations

_MOST = 15
_HALVED = bytes(value >> 1 for value in range(256))


class Sketch:
    """Estimates frequencies of 32-byte digests.

    Args:
        capacity: About how many entries the cache holds.
    """

    def __init__(self, capacity: int) -> None:
        """Count nothing yet."""
        width = 1 << max(8, (16 * capacity - 1).bit_length())
        self._mask = width - 1
        self._counters = bytearray(width)
        self._added = 0
        self._period = 5 * capacity

    def add(self, digest: bytes) -> None:
        """Count one access."""
        counters, mask = self._counters, self._mask
        # A digest is random already: its parts serve as independent hashes.
        bits = int.from_bytes(digest[:16], "little")
        for shift in (0, 32, 64, 96):
            index = (bits >> shift) & mask
            if counters[index] < _MOST:
                counters[index] += 1
        self._added += 1
        if self._added >= self._period:
            self._counters = bytearray(counters.translate(_HALVED))
            self._added //= 2

    def estimate(self, digest: bytes) -> int:
        """How often, 0 to 15; never less than it was, sometimes a little more."""
        counters, mask = self._counters, self._mask
        bits = int.from_bytes(digest[:16], "little")
        return min(
            counters[bits & mask],
            counters[(bits >> 32) & mask],
            counters[(bits >> 64) & mask],
            counters[(bits >> 96) & mask],
        )
