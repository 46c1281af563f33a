"""The search tool in an agent: numbers that mean one passage, filters that hold."""

from types import SimpleNamespace
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.messages import ToolMessage
from langchain_core.retrievers import BaseRetriever
from langgraph.checkpoint.memory import InMemorySaver

from langchain_switchyard import ChatSwitchyard, Deployment
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.graph.middleware import RetrievalMiddleware
from langchain_switchyard.retrieval import HybridRetriever, search_tool
from langchain_switchyard.testing import CallTool, ScriptedChatModel

CATS = [Document(id=f"cat{n}", page_content=f"cats {n}", metadata={"of": "a"}) for n in range(2)]
DOGS = [Document(id=f"dog{n}", page_content=f"dogs {n}", metadata={"of": "b"}) for n in range(3)]


@pytest.fixture
def library():
    """Two passages about cats, three about dogs."""
    return HybridRetriever.from_documents([*CATS, *DOGS])


def model(*script: object) -> ChatSwitchyard:
    """A router over a script."""
    return ChatSwitchyard(deployments=[Deployment(ScriptedChatModel(script=list(script)), id="m")])


def look(*words: str) -> list[CallTool]:
    """Calls of the tool, at once."""
    return [CallTool("search_documents", {"query": word}) for word in words]


def numbers(state: dict[str, Any]) -> dict[str, list[int]]:
    """The number of each passage in a thread, as the model was shown it."""
    found: dict[str, list[int]] = {}
    for message in state["messages"]:
        if isinstance(message, ToolMessage):
            for each in message.artifact:
                # A checkpointer keeps them as mappings.
                document = each if isinstance(each, Document) else Document(**each)
                number = document.metadata["passage"]
                assert f"[{number}] {document.id}" in message.text
                found.setdefault(document.id, []).append(number)
    return found


async def test_a_second_search_goes_on_counting(library):
    """In one turn and in the next: the model still sees what it found before."""
    script = [look("cats"), look("dogs"), "Dogs [4].", look("cats"), "Cats [6]."]
    agent = create_agent(model(*script), [search_tool(library)], checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    agent.invoke({"messages": [("user", "hi")]}, thread)
    state = await agent.ainvoke({"messages": [("user", "again")]}, thread)
    found = numbers(state)
    assert sorted(number for each in found.values() for number in each) == list(range(1, 8))
    assert sorted(found["cat0"] + found["cat1"]) == [1, 2, 6, 7]


def test_searches_at_once_share_no_number(library):
    """They cannot see each other: they take turns."""
    agent = create_agent(model(look("cats", "dogs"), "both"), [search_tool(library)])
    found = numbers(agent.invoke({"messages": [("user", "hi")]}))
    assert sorted(found["cat0"] + found["cat1"]) == [1, 3]
    assert sorted(found["dog0"] + found["dog1"] + found["dog2"]) == [2, 4, 6]


def test_the_tool_and_the_middleware_go_together(library):
    """The tool goes on after the sources that stand beside the question."""
    agent = create_agent(
        model(look("dogs"), "both"),
        [search_tool(library)],
        middleware=[RetrievalMiddleware(library)],
    )
    state = agent.invoke({"messages": [("user", "cats?")]})
    assert [source["n"] for source in state["sources"]] == [1, 2]
    assert sorted(n for each in numbers(state).values() for n in each) == [3, 4, 5]


def test_alone_it_counts_from_one(library):
    """And tells how to cite."""
    text = search_tool(library).invoke({"query": "cats"})
    assert "[1] cat" in text
    assert "Cite them by number: [1], [2]." in text


def test_the_model_is_asked_for_the_query_alone(library):
    """What an agent fills in is none of its business, and it cannot give it."""
    tool = search_tool(library, filter=lambda runtime: {"of": "a"} if runtime is None else {})
    assert tool.tool_call_schema.model_json_schema()["properties"].keys() == {"query"}
    script = [[CallTool(tool.name, {"query": "dogs", "runtime": {"state": {}}})], "done"]
    state = create_agent(model(*script), [tool]).invoke({"messages": [("user", "hi")]})
    assert len(numbers(state)) == 3


@pytest.mark.parametrize("wanted", [{"of": "a"}, lambda runtime: {"of": runtime.context["tenant"]}])
async def test_a_filter_holds_for_every_search(library, wanted):
    """As a value, or made of the runtime."""
    tool = search_tool(library, filter=wanted)
    agent = create_agent(model(*[look("cats dogs"), "done"] * 2), [tool], context_schema=dict)
    asked = {"messages": [("user", "hi")]}
    for state in (
        agent.invoke(asked, context={"tenant": "a"}),
        await agent.ainvoke(asked, context={"tenant": "a"}),
    ):
        assert numbers(state).keys() == {"cat0", "cat1"}


def test_a_retriever_that_would_not_hear_of_the_filter_is_refused():
    """It would find everything."""

    class Deaf(BaseRetriever):
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
            return [Document(query)]

    with pytest.raises(ConfigurationError, match="Deaf takes no filter"):
        search_tool(Deaf(), filter={"of": "a"})


@pytest.mark.parametrize("state", [None, {}, {"messages": None}, SimpleNamespace(messages=[])])
def test_a_state_without_messages_is_no_error(library, state):
    """Graphs of one's own call theirs as they like."""
    runtime = SimpleNamespace(state=state, tool_call_id="x")
    assert "[1] cat" in search_tool(library).invoke({"query": "cats", "runtime": runtime})
