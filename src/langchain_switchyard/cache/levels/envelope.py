"""Entries outside this process: versioned, checked, and bound to their address.

```
"SYC" version flags len(key name) key name | nonce + ciphertext, or checksum + clear
```
A blob that was moved to another address, cut, changed, or written by another version does not open:
the reader counts a miss.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

import orjson

from langchain_switchyard.cache.entry import Entry, entry_of, header_of
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.keyring import KeyRing

_MAGIC = b"SYC"
_VERSION = 1
_COMPRESSED, _SEALED = 1, 2
_HEAD = struct.Struct(">3sBBB")
_LENGTH = struct.Struct(">I")
_WORTH_COMPRESSING = 1024
_LARGEST = 64 << 20
"""Bytes that a blob may unfold to; a bomb counts as damaged."""


def wrap(key: Key, entry: Entry, ring: KeyRing | None = None) -> bytes:
    """An entry as bytes for a level outside this process."""
    header = orjson.dumps(header_of(entry))
    clear = _LENGTH.pack(len(header)) + header + entry.body
    flags = 0
    if len(clear) > _WORTH_COMPRESSING:
        flags |= _COMPRESSED
        clear = zlib.compress(clear, 1)
    if ring is None:
        head = _HEAD.pack(_MAGIC, _VERSION, flags, 0)
        return head + _checksum(key, head, clear) + clear
    flags |= _SEALED
    name, sealed = ring.seal(clear, _bound_to(key, flags))
    return _HEAD.pack(_MAGIC, _VERSION, flags, len(name)) + name + sealed


def unwrap(key: Key, blob: bytes, ring: KeyRing | None = None) -> Entry:
    """The entry that was wrapped for this key.

    Raises:
        ValueError: It was not, or not by this version, or it was changed on the way.
    """
    flags, name, rest = _split(blob)
    if bool(flags & _SEALED) != (ring is not None):
        # With a ring, clear entries could have been planted by anybody.
        raise ValueError("sealed or not, other than expected")
    if ring is not None:
        clear = ring.open(name, rest, _bound_to(key, flags))
    else:
        clear = rest[16:]
        if _checksum(key, blob[: _HEAD.size], clear) != rest[:16]:
            raise ValueError("the checksum does not match")
    if flags & _COMPRESSED:
        clear = _unfold(clear)
    if len(clear) < _LENGTH.size:
        raise ValueError("cut")
    (length,) = _LENGTH.unpack_from(clear)
    start = _LENGTH.size + length
    return entry_of(orjson.loads(clear[_LENGTH.size : start]), clear[start:])


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


def _bound_to(key: Key, flags: int) -> bytes:
    return b"%b%c%c%b%b" % (_MAGIC, _VERSION, flags, key.scope.encode(), key.digest)


def _checksum(key: Key, head: bytes, clear: bytes) -> bytes:
    digest = hashlib.sha256(head)
    digest.update(key.scope.encode() + key.digest)
    digest.update(clear)
    return digest.digest()[:16]
