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
    """
    if not topic or not intent.leans_on_topic:
        return message
    if intent.intent_type in _ADDS_NOTHING:
        return topic if _says_little(message) else f"{topic}\n{message}"
    return f"{topic}\n{message}"


def topic_after(message: str, intent: Intent, topic: str) -> str:
    """Return what the thread is about after this message.

    A question sets the topic; what leans on it, small talk and commands leave it alone.
    """
    if intent.intent_type == "question" and intent.confidence >= 0.5:
        return message[:_LONGEST_TOPIC]
    if intent.leans_on_topic and not topic:
        return message[:_LONGEST_TOPIC]
    return topic


def _says_little(message: str) -> bool:
    """Whether a continuation names nothing of its own ("继续", "go on please")."""
    return len(message) <= 24
