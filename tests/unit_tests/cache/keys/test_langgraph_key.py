"""Keys for LangGraph's node cache."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from langchain_switchyard.cache.errors import Uncacheable
from langchain_switchyard.cache.keys.langgraph_key import node_key


class Chat(TypedDict, total=False):
    """A graph's state."""

    messages: list[Any]
    user: str


class Form(BaseModel):
    """A state as a model."""

    messages: list[Any]


@dataclass
class Note:
    """A state as a dataclass."""

    messages: list[Any]


def test_message_ids_do_not_matter() -> None:
    """LangGraph's own key would differ."""
    first = Chat(messages=[HumanMessage("a", id="1")], user="eve")
    second = Chat(messages=[HumanMessage("a", id="2")], user="eve")
    assert node_key(first) == node_key(second)


@pytest.mark.parametrize(
    "other",
    [
        Chat(messages=[HumanMessage("b")], user="eve"),
        Chat(messages=[HumanMessage("a")], user="adam"),
        Chat(messages=[HumanMessage("a")]),
        Chat(messages=[HumanMessage("a"), HumanMessage("a")], user="eve"),
    ],
)
def test_everything_else_does(other: Chat) -> None:
    """Texts, their number, and the rest of the state."""
    assert node_key(Chat(messages=[HumanMessage("a")], user="eve")) != node_key(other)


def test_messages_count_alike_in_every_notation() -> None:
    """Objects, pairs and dicts become the same conversation."""
    keys = {
        node_key({"messages": form})
        for form in ([HumanMessage("a")], [("human", "a")], [{"role": "user", "content": "a"}])
    }
    assert len(keys) == 1


@pytest.mark.parametrize("make", [Form, Note])
def test_states_may_be_models_or_dataclasses(make: Any) -> None:
    """Their fields count, not their identity."""
    assert node_key(make(messages=[HumanMessage("a", id="1")])) == node_key(
        make(messages=[HumanMessage("a", id="2")])
    )


@dataclass(slots=True)
class Slots:
    """A state without a `__dict__`."""

    x: int


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Slots(1), Slots(2)),
        (Decimal("1.0"), Decimal("1.5")),
        (Path("a"), Path("b")),
        (10**30, 10**31),
        (math.nan, None),
        (math.inf, -math.inf),
        ({"messages": [1, 2]}, {"messages": [1, 3]}),
        ({"messages": "text"}, {"messages": "other"}),
        ({"messages": [{"note": 1}]}, {"messages": [{"note": 2}]}),
        ({1: "a"}, {2: "a"}),
    ],
)
def test_a_state_may_hold_whatever_has_a_value(one: Any, other: Any) -> None:
    """Equal values share a key, others do not."""
    assert node_key({"x": one}) == node_key({"x": copy.deepcopy(one)})
    assert node_key({"x": one}) != node_key({"x": other})
    assert node_key(one) != node_key(other)


def test_what_has_no_json_form_is_refused() -> None:
    """A wrong key would serve a wrong result."""
    with pytest.raises(Uncacheable):
        node_key({"x": object()})


def test_langgraph_uses_it() -> None:
    """The second run with the same text is served from the node cache."""
    graphs = pytest.importorskip("langgraph.graph")
    caches = pytest.importorskip("langgraph.cache.memory")
    policies = pytest.importorskip("langgraph.types")
    runs: list[str] = []

    def node(state: Chat) -> Chat:
        runs.append(state["messages"][-1].text)
        return {"user": "done"}

    builder = graphs.StateGraph(Chat)
    builder.add_node("node", node, cache_policy=policies.CachePolicy(key_func=node_key))
    builder.add_edge(graphs.START, "node")
    graph = builder.compile(cache=caches.InMemoryCache())
    for number in range(2):
        graph.invoke({"messages": [HumanMessage("茶", id=str(number))]})
    assert runs == ["茶"]
