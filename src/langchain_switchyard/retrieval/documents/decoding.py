"""Bytes to text, whatever a file was saved with: what it declares, or what its bytes look like.

Told by their look: UTF-8, UTF-16, UTF-32, GB18030, Windows-1252. Pages and programs may declare
any other.
"""

from __future__ import annotations

import codecs
import contextlib
import logging
import re

from langchain_switchyard.errors import SwitchyardError

_logger = logging.getLogger(__name__)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
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
# Browsers look for a declaration in the first 1,024 bytes, and find it later in practice, too.
_DECLARED_WITHIN = 4_096
_META = re.compile(rb"""<meta\b[^>]*?\bcharset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_XML = re.compile(rb"""\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([\w.:-]+)""")
_PYTHON = re.compile(rb"(?:[^\n]*\n)?[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
# What declarations say and what is written: labels of the WHATWG's encoding standard.
_MEANT = {
    **dict.fromkeys(("gb2312", "gbk", "gb_2312-80", "x-gbk", "chinese"), "gb18030"),
    **dict.fromkeys(("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"), "cp1252"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "ks_c_5601", "korean"), "cp949"),
    **dict.fromkeys(("big5", "big5-hkscs", "x-x-big5", "cn-big5"), "big5hkscs"),
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "x-cp1251": "cp1251",
    "x-euc-jp": "euc-jp",
    "koi": "koi8-r",
    "x-cp1252": "cp1252",
    "x-mac-roman": "mac-roman",
}
# Encodings of text, and no others that Python knows, such as punycode.
_PLAUSIBLE = re.compile(r"gb|big5|euc|shift|iso2022|johab|hz|(?P<single>cp\d|iso8859|koi8|mac|tis)")
_WIDE_CP = frozenset({"cp932", "cp949", "cp950"})
# Two characters of GBK can look like UTF-8; so many cannot by accident.
_SURELY_UTF8 = 5


class UnreadableFile(SwitchyardError):
    """A file cannot be turned into text; the message says which and why."""


def decode_text(content: bytes, declared: str = "") -> str:
    r"""Decode a file; line ends become ``\n``.

    Args:
        content: All of it.
        declared: The encoding that it names itself, if it does. A mark at its beginning and
            unmistakable UTF-8 count for more, and what does not fit is not believed.

    Raises:
        UnreadableFile: No encoding fits, or it is a binary file.
    """
    named = _decoded_as(content, declared)
    if named is not None:
        return _with_line_ends(named)
    for encoding in _candidates(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            if encoding == "utf-8":
                _refuse_damage(content, error.start)
            continue
        if "\x00" not in text and len(_CONTROL.findall(text)) <= len(text) / 100:
            return _with_line_ends(text)
    raise UnreadableFile(
        "it is a binary file, or its text is neither UTF-8, UTF-16, GB18030 (GBK) nor Windows-1252"
    )


def encoding_of_html(content: bytes) -> str:
    """Return the encoding that a page or an XML file declares, or nothing."""
    head = content[:_DECLARED_WITHIN]
    found = _XML.match(head) or _META.search(head)
    return "" if found is None else found[1].decode("ascii").lower()


def encoding_of_python(content: bytes) -> str:
    """Return the encoding that a program declares on its first two lines, or nothing."""
    found = _PYTHON.match(content[:_DECLARED_WITHIN])
    return "" if found is None else found[1].decode("ascii").lower()


def _decoded_as(content: bytes, declared: str) -> str | None:
    """The text in the encoding that it declares, if that is to be believed."""
    codec = _codec(declared)
    if not codec or any(content.startswith(mark) for mark, _ in _MARKS):
        return None
    with contextlib.suppress(UnicodeDecodeError):
        beyond = sum(map(len, _BEYOND_ASCII.findall(content.decode())))
        # Declarations outlive a conversion to UTF-8.
        if beyond >= (_SURELY_UTF8 if _is_wide(codec) else 1):
            return None
    try:
        text = content.decode(codec)
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _codec(declared: str) -> str:
    """Python's name of an encoding; nothing for UTF-8 and what is no encoding of text."""
    name = declared.lower()
    try:
        codec = codecs.lookup(_MEANT.get(name, name)).name
    except (LookupError, ValueError):
        _logger.info("the declared encoding %r is unknown", declared)
        return ""
    return codec if _PLAUSIBLE.match(codec) else ""


def _is_wide(codec: str) -> bool:
    found = _PLAUSIBLE.match(codec)
    return codec in _WIDE_CP or found is None or not found["single"]


def _with_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


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
