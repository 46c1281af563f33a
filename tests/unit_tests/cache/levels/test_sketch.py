"""The frequency sketch never counts too little, and forgets."""

from __future__ import annotations

import hashlib

from langchain_switchyard.cache.levels.sketch import Sketch


def digest(name: object) -> bytes:
    """32 bytes."""
    return hashlib.sha256(str(name).encode()).digest()


def test_it_counts_up_to_fifteen() -> None:
    """Enough to tell a favourite from a passer-by."""
    sketch = Sketch(100)
    for _ in range(40):
        sketch.add(digest("a"))
    assert sketch.estimate(digest("a")) == 15
    assert sketch.estimate(digest("b")) == 0


def test_it_never_counts_too_little_before_it_fades() -> None:
    """Collisions can only add."""
    sketch = Sketch(1_000)
    for number in range(1_000):
        for _ in range(1 + number % 3):
            sketch.add(digest(number))
    assert all(sketch.estimate(digest(n)) >= 1 + n % 3 for n in range(1_000))


def test_counts_fade() -> None:
    """After five accesses per entry of capacity everything is worth half."""
    sketch = Sketch(10)
    for _ in range(10):
        sketch.add(digest("a"))
    for number in range(41):
        sketch.add(digest(number))
    assert sketch.estimate(digest("a")) <= 6
