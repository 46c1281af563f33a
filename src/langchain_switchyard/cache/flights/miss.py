"""A request that the cache could not answer: everything needed to ask and to remember."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.plan import Plan
from langchain_switchyard.cache.semantic_contract import Question, Verdict
from langchain_switchyard.routing.call import Call
from langchain_switchyard.routing.layer import Candidates


@dataclass(frozen=True, slots=True)
class Miss:
    """One call on its way to the models."""

    call: Call
    candidates: Candidates
    plan: Plan
    question: Question | None = None
    """For the semantic level; None if it has no part in this."""
    verdict: Verdict | None = None
    """What the semantic level said."""
    refreshes: bool = False
    """Whether there is an answer, which is to be replaced."""

    @property
    def key(self) -> Key:
        """The address of the answer to come."""
        if self.plan.key is None:
            raise TypeError("a call without a key goes past the cache")
        return self.plan.key

    @property
    def reason(self) -> str | None:
        """Why the semantic level served nothing."""
        return None if self.verdict is None else self.verdict.reason or None
