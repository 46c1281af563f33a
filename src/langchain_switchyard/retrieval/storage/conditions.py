"""Metadata filters as a small tree that every index translates, and what they ask of documents.

``{"lang": "zh"}``, ``{"year": {"$gte": 2020}}``, ``{"tag": {"$in": ["a", "b"]}}``, ``{"$or":
[...]}``, ``{"$not": {...}}``. Several keys mean *and*. A value of ``None`` counts as absent, in
documents and in filters: ``{"n": None}`` is ``{"n": {"$exists": False}}``. A document without the
key matches only that, ``$ne`` and ``$nin``. ``$contains`` looks into a list or a text. Dates and
times are their ISO texts: they are compared with each other and with such texts.

Equality, membership and existence are answered by *facets*: one text per thing that can be asked,
such as ``"lang"="zh"``, so that an engine needs nothing but a set of exact texts, whatever types a
key's values have. Ranges and substrings look at the numbers and texts themselves. Our own index
and every engine answer the same tree, so a filter has one meaning.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal, TypeVar

from langchain_switchyard.errors import ConfigurationError

Filter = Mapping[str, Any]
T = TypeVar("T")
Comparison = Literal["$gt", "$gte", "$lt", "$lte"]
# Longer facets are kept as digests: engines limit the length of an exact text.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; true without parts."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part holds; false without parts."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Has:
    """The document has this facet, which is one of ``key``."""

    facet: str
    key: str


@dataclass(frozen=True, slots=True)
class Compares:
    """The value of ``key`` is a number (or a text) beyond ``bound``; dates are ISO texts."""

    key: str
    comparison: Comparison
    bound: float | str


@dataclass(frozen=True, slots=True)
class Includes:
    """The value of ``key`` is a text that contains ``part``."""

    key: str
    part: str


@dataclass(frozen=True, slots=True)
class Ids:
    """The document is one of these."""

    ids: tuple[str, ...]


Leaf = Has | Compares | Includes | Ids
Condition = All | Either | Not | Leaf


@dataclass(frozen=True, slots=True)
class Facets:
    """A document's metadata in the forms that conditions ask for.

    Attributes:
        exact: What ``Has`` finds.
        numbers: By key, for ``Compares``.
        texts: By key, for ``Compares`` and ``Includes``; dates as ISO texts.
    """

    exact: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def facets(metadata: Mapping[str, Any]) -> Facets:
    """Return the facets of one document's metadata; a value of ``None`` counts as absent."""
    exact: list[str] = []
    numbers: dict[str, float] = {}
    texts: dict[str, str] = {}
    for key, value in metadata.items():
        if value is None:
            continue
        exact += [_facet(key), _facet(key, value)]
        if isinstance(value, list | tuple | set | frozenset):
            exact += [_element(key, each) for each in value]
        if isinstance(value, int | float):
            numbers[key] = float(value)
        elif isinstance(value, str):
            texts[key] = value
        elif isinstance(value, dt.date):
            texts[key] = value.isoformat()
    return Facets(tuple(dict.fromkeys(exact)), numbers, texts)


def condition(wanted: Filter) -> Condition:
    """Return a filter as a tree.

    Raises:
        ConfigurationError: The filter is malformed; the message shows the part.
    """
    if not isinstance(wanted, Mapping):
        raise ConfigurationError(f"a filter is a mapping like {{'lang': 'zh'}}, got {wanted!r}")
    for key in wanted:
        if not isinstance(key, str):
            raise ConfigurationError(f"the keys of a filter are texts, got {key!r}")
    return _joined(All, [_clause(key, part) for key, part in wanted.items()])


def fold(
    node: Condition,
    leaf: Callable[[Leaf], T],
    join: Callable[[type[All | Either], list[T]], T],
    negate: Callable[[T], T],
) -> T:
    """Translate a tree: ``leaf`` what is asked, ``join`` and ``negate`` how it is joined."""
    if isinstance(node, All | Either):
        return join(type(node), [fold(part, leaf, join, negate) for part in node.parts])
    if isinstance(node, Not):
        return negate(fold(node.part, leaf, join, negate))
    return leaf(node)


def holds(node: Condition, document_id: str, found: Facets) -> bool:
    """Return whether a document fulfils a condition: the meaning that engines must keep."""

    def leaf(asked: Leaf) -> bool:
        if isinstance(asked, Has):
            return asked.facet in found.exact
        if isinstance(asked, Ids):
            return document_id in asked.ids
        if isinstance(asked, Includes):
            return asked.key in found.texts and asked.part in found.texts[asked.key]
        return beyond(asked, (found.texts if is_text(asked) else found.numbers).get(asked.key))

    def join(how: type[All | Either], parts: list[bool]) -> bool:
        return all(parts) if how is All else any(parts)

    return fold(node, leaf, join, lambda part: not part)


def is_text(asked: Compares) -> bool:
    """Return whether texts are compared, dates among them, rather than numbers."""
    return isinstance(asked.bound, str)


def beyond(asked: Compares, value: Any) -> bool:
    """Return whether a value, of the bound's own kind, is beyond it; ``None`` never is."""
    if value is None:
        return False
    bound: Any = asked.bound
    if asked.comparison in ("$gte", "$lte") and value == bound:
        return True
    return bool(value > bound if asked.comparison in ("$gt", "$gte") else value < bound)


def _clause(key: str, wanted: Any) -> Condition:
    if key in ("$and", "$or"):
        if not isinstance(wanted, Sequence) or isinstance(wanted, str):
            raise ConfigurationError(f"{key} needs a list of filters, got {wanted!r}")
        parts = [condition(part) for part in wanted]
        return _joined(All if key == "$and" or not parts else Either, parts)
    if key == "$not":
        return Not(condition(wanted))
    if key.startswith("$"):
        raise ConfigurationError(f"unknown filter operator {key!r}: use $and, $or, $not or a key")
    if isinstance(wanted, list | tuple | set | frozenset):
        raise ConfigurationError(
            f"a list for {key!r} can mean two things: write {{'$in': [...]}} for any of its "
            "elements, {'$eq': [...]} for exactly this list"
        )
    operators = wanted if _is_operators(key, wanted) else {"$eq": wanted}
    return _joined(All, [_test(key, name, value) for name, value in operators.items()])


def _test(key: str, name: str, value: Any) -> Condition:
    if name in ("$ne", "$nin"):
        return Not(_test(key, "$eq" if name == "$ne" else "$in", value))
    if name == "$eq":
        return Not(_exists(key)) if value is None else Has(_facet(key, value), key)
    if name == "$in":
        return _joined(Either, [_test(key, "$eq", each) for each in _listed(key, value)])
    if name == "$exists":
        return _exists(key) if value else Not(_exists(key))
    if name == "$contains":
        inside = Has(_element(key, value), key)
        return Either((inside, Includes(key, value))) if isinstance(value, str) else inside
    if name in ("$gt", "$gte", "$lt", "$lte"):
        return Compares(key, name, _bound(key, name, value))  # type: ignore[arg-type]  # checked.
    raise ConfigurationError(
        f"unknown filter operator {name!r} for {key!r}: one of $eq, $ne, $in, $nin, $gt, $gte, "
        "$lt, $lte, $exists, $contains"
    )


def _exists(key: str) -> Has:
    return Has(_facet(key), key)


def _listed(key: str, value: Any) -> list[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | AbstractSet):
        raise ConfigurationError(f"$in and $nin for {key!r} need a list, got {value!r}")
    return list(value)


def _bound(key: str, name: str, value: Any) -> float | str:
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    raise ConfigurationError(f"{name} for {key!r} needs a number, a text or a date, got {value!r}")


def _joined(how: type[All | Either], parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else how(tuple(parts))


def _is_operators(key: str, wanted: Any) -> bool:
    if not isinstance(wanted, Mapping):
        return False
    marked = [isinstance(name, str) and name.startswith("$") for name in wanted]
    if any(marked) and not all(marked):
        raise ConfigurationError(f"the filter for {key!r} mixes operators and keys: {wanted!r}")
    return any(marked)


def _element(key: str, value: Any) -> str:
    return _shortened(f"{_json(key)}[]={_json(_plain(value))}")


def _facet(key: str, *value: Any) -> str:
    # The key in quotation marks: no key can look like another's value.
    return _shortened("=".join([_json(key), *(_json(_plain(each)) for each in value)]))


# Made once: ``json.dumps`` with options makes one per call.
_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str).encode


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:40]}#{blake2b(text.encode(), digest_size=16).hexdigest()}"


def _plain(value: Any) -> Any:
    """Numbers that are equal read the same: 1, 1.0 and True; a set reads like its sorted list."""
    if isinstance(value, int | float):
        return int(value) if float(value).is_integer() else value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return [_plain(each) for each in sorted(value)]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value.isoformat() if isinstance(value, dt.date) else value
