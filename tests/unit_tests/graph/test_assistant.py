"""The whole graph: what a turn does, and what a thread remembers."""

from __future__ import annotations

import importlib
import json
import sys
from contextlib import suppress
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.retrievers import BaseRetriever
from langgraph.checkpoint.memory import InMemorySaver

from langchain_switchyard import (
    AllDeploymentsFailed,
    ChatSwitchyard,
    ConfigurationError,
    Deployment,
    MissingExtra,
    RetryPolicy,
)
from langchain_switchyard.graph import AssistantPolicy, build_assistant
from langchain_switchyard.graph.assistant import Assistant
from langchain_switchyard.retrieval import HybridRetriever
from langchain_switchyard.sources import without_sources
from langchain_switchyard.testing import Fail, ScriptedChatModel

THREAD = {"configurable": {"thread_id": "t"}}


def ask(assistant: Assistant, text: str, config: dict | None = None) -> dict:
    """One turn."""
    return assistant.invoke({"messages": [("user", text)]}, config)


def test_a_question_is_answered_from_the_documents_with_its_source(
    offline: BaseChatModel, library: HybridRetriever
) -> None:
    """The ordinary turn, on the offline model."""
    question = "Within how many working days are refunds paid?"
    result = ask(build_assistant(offline, retriever=library), question)

    answer = result["messages"][-1].text
    assert "Refunds are paid within five working days of the return. [1]" in answer
    assert result["citations"][0] == {
        "n": 1,
        "source": "shop.md",
        "heading": "Shop > Refunds",
        "line": 3,
        "page": None,
    }
    assert result["sources"][0]["score"] > 0
    assert result["quality"]["accepted"]
    assert result["attempts"] == 1


async def test_a_chinese_question_is_answered_in_chinese(
    offline: BaseChatModel, library: HybridRetriever
) -> None:
    """Asynchronously, and from the Chinese passage."""
    assistant = build_assistant(offline, retriever=library)

    result = await assistant.ainvoke({"messages": [("user", "什么是熔断器？")]})

    assert "熔断器是一种保护机制" in result["messages"][-1].text
    assert "由离线模型" in result["messages"][-1].text
    assert result["citations"][0]["source"] == "概念.md"
    assert result["intent"]["language"] == "zh"


async def test_a_search_is_a_retriever_run_in_events_and_traces(
    offline: BaseChatModel, library: HybridRetriever
) -> None:
    """Under the node, with the documents and the scores that the state has, too."""
    assistant = build_assistant(offline, retriever=library)
    asked = {"messages": [("user", "Within how many working days are refunds paid?")]}

    events = [event async for event in assistant.astream_events(asked, version="v2")]

    [ended] = [e for e in events if e["event"] == "on_retriever_end" and "leg" not in e["name"]]
    assert ended["name"] == "HybridRetriever"
    assert ended["metadata"]["langgraph_node"] == "retrieve"
    sources = (await assistant.ainvoke(asked))["sources"]
    told = [(d.id, d.metadata["relevance_score"]) for d in ended["data"]["output"]]
    assert [(source["id"], source["score"]) for source in sources] == told


def test_what_goes_in_and_out_has_a_schema(offline: BaseChatModel) -> None:
    """LangGraph's server and Studio ask for it."""
    assistant = build_assistant(offline)

    assert list(assistant.get_input_jsonschema()["properties"]) == ["messages"]
    out = assistant.get_output_jsonschema()
    assert {"messages", "sources", "citations", "quality"} <= out["properties"].keys()


def test_small_talk_searches_nothing(scripted, library: HybridRetriever) -> None:
    """A greeting has no source."""
    model, inner = scripted("Hello!")

    result = ask(build_assistant(model, retriever=library), "hi there!")

    assert result["intent"]["intent_type"] == "greeting"
    assert result["sources"] == []
    assert "<sources" not in str(inner.calls[0].messages)


def test_without_documents_the_model_answers_alone(scripted) -> None:
    """No retriever, no sources, no groundedness."""
    model, inner = scripted("Forty-two.")

    result = ask(build_assistant(model), "What is the answer?")

    assert result["messages"][-1].text == "Forty-two."
    assert result["sources"] == []
    assert result["quality"]["groundedness"] is None
    assert "documents" not in inner.calls[0].messages[0].text


def test_where_nothing_is_found_the_model_is_told_so(scripted, library: HybridRetriever) -> None:
    """It must not make up what documents might say."""
    model, inner = scripted("Nothing in the documents matches.")

    ask(build_assistant(model, retriever=library), "Zyxwv qwertz?")

    assert "Nothing in it matches" in inner.calls[0].messages[0].text


def test_a_thread_goes_on_with_its_topic(scripted, library: HybridRetriever) -> None:
    """The follow-up is searched with the topic, and the model sees what was said."""
    model, inner = scripted("Five working days. [1]", "A receipt. [1]")
    assistant = build_assistant(model, retriever=library, checkpointer=InMemorySaver())

    ask(assistant, "How long do refunds take?", THREAD)
    result = ask(assistant, "and what about above 100 euros?", THREAD)

    assert result["query"].startswith("How long do refunds take?")
    texts = [message.text for message in inner.calls[1].messages]
    assert "How long do refunds take?" in texts
    assert "Five working days. [1]" in texts
    assert without_sources(texts[-1]) == "Question: and what about above 100 euros?"


def test_going_on_tells_the_model_with_what(scripted, library: HybridRetriever) -> None:
    """For those that look at nothing but the question and its sources."""
    model, inner = scripted("Five working days. [1]", "And a receipt. [1]")
    assistant = build_assistant(model, retriever=library, checkpointer=InMemorySaver())

    ask(assistant, "How long do refunds take?", THREAD)
    ask(assistant, "continue", THREAD)

    system, *_, human = inner.calls[1].messages
    assert without_sources(human.text) == "Question: How long do refunds take?"
    assert "asks to go on" in system.text


def test_asking_what_was_meant_keeps_the_words_and_adds_the_topic(
    scripted, library: HybridRetriever
) -> None:
    """The model must see that it was not understood."""
    model, inner = scripted("Five working days. [1]", "Monday to Friday. [1]")
    assistant = build_assistant(model, retriever=library, checkpointer=InMemorySaver())

    ask(assistant, "How long do refunds take?", THREAD)
    ask(assistant, "what do you mean?", THREAD)

    asked = without_sources(inner.calls[1].messages[-1].text)
    assert asked == ("Question: what do you mean?\n(It follows up on: How long do refunds take?)")


def test_without_a_checkpointer_the_history_given_tells_the_topic(
    scripted, library: HybridRetriever
) -> None:
    """Callers that keep the talk themselves get the same."""
    model, _ = scripted("A receipt. [1]")
    talk = [("user", "How long do refunds take?"), ("ai", "Five days."), ("user", "继续")]

    result = build_assistant(model, retriever=library).invoke({"messages": talk})

    assert result["query"] == "How long do refunds take?"


def test_going_on_with_nothing_searches_nothing(scripted, library: HybridRetriever) -> None:
    """The model may ask what to go on with."""
    model, _ = scripted("接着说什么？")

    result = ask(build_assistant(model, retriever=library), "继续上面的话题")

    assert result["intent"]["intent_type"] == "task_continuation"
    assert result["sources"] == []


def test_going_on_brings_sources_that_were_not_told_yet(
    offline: BaseChatModel, library: HybridRetriever
) -> None:
    """Otherwise "continue" would say the same again."""
    policy = AssistantPolicy(sources=1)
    assistant = build_assistant(
        offline, retriever=library, checkpointer=InMemorySaver(), policy=policy
    )

    first = ask(assistant, "How are refunds paid?", THREAD)
    more = ask(assistant, "continue", THREAD)

    assert first["sources"][0]["id"] == "refunds"
    assert more["intent"]["intent_type"] == "task_continuation"
    assert more["sources"][0]["id"] == "receipts"


def test_going_on_after_everything_was_told_still_has_sources(
    offline: BaseChatModel, library: HybridRetriever
) -> None:
    """The same again is better than nothing."""
    assistant = build_assistant(offline, retriever=library, checkpointer=InMemorySaver())

    ask(assistant, "什么是熔断器？", THREAD)
    more = ask(assistant, "继续上面的话题", THREAD)

    assert more["sources"][0]["id"] == "breaker"


def test_nothing_of_the_last_turn_leaks_into_the_next(scripted, library: HybridRetriever) -> None:
    """Sources, citations and verdict belong to one turn."""
    model, _ = scripted("Five working days. [1]", "You are welcome.")
    assistant = build_assistant(model, retriever=library, checkpointer=InMemorySaver())

    ask(assistant, "How long do refunds take?", THREAD)
    result = ask(assistant, "thanks", THREAD)

    assert result["sources"] == []
    assert result["citations"] == []
    assert len(result["messages"]) == 4


def test_the_state_is_plain_json_but_for_the_messages(
    offline: BaseChatModel, library: HybridRetriever
) -> None:
    """Any checkpointer can keep it, and another language can read it."""
    assistant = build_assistant(offline, retriever=library, checkpointer=InMemorySaver())

    ask(assistant, "How long do refunds take?", THREAD)

    values = dict(assistant.get_state(THREAD).values)
    values.pop("messages")
    assert json.loads(json.dumps(values)) == values
    assert "notice" not in values


def test_a_thread_forgets_its_oldest_turns_and_begins_with_a_question(scripted) -> None:
    """So that a checkpoint does not grow for ever."""
    model, _ = scripted("Yes.")
    assistant = build_assistant(
        model, checkpointer=InMemorySaver(), policy=AssistantPolicy(kept_messages=4)
    )

    for number in range(6):
        result = ask(assistant, f"Is {number} a number?", THREAD)

    assert len(result["messages"]) <= 5
    assert isinstance(result["messages"][0], HumanMessage)
    assert result["messages"][-2].text == "Is 5 a number?"


def test_a_prompt_holds_no_more_history_than_allowed(scripted) -> None:
    """The oldest turns are left out first, the question never."""
    model, inner = scripted("word " * 50)
    assistant = build_assistant(
        model, checkpointer=InMemorySaver(), policy=AssistantPolicy(history_tokens=90)
    )

    for number in range(6):
        ask(assistant, f"Is {number} a number?", THREAD)

    last = inner.calls[-1].messages
    assert len(last) == 4
    assert last[1].text == "Is 4 a number?"
    assert last[-1].text == "Is 5 a number?"


@pytest.mark.parametrize("messages", [[], [("ai", "hello")]])
def test_a_turn_without_a_message_of_the_user_is_refused(scripted, messages: list) -> None:
    """With a word on how it should look."""
    model, _ = scripted("never said")

    with pytest.raises(ConfigurationError, match="message of the user"):
        build_assistant(model).invoke({"messages": messages})


def test_a_failing_model_fails_the_turn_and_leaves_no_answer(
    scripted, library: HybridRetriever
) -> None:
    """A failure never becomes an answer."""
    model, _ = scripted(ConnectionError("down"))
    assistant = build_assistant(model, retriever=library, checkpointer=InMemorySaver())

    with pytest.raises(AllDeploymentsFailed):
        ask(assistant, "How long do refunds take?", THREAD)

    messages = assistant.get_state(THREAD).values["messages"]
    assert [message.type for message in messages] == ["human"]


def test_any_langchain_retriever_will_do(scripted, library: HybridRetriever) -> None:
    """Without scores, if it has none."""
    model, _ = scripted("Five working days. [1]")

    class Stock(BaseRetriever):
        """A retriever with nothing but LangChain's contract."""

        def _get_relevant_documents(self, query, *, run_manager):
            return library.invoke(query)

    question = "Within how many working days are refunds paid?"
    result = ask(build_assistant(model, retriever=Stock()), question)

    assert result["sources"][0]["id"] == "refunds"
    assert result["sources"][0]["score"] is None


def test_without_langgraph_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install, and not which import failed."""
    for name in [name for name in sys.modules if name.startswith("langchain_switchyard.graph")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "langgraph"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "langgraph", None)

    with pytest.raises(MissingExtra, match=r"langchain-switchyard\[graph\]"):
        importlib.import_module("langchain_switchyard.graph")


@pytest.mark.parametrize("durability", ["exit", "async", "sync"])
def test_a_question_asked_again_after_a_failure_stands_in_the_thread_once(
    durability: Any,
) -> None:
    """The failed turn has left it there; the model, too, sees it once."""
    fails = [Fail(ConnectionError), Fail(ConnectionError)]
    inner = ScriptedChatModel(script=[*fails, "five days", "ten days"])
    model = ChatSwitchyard(
        deployments=[Deployment(inner, id="one")], retry=RetryPolicy(max_attempts=1)
    )
    assistant = build_assistant(model, checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "t"}}

    for question in ("How long?", "How long?", "How long?", "Really?"):
        with suppress(AllDeploymentsFailed):
            assistant.invoke({"messages": [("user", question)]}, thread, durability=durability)

    kept = [message.text for message in assistant.get_state(thread).values["messages"]]
    assert kept == ["How long?", "five days", "Really?", "ten days"]
    assert sum(message.type == "human" for message in inner.calls[2].messages) == 1


@pytest.mark.parametrize("wrong", [{"model": None}, {"model": "gpt"}, {"retriever": "docs"}])
def test_what_is_no_model_or_retriever_is_refused_at_once(wrong: dict, offline: object) -> None:
    """Not in the middle of the first question."""
    [name] = wrong
    with pytest.raises(ConfigurationError, match=f"{name} is a .*got"):
        build_assistant(**{"model": offline, **wrong})
