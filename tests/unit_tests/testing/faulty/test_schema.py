"""Filling schemas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from langchain_switchyard.testing.faulty.schema import Filler


class Node(BaseModel):
    """A tree: a schema that contains itself."""

    name: str
    children: list["Node"] = Field(default_factory=list)
    parent: "Node | None" = None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 7}, 7),
        ({"enum": ["red", "blue"]}, "red"),
        ({"enum": ["red", "rain"]}, "rain"),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 12),
        ({"anyOf": [{"type": "null"}, {"type": "number"}]}, 12.0),
        ({"type": "integer", "maximum": 5}, 5),
        ({"type": "integer", "exclusiveMaximum": 12}, 11),
        ({"type": "integer", "minimum": 20}, 20),
        ({"type": "integer", "exclusiveMinimum": 12}, 13),
        ({"type": "array", "items": {"type": "integer"}}, [12]),
        ({"type": "array", "minItems": 2, "items": {"const": 1}}, [1, 1]),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": "string", "maxLength": 4}, "rain"),
        ({"type": "string", "minLength": 22}, "rain 12 days in Oslo……"),
        ({"type": "object"}, {}),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"const": "found"}}}, "found"),
    ],
)
def test_each_kind_of_schema_is_filled(schema, value):
    """From the question where it holds a value."""
    assert Filler("rain 12 days in Oslo").fill(schema) == value


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("weather in San Francisco, CA?", "location", "San Francisco, CA"),
        ("北京市天气", "city", "北京"),
        ("a customer named '你好啊集团' (Hello)", "customer_name", "你好啊集团"),
        ("say it", "answer_style", "say it"),
        ("", "query", "query"),
    ],
)
def test_strings_are_found_in_the_question(text, name, value):
    """Places, quoted names, else the question itself; never empty."""
    assert Filler(text).fill({"type": "string"}, name) == value


def test_a_schema_that_contains_itself_ends():
    """And what comes out is valid."""
    tree = Filler("trees").fill(Node.model_json_schema())
    assert Node.model_validate(tree).children


def test_a_reference_to_itself_is_null():
    """Nonsense does not hang."""
    assert Filler("x").fill({"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#/$defs/x"}}}) is None


SCALARS = st.one_of(
    st.builds(
        lambda low, span: {"type": "integer", "minimum": low, "maximum": low + span},
        st.integers(-50, 50),
        st.integers(0, 9),
    ),
    st.builds(
        lambda low, span: {"type": "string", "minLength": low, "maxLength": low + span},
        st.integers(0, 30),
        st.integers(0, 30),
    ),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"enum": ["a", 1, None]}]),
)
SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items, "minItems": 1}, inner),
        st.builds(
            lambda fields: {"type": "object", "properties": fields, "required": list(fields)},
            st.dictionaries(st.sampled_from(["city", "名字", "setup", "x"]), inner),
        ),
        st.builds(lambda one: {"anyOf": [{"type": "null"}, one]}, inner),
    ),
    max_leaves=8,
)


@given(schema=SCHEMAS, text=st.text(max_size=40))
def test_values_always_fit_their_schema(schema, text):
    """Whatever is asked in whatever words."""
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(Filler(text).fill(schema), schema)
