"""What a conversation is about: the intent of each turn, and what a follow-up refers to."""

from langchain_switchyard.conversation.cues import IntentType
from langchain_switchyard.conversation.followup import standalone_query, topic_after
from langchain_switchyard.conversation.intent import Intent, IntentTracker, RuleIntentTracker
from langchain_switchyard.conversation.language import Language, language_of

__all__ = [
    "Intent",
    "IntentTracker",
    "IntentType",
    "Language",
    "RuleIntentTracker",
    "language_of",
    "standalone_query",
    "topic_after",
]
