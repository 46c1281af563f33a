"""Values that fit a JSON schema, drawn from the question where it holds any."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_switchyard.testing.tokens import has_cjk

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_QUOTED = re.compile(r"['\"‘“「《]([^'\"’”」》]{1,80})['\"’”」》]")
_PLACE = re.compile(r"\b(?:in|at|for) ((?:[A-Z][\w.]*,? ?)+)")
_CHINESE_PLACE = re.compile(r"([\u4e00-\u9fff]{2,3}?)(?:市|的|今天|明天|现在|天气)")
_PLACE_NAMES = ("city", "location", "place", "城市", "地点")
_DEEP = 4
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "12:00:00",
    "email": "someone@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000001",
}
_JOKE = {
    "setup": ("Why do cats make good judges?", "为什么猫适合当法官？"),
    "punchline": ("They always land on a fair verdict.", "因为它们总能公正落地。"),
}


class Filler:
    """Fills schemas for one question; numbers and quoted names are used in order.

    Args:
        text: What the user said.
    """

    def __init__(self, text: str) -> None:
        """Look for values in the text."""
        self._text = text
        self._chinese = has_cjk(text)
        self._numbers: Iterator[float] = iter([float(n) for n in _NUMBER.findall(text)])
        self._quoted: Iterator[str] = iter(_QUOTED.findall(text))

    def fill(self, schema: Mapping[str, Any], name: str = "value") -> Any:
        """Return a value for a schema.

        Args:
            schema: JSON schema; `$ref` within it, `enum`, `const`, `anyOf`, `allOf` are followed.
            name: What the value is called where it is used.
        """
        return self._fill(schema, name, schema, 0)

    def _fill(
        self, schema: Mapping[str, Any], name: str, root: Mapping[str, Any], depth: int
    ) -> Any:
        schema = _resolve(schema, root)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._pick(schema["enum"])
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        if kind == "object" or (kind is None and "properties" in schema):
            # Deep down only what is required, and no items: a schema may contain itself.
            needed = schema.get("required", ()) if depth > _DEEP else None
            return {
                key: self._fill(part, key, root, depth + 1)
                for key, part in schema.get("properties", {}).items()
                if needed is None or key in needed
            }
        if kind == "array":
            count = max(depth <= _DEEP, schema.get("minItems", 0))
            items = schema.get("items", {})
            return [self._fill(items, name, root, depth + 1) for _ in range(count)]
        return self._scalar(kind, schema, name)

    def _scalar(self, kind: str | None, schema: Mapping[str, Any], name: str) -> Any:
        if kind in {"integer", "number"}:
            value = _within(next(self._numbers, 3.0), schema)
            return int(value) if kind == "integer" else value
        if kind == "boolean":
            return True
        if kind == "null":
            return None
        text = _FORMATS.get(schema.get("format", "")) or self._string(name)
        text = text.ljust(schema.get("minLength", 0), "…")
        return text[: schema.get("maxLength", len(text))]

    def _string(self, name: str) -> str:
        """Return a quoted name, a place, or something made of the question."""
        if name in _JOKE:
            return _JOKE[name][self._chinese]
        quoted = next(self._quoted, None)
        if quoted is not None:
            return quoted
        if any(word in name.lower() for word in _PLACE_NAMES):
            found = (_CHINESE_PLACE if self._chinese else _PLACE).search(self._text)
            if found:
                return found[1].strip(" ,.")
        return self._text.strip()[:80] or name

    def _pick(self, options: list[Any]) -> Any:
        """Return the option the question mentions, else the first."""
        lowered = self._text.lower()
        return next((one for one in options if str(one).lower() in lowered), options[0])


def _resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references and take the first branch that is not null."""
    for _ in range(32):  # A schema that refers to itself ends here.
        if "$ref" in schema:
            target: Any = root
            for key in schema["$ref"].removeprefix("#/").split("/"):
                target = target[key]
            schema = target
        elif branches := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
            schema = next((one for one in branches if one.get("type") != "null"), branches[0])
        else:
            return schema
    return {"type": "null"}


def _within(value: float, schema: Mapping[str, Any]) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None and (value < low or value == schema.get("exclusiveMinimum")):
        value = low + ("exclusiveMinimum" in schema)
    if high is not None and (value > high or value == schema.get("exclusiveMaximum")):
        value = high - ("exclusiveMaximum" in schema)
    return value
