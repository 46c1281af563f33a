"""Bytes outside this process: versioned, checked, and bound to the place where they lie.

```
"SYC" version flags len(key name) key name | nonce + ciphertext, or checksum + clear
```
A blob that was moved to another place, cut, changed, or written by another version does not open:
the reader counts a miss.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

from langchain_switchyard.cache.entry import Entry, packed, unpacked
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.keyring import KeyRing

_MAGIC = b"SYC"
_VERSION = 1
_COMPRESSED, _SEALED = 1, 2
_HEAD = struct.Struct(">3sBBB")
_WORTH_COMPRESSING = 1024
_LARGEST = 64 << 20
"""Bytes that a blob may unfold to; a bomb counts as damaged."""


def wrap(key: Key, entry: Entry, ring: KeyRing | None = None) -> bytes:
    """An entry as bytes for a level outside this process."""
    return seal(_place(key), packed(entry), ring)


def unwrap(key: Key, blob: bytes, ring: KeyRing | None = None) -> Entry:
    """The entry that was wrapped for this key.

    Raises:
        ValueError: It was not, or not by this version, or it was changed on the way.
    """
    return unpacked(unseal(_place(key), blob, ring))


def wrap_frame(
    key: Key, token: str, index: int, frame: bytes, ring: KeyRing | None = None
) -> bytes:
    """A frame of a call under way: bound to the call, to who tells it, and to its turn."""
    return seal(_turn(key, token, index), frame, ring)


def unwrap_frame(
    key: Key, token: str, index: int, blob: bytes, ring: KeyRing | None = None
) -> bytes:
    """The frame that was wrapped for this turn.

    Raises:
        ValueError: It was not, or it was changed on the way.
    """
    return unseal(_turn(key, token, index), blob, ring)


def seal(place: bytes, clear: bytes, ring: KeyRing | None) -> bytes:
    """Bytes that can be read back at this place only."""
    flags = 0
    if len(clear) > _WORTH_COMPRESSING:
        flags |= _COMPRESSED
        clear = zlib.compress(clear, 1)
    if ring is None:
        head = _HEAD.pack(_MAGIC, _VERSION, flags, 0)
        return head + _checksum(place, head, clear) + clear
    flags |= _SEALED
    name, sealed = ring.seal(clear, _bound_to(place, flags))
    return _HEAD.pack(_MAGIC, _VERSION, flags, len(name)) + name + sealed


def unseal(place: bytes, blob: bytes, ring: KeyRing | None) -> bytes:
    """What was sealed for this place.

    Raises:
        ValueError: Nothing was, or it was changed on the way.
    """
    flags, name, rest = _split(blob)
    if bool(flags & _SEALED) != (ring is not None):
        # With a ring, clear bytes could have been planted by anybody.
        raise ValueError("sealed or not, other than expected")
    if ring is not None:
        clear = ring.open(name, rest, _bound_to(place, flags))
    else:
        clear = rest[16:]
        if _checksum(place, blob[: _HEAD.size], clear) != rest[:16]:
            raise ValueError("the checksum does not match")
    return _unfold(clear) if flags & _COMPRESSED else clear


def _place(key: Key) -> bytes:
    return key.scope.encode() + key.digest


def _turn(key: Key, token: str, index: int) -> bytes:
    return b"%b\0line\0%b\0%d" % (_place(key), token.encode(), index)


def _split(blob: bytes) -> tuple[int, bytes, bytes]:
    if len(blob) < _HEAD.size:
        raise ValueError("cut")
    magic, version, flags, name_length = _HEAD.unpack_from(blob)
    if magic != _MAGIC or version != _VERSION or flags & ~(_COMPRESSED | _SEALED):
        raise ValueError("not an entry of this version")
    end = _HEAD.size + name_length
    return flags, blob[_HEAD.size : end], blob[end:]


def _unfold(data: bytes) -> bytes:
    unfolding = zlib.decompressobj()
    try:
        clear = unfolding.decompress(data, _LARGEST)
    except zlib.error as error:
        raise ValueError("damaged") from error
    if not unfolding.eof:
        raise ValueError("cut, or far too large")
    return clear


def _bound_to(place: bytes, flags: int) -> bytes:
    return b"%b%c%c%b" % (_MAGIC, _VERSION, flags, place)


def _checksum(place: bytes, head: bytes, clear: bytes) -> bytes:
    digest = hashlib.sha256(head)
    digest.update(place)
    digest.update(clear)
    return digest.digest()[:16]
