"""The node that answers: the only one whose tokens reach a stream."""

from __future__ import annotations

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableLambda

from langchain_switchyard.graph.passages import cited
from langchain_switchyard.graph.policy import AssistantPolicy
from langchain_switchyard.graph.prompts import compose
from langchain_switchyard.graph.state import AssistantState, Update


def generate_node(
    model: Runnable[LanguageModelInput, AIMessage], policy: AssistantPolicy
) -> Runnable[AssistantState, Update]:
    """Make the node that asks the model.

    It has no retries of its own: the model in front of many already has one budget for all.

    Args:
        model: A chat model, or one with arguments bound to it.
        policy: What goes into the prompt.
    """

    def generate(state: AssistantState) -> Update:
        return _update(state, model.invoke(compose(state, policy)))

    async def agenerate(state: AssistantState) -> Update:
        return _update(state, await model.ainvoke(compose(state, policy)))

    return RunnableLambda(generate, agenerate, name="answer")


def _update(state: AssistantState, answer: AIMessage) -> Update:
    ids = {record["n"]: record["id"] for record in state["sources"]}
    named = cited(answer.text, state["sources"])
    told = state.get("told", [])
    return {
        "messages": [answer],
        "citations": named,
        "told": [*told, *(ids[each["n"]] for each in named if ids[each["n"]] not in told)],
        "attempts": state["attempts"] + 1,
    }
