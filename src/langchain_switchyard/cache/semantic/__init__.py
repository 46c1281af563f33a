"""The semantic level of the response cache: `ResponseCache(semantic=SemanticCache(embeddings))`.

Off unless given. See `modes` for when a past answer may be served, `vetoes` for when never.
"""

from langchain_switchyard.cache.semantic.bounded import Bounded, bounded
from langchain_switchyard.cache.semantic.calibrate import acalibrate, calibrate
from langchain_switchyard.cache.semantic.eligible import TextRules
from langchain_switchyard.cache.semantic.equivalence import (
    AnswerEquivalence,
    AsyncAnswerEquivalence,
    Comparison,
    ModelJudge,
    SameMeaning,
    SameText,
    SameWords,
)
from langchain_switchyard.cache.semantic.level import SemanticCache
from langchain_switchyard.cache.semantic.modes import (
    Agreement,
    Mode,
    Threshold,
    agreement,
    threshold,
)
from langchain_switchyard.cache.semantic.ngrams import NgramEmbeddings
from langchain_switchyard.cache.semantic.policy import OUTAGE, Capacity, SemanticPolicy
from langchain_switchyard.cache.semantic.vetoes import Veto, strict_veto, veto
from langchain_switchyard.cache.semantic.watch import ShadowPolicy

__all__ = [
    "OUTAGE",
    "Agreement",
    "AnswerEquivalence",
    "AsyncAnswerEquivalence",
    "Bounded",
    "Capacity",
    "Comparison",
    "Mode",
    "ModelJudge",
    "NgramEmbeddings",
    "SameMeaning",
    "SameText",
    "SameWords",
    "SemanticCache",
    "SemanticPolicy",
    "ShadowPolicy",
    "TextRules",
    "Threshold",
    "Veto",
    "acalibrate",
    "agreement",
    "bounded",
    "calibrate",
    "strict_veto",
    "threshold",
    "veto",
]
