"""Bytes to text, whatever a file was saved with: UTF-8, UTF-16, UTF-32, GB18030, Windows-1252."""

from __future__ import annotations

import codecs
import re

from langchain_switchyard.errors import SwitchyardError

# UTF-32's mark begins like UTF-16's: longer ones first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# A double byte of GB18030, and one of those that GB2312 has, which is nearly all that is written.
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
_COMMON_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_SAMPLE = 1 << 16


class UnreadableFile(SwitchyardError):
    """A file cannot be turned into text; the message says which and why."""


def decode_text(content: bytes) -> str:
    r"""Decode a file; line ends become ``\n``.

    Raises:
        UnreadableFile: No encoding fits, or it is a binary file.
    """
    for encoding in _candidates(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            if encoding == "utf-8":
                _refuse_damage(content, error.start)
            continue
        if "\x00" not in text and len(_CONTROL.findall(text)) <= len(text) / 100:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise UnreadableFile(
        "it is a binary file, or its text is neither UTF-8, UTF-16, GB18030 (GBK) nor Windows-1252"
    )


def _refuse_damage(content: bytes, place: int) -> None:
    """Do not take damaged UTF-8 for another encoding: that would index nonsense."""
    text = content[max(place - _SAMPLE, 0) : place + _SAMPLE].decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(1 for char in text if char > "\x7f") - bad
    if good > 10 * bad:
        raise UnreadableFile(f"its UTF-8 is damaged at byte {place}")


def _candidates(content: bytes) -> list[str]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return [encoding]
    if b"\x00" in content[:_SAMPLE]:
        return _unmarked_utf16(content[:_SAMPLE])
    return ["utf-8", *(["gb18030"] if _looks_chinese(content[:_SAMPLE]) else []), "cp1252"]


def _unmarked_utf16(sample: bytes) -> list[str]:
    """Which order of bytes has zeros beside ASCII characters, line ends at least; else binary."""
    first, second = sample[0::2], sample[1::2]
    for encoding, high, low in (("utf-16-le", second, first), ("utf-16-be", first, second)):
        beside = bytes(b for a, b in zip(high, low, strict=False) if not a)
        printable = sum(1 for byte in beside if 32 <= byte < 127 or byte in b"\t\n\r")
        if beside and not low.count(0) and printable > 0.95 * len(beside):
            return [encoding]
    return []


def _looks_chinese(sample: bytes) -> bool:
    """Whether high bytes come in the pairs that Chinese is written with, rather than one by one."""
    pairs = len(_PAIR.findall(sample))
    return pairs == 0 or len(_COMMON_PAIR.findall(sample)) > pairs / 2
