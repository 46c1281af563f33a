"""Answers that say that they do not know: honest, and not to be mistaken for bad ones."""

from __future__ import annotations

import re

from langchain_switchyard.quality.words import sentences

_SOURCES = r"(?:context|information|passage|source|text|document|documentation|article|excerpt)s?"
_PHRASES = (
    # "I do not know", "we could not find", "I cannot provide a specific answer"
    (
        r"\b(?:i|we) (?:do not|don['’]t|cannot|can['’]t|could not|couldn['’]t"
        r"|am (?:unable|not able) to) (?:know|answer|find|tell|say|determine"
        r"|have (?:any |enough |that |the )*information"
        r"|provide (?:an?|the) (?:specific |definitive |direct )?answer)"
    ),
    r"\b(?:i am|i['’]m) (?:not sure|unsure) what\b|\b(?:i|we) need more (?:information|context)",
    # "the given context does not directly say", "does not contain information on"
    rf"\b{_SOURCES}\b[^.]{{0,60}}\b(?:do(?:es)? not|don['’]t|doesn['’]t)\b",
    (
        r"\b(?:do(?:es)? not|don['’]t|doesn['’]t|did not|didn['’]t) (?:seem to )?"
        r"(?:contain|provide|mention|include|specify|say|state|cover|address|hold|have(?! to\b))\b"
        r"[^.]{0,40}\b(?:answer|information|details?|anything|mention|how|what|which|whether|when"
        r"|where|who|why)"
    ),
    (
        r"\b(?:not|no|isn['’]t|aren['’]t) (?:mentioned|provided|stated|specified|covered|available"
        r"|information|answer|mention)\b"
    ),
    rf"\bnot related to\b[^.]{{0,40}}\b(?:topic|question|{_SOURCES})",
    rf"\b{_SOURCES}\b[^.]{{0,30}}\bnot related to\b",
    r"\bhold no answer\b",
    (
        r"\bno (?:relevant )?(?:information|passage|source|answer)s?\b[^.]{0,30}"
        r"\b(?:found|available|given|about|on)"
    ),
    r"\bthere(?: is|'s) (?:no|not enough|insufficient) (?:information|context|detail)",
    r"\binsufficient (?:information|context)|\bunable to (?:answer|find|determine)",
    r"\bcannot (?:be (?:determined|answered)|answer this)",
    r"\bwithout (?:further|more) (?:information|context)",
    r"(?:我)?(?:不知道|不清楚|不确定|无法[^。]{0,12}(?:回答|确定|得知|判断|找到|提供))",
    r"(?:没有|未能?|并未|没)(?:在[^。]{0,12})?(?:找到|提到|提及|提供|包含|说明|涉及|给出|记载)",
    r"(?:资料|文档|来源|上下文|信息)(?:中|里)?(?:没有|不足|不够|未|并未|无)",
    r"没有(?:足够的?|相关的?|任何)?(?:信息|资料|内容|答案)|无(?:相关|足够)?(?:信息|答案|资料)",
)
_UNKNOWN = re.compile("|".join(_PHRASES), re.IGNORECASE)


def abstains(answer: str) -> bool:
    """Tell whether an answer says that it does not know.

    Its first sentence must say so, or half of all: a single one further down is a caveat.
    """
    silent = [bool(_UNKNOWN.search(sentence)) for sentence in sentences(answer)]
    return any(silent) and (silent[0] or sum(silent) * 2 >= len(silent))
