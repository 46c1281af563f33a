"""Questions that are never answered from a similar one: they mean something else every time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from langchain_switchyard.cache.semantic.words import words
from langchain_switchyard.errors import ConfigurationError

TIMELY = "time words"
"""The reason that holds in good times only: see `Entry.timely`."""

_TIME = re.compile(
    r"\b(?:today|todays|tonight|tomorrow|yesterday|currently|right now|at the moment|as of now"
    r"|latest|this (?:morning|afternoon|evening|week|weekend|month|year|quarter)"
    r"|(?:next|last) (?:week|weekend|month|year|quarter|night)|what time is it"
    r"|current (?:time|date|weather|temperature|price|rate|status))\b"
    r"|今天|今日|今晚|今早|明天|昨天|昨晚|后天|现在|目前|当前|最新|刚才|刚刚|此刻|这周|本周|上周|下周|本月|上个?月"
    r"|下个?月|今年|去年|明年|几点了"
)
_PERSONAL = re.compile(
    r"\b(?:my|mine|our)\b(?:\s+\w+){0,2}\s+(?:balance|orders?|bills?|invoice|transactions?"
    r"|account number|subscription|booking|reservation|password|salary|prescription"
    r"|appointments?)\b"
    r"|(?:我|我们|咱们)的?(?:\w{0,4})(?:余额|订单|账单|发票|账号|交易|会员|预订|密码|工资|处方|快递|积分)"
)


@dataclass(frozen=True, kw_only=True)
class TextRules:
    """Which questions may meet a similar one at all."""

    longest: int = 256
    """Words and Chinese characters; encoders cut off longer texts and compare only beginnings."""
    time_words: bool = False
    """Serve questions about today, now, the latest; right only if the date is in the partition."""
    personal: bool = False
    """Serve questions about the asker's own account (`my balance`) although no user is known."""

    def __post_init__(self) -> None:
        """Refuse what would let nothing through."""
        if self.longest < 1:
            raise ConfigurationError(f"TextRules.longest must be 1 or more, got {self.longest}")


def why_not(text: str, user: str | None, rules: TextRules) -> str | None:
    """Return why a question must not meet similar ones, or None if it may.

    The reasons: `empty`, `too long`, `time words`, `personal`.
    """
    length = len(words(text))
    folded = text.casefold()
    if not length:
        return "empty"
    if length > rules.longest:
        return "too long"
    if not rules.time_words and _TIME.search(folded):
        return TIMELY
    if not rules.personal and user is None and _PERSONAL.search(folded):
        return "personal"
    return None
