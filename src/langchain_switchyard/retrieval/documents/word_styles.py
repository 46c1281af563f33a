"""What the paragraph styles of a Word document mean: headings of which depth, and lists.

Style ids mean nothing: Word in Chinese writes "1" for its first heading, WPS "2", and a company's
template what it likes. Their names, their outline levels and what they are based on tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# Word stores the names of its own styles in English, whatever its language; others translate them.
_HEADING = re.compile(r"(?:heading|标题|標題|überschrift|titre|título|заголовок)\s*(\d)")
_TITLE = frozenset({"title", "标题", "標題"})
_LIST = re.compile(r"list ?(?:bullet|number)|列表(?:项目符号|编号)|項目符號")
_BODY_LEVEL = 9
_LONGEST_CHAIN = 20


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a paragraph is.

    Attributes:
        level: Depth of a heading, from 1; 0 for text.
        listed: Whether it is an item of a list.
    """

    level: int = 0
    listed: bool = False


class Styles:
    """The paragraph styles of a document.

    Args:
        root: Of ``word/styles.xml``; ``None`` where the document has none.
    """

    def __init__(self, root: ET.Element | None) -> None:
        """Find them by id."""
        found = () if root is None else root.iter(f"{W}style")
        self._styles = {style.get(f"{W}styleId", ""): style for style in found}

    def meaning(self, paragraph: ET.Element) -> Meaning:
        """Return what a paragraph is: what it says itself counts for more than its style."""
        own = paragraph.find(f"{W}pPr")
        style = "" if own is None else _value(own.find(f"{W}pStyle"))
        level, listed = _outline(own), _listed(own)
        for name, properties in self._chain(style):
            level = _named_level(name) if level is None else level
            level = _outline(properties) if level is None else level
            by_name = True if _LIST.match(name.lower()) else None
            listed = listed if listed is not None else _listed(properties)
            listed = listed if listed is not None else by_name
        return Meaning(level or 0, bool(listed))

    def _chain(self, style_id: str) -> list[tuple[str, ET.Element | None]]:
        """``(name, paragraph properties)`` of a style and of those that it is based on."""
        if style_id not in self._styles:
            return [(style_id, None)] if style_id else []
        chain: list[tuple[str, ET.Element | None]] = []
        while style_id in self._styles and len(chain) < _LONGEST_CHAIN:
            style = self._styles[style_id]
            chain.append((_value(style.find(f"{W}name")), style.find(f"{W}pPr")))
            style_id = _value(style.find(f"{W}basedOn"))
        return chain


def _named_level(name: str) -> int | None:
    name = name.strip().lower()
    found = _HEADING.match(name)
    if found is not None:
        return int(found[1]) or None
    return 1 if name in _TITLE else None


def _outline(properties: ET.Element | None) -> int | None:
    found = None if properties is None else properties.find(f"{W}outlineLvl")
    value = _value(found)
    if not value.isdigit():
        return None
    return 0 if int(value) >= _BODY_LEVEL else int(value) + 1


def _listed(properties: ET.Element | None) -> bool | None:
    found = None if properties is None else properties.find(f"{W}numPr")
    # Numbering of id 0 takes away what the style would give.
    return None if found is None else _value(found.find(f"{W}numId")) != "0"


def _value(element: ET.Element | None) -> str:
    return "" if element is None else element.get(f"{W}val", "")
