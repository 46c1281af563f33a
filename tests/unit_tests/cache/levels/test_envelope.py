"""Entries outside the process: only what was wrapped for this address opens."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.levels import envelope
from langchain_switchyard.cache.levels.envelope import unwrap, wrap
from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.errors import ConfigurationError
from tests.unit_tests.cache.builders import address, entry

pytest.importorskip("cryptography")

RING = KeyRing({"old": b"o" * 32, "new": b"n" * 16})
FULL = entry(
    "x" * 3000,
    took=1.5,
    source="gpt",
    cost={"USD": 0.25},
    epochs=(("n", 3),),
    subject="用户",
)


@pytest.mark.parametrize("ring", [None, RING])
@pytest.mark.parametrize("held", [entry(), FULL])
def test_an_entry_comes_back_equal(ring: KeyRing | None, held: object) -> None:
    """Small and compressed, clear and sealed."""
    assert unwrap(address(), wrap(address(), held, ring), ring) == held  # type: ignore[arg-type]


@pytest.mark.parametrize("ring", [None, RING])
@given(data=st.data())
def test_any_changed_byte_makes_it_a_miss(ring: KeyRing | None, data: st.DataObject) -> None:
    """Fuzzed: flipped, cut or lengthened, it is a `ValueError` and nothing else."""
    blob = bytearray(wrap(address(), FULL, ring))
    kind = data.draw(st.sampled_from(["flip", "cut", "add"]))
    at = data.draw(st.integers(0, len(blob) - 1))
    if kind == "flip":
        blob[at] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del blob[at:]
    else:
        blob[at:at] = data.draw(st.binary(min_size=1, max_size=9))
    with pytest.raises(ValueError):
        unwrap(address(), bytes(blob), ring)


@pytest.mark.parametrize("ring", [None, RING])
@given(junk=st.binary(max_size=200))
def test_junk_is_a_miss(ring: KeyRing | None, junk: bytes) -> None:
    """Whatever somebody else wrote there."""
    with pytest.raises(ValueError):
        unwrap(address(), junk, ring)


@pytest.mark.parametrize("ring", [None, RING])
def test_a_foreign_tenants_blob_does_not_open(ring: KeyRing | None) -> None:
    """An entry is bound to its address: copying it to another does not help."""
    blob = wrap(address(tenant="a"), FULL, ring)
    with pytest.raises(ValueError):
        unwrap(address(tenant="b"), blob, ring)


def test_another_version_is_a_miss() -> None:
    """Old and future layouts are not guessed at."""
    blob = bytearray(wrap(address(), FULL))
    blob[3] += 1
    with pytest.raises(ValueError, match="version"):
        unwrap(address(), bytes(blob))


def test_a_clear_entry_is_refused_where_sealed_ones_are_expected() -> None:
    """Else whoever can write the store could plant answers."""
    with pytest.raises(ValueError, match="other than expected"):
        unwrap(address(), wrap(address(), FULL), RING)


def test_a_sealed_entry_shows_nothing() -> None:
    """Neither text nor subject can be read at rest."""
    blob = wrap(address(), entry("a secret", subject="eve"), RING)
    assert b"secret" not in blob
    assert b"eve" not in blob


def test_keys_rotate() -> None:
    """Entries under an older key still open; under a forgotten one they are a miss."""
    blob = wrap(address(), FULL, KeyRing({"old": b"o" * 32}))
    assert unwrap(address(), blob, RING) == FULL
    with pytest.raises(ValueError, match="not on the ring"):
        unwrap(address(), blob, KeyRing({"new": b"n" * 16}))


def test_a_bomb_is_a_miss() -> None:
    """A small blob cannot unfold to more than there may be."""
    bomb = zlib.compress(b"0" * (65 << 20), 9)
    head = envelope._HEAD.pack(b"SYC", 1, 1, 0)
    blob = head + envelope._checksum(envelope._place(address()), head, bomb) + bomb
    with pytest.raises(ValueError, match="too large"):
        unwrap(address(), blob)


@pytest.mark.parametrize(
    ("keys", "current"),
    [({}, None), ({"a": b"short"}, None), ({"": b"k" * 32}, None), ({"a": b"k" * 32}, "b")],
)
def test_a_ring_that_cannot_work_is_refused(keys: dict[str, bytes], current: str | None) -> None:
    """With a message that says what is needed."""
    with pytest.raises(ConfigurationError):
        KeyRing(keys, current)


def test_a_ring_does_not_show_its_keys() -> None:
    """Logs and tracebacks print it."""
    assert "nnnn" not in repr(RING)
    assert "current new" in repr(RING)
