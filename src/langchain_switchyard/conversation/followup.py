"""What a follow-up refers to: a query that can be searched without the conversation around it."""

from __future__ import annotations

from langchain_switchyard.conversation.intent import Intent

_LONGEST_TOPIC = 500
"""Characters of a topic that are kept: a search needs its words, a checkpoint pays for each."""

_ADDS_NOTHING = frozenset({"task_continuation", "clarification"})
"""Intents whose own words ("继续", "what do you mean") would only mislead a search."""


def standalone_query(message: str, intent: Intent, topic: str) -> str:
    """Return what to search for.

    Args:
        message: What the user says now.
        intent: What the message is for.
        topic: What the thread is about; empty at its beginning.

    Returns:
        Words to search; empty where there is nothing to search, as for "go on" without a topic.
    """
    if not intent.leans_on_topic:
        return message
    if intent.intent_type in _ADDS_NOTHING and _says_little(message):
        return topic
    return f"{topic}\n{message}" if topic else message


def topic_after(message: str, intent: Intent, topic: str) -> str:
    """Return what the thread is about after this message.

    A question sets the topic; what leans on it, small talk and commands leave it alone.
    """
    return message[:_LONGEST_TOPIC] if intent.intent_type == "question" else topic


def _says_little(message: str) -> bool:
    """Whether a continuation names nothing of its own ("继续", "go on please")."""
    return len(message) <= 24
