"""The intent of one turn, by rules: deterministic, bilingual, in microseconds.

Rules are made for precision: each needs a cue that rarely means anything else, and whatever has no
cue is a question or a request, which is what an assistant over documents is asked most. What needs
understanding beyond words is the business of another `IntentTracker`, for example one that asks a
model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from langchain_core.messages import AIMessage, BaseMessage

from langchain_switchyard.conversation.cues import ACKNOWLEDGES, CUES, QUESTION, IntentType
from langchain_switchyard.conversation.language import Language, language_of

_SOCIAL = frozenset({"greeting", "thanks", "farewell", "chit_chat", "command", "unclear"})
_LEANING = frozenset({"task_continuation", "follow_up", "clarification"})
_LONGEST_CUE = 500
"""Characters: a longer message has a content of its own, whatever it begins with."""


@dataclass(frozen=True)
class Intent:
    """What one message is for.

    Attributes:
        intent_type: See `IntentType`.
        confidence: From 0 to 1; a rule's rough precision, not a calibrated probability.
        language: The language to answer in.
        reason: Which rule spoke, in a few words.
    """

    intent_type: IntentType
    confidence: float
    language: Language
    reason: str = ""

    @property
    def needs_sources(self) -> bool:
        """Whether documents can help to answer; greetings and the like need none."""
        return self.intent_type not in _SOCIAL

    @property
    def leans_on_topic(self) -> bool:
        """Whether it can only be understood together with what came before."""
        return self.intent_type in _LEANING


class IntentTracker(Protocol):
    """Tells what a message is for. Any object with this one method will do."""

    def track(self, message: str, history: Sequence[BaseMessage]) -> Intent:
        """Return the intent of a message.

        Args:
            message: What the user says now.
            history: The messages before it, oldest first.
        """
        ...


class RuleIntentTracker:
    """Tracks intents by the rules of `cues`; holds no state and never fails."""

    def track(self, message: str, history: Sequence[BaseMessage]) -> Intent:
        """Return the intent of a message; see `IntentTracker`."""
        text = message.strip()
        language = language_of(text)
        if not any(character.isalnum() for character in text):
            return Intent("unclear", 0.9, language, "says nothing")
        if len(text) > _LONGEST_CUE:
            return Intent("question", 0.6, language, "is long: taken as a request")
        has_answer = any(isinstance(earlier, AIMessage) for earlier in history)
        for cue in CUES:
            confidence = cue.confidence if has_answer else cue.alone
            if confidence and cue.pattern.fullmatch(text):
                return Intent(cue.intent_type, confidence, language, cue.reason)
        return _without_cue(text, language)


def _without_cue(text: str, language: Language) -> Intent:
    if ACKNOWLEDGES.fullmatch(text):
        return Intent("chit_chat", 0.6, language, "acknowledges")
    if QUESTION.search(text):
        return Intent("question", 0.8, language, "asks")
    return Intent("question", 0.5, language, "has no cue: taken as a request")
