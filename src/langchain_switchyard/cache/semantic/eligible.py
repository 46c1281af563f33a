"""Questions that are never answered from a similar one: they mean something else every time."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from langchain_switchyard.cache.semantic.traditional import simplified
from langchain_switchyard.cache.semantic.words import words
from langchain_switchyard.errors import ConfigurationError

TIMELY = "time words"
"""The reason that holds in good times only: see `Entry.timely`."""

_PERIOD = "hour|minute|morning|afternoon|evening|week|weekend|month|year|quarter|season|term|night"
_DAY = "monday|tuesday|wednesday|thursday|friday|saturday|sunday|spring|summer|autumn|winter"
_TIME = re.compile(
    # The word says so itself.
    r"\b(?:today|todays|tonight|tomorrow|yesterday|nowadays|currently|right now"
    r"|at (?:the|this) moment|as of now|these days|latest|newest|lately|up to date"
    rf"|(?:this|next|coming) (?:{_PERIOD}|{_DAY})|last (?:{_PERIOD})"
    # `Is it open now?`: at a clause's end, or behind is and are; in a tale (`and now I`) it is not.
    r"|now(?=\s*(?:[?!.,;)]|$))|(?:is|are|'s|’s) now"
    r"|current(?! (?:account|card|phone|address|location))"
    r"|recent (?:news|events?|updates?|releases?|versions?|developments?|offers?|results?)"
    # Questions after the clock and the calendar.
    r"|what(?:'s|’s|s| is)? (?:the )?(?:time|date|day)(?: is it| of the week)?(?=\s*(?:[?!.]|$))"
    r"|what (?:time|date|day|month|year) is it|weather outside)(?!\w)"
    r"|[今明昨][天日早晚晨夜儿]|[前后](?:天|日(?!志|常))|[今去明前后本]年|眼[下前]|当[前下]|当今|现[在今时]|目前"
    r"|此[刻时]|这会儿?|这阵子|刚[才刚]|刚刚|最[新近]|近[期日来]|近几|[这本上下](?:一?个?)(?:周|星期|礼拜|月|季度?|学期)"
    r"|本[日季月周]|今[春夏秋冬]|几[点号]了|(?:今天|现在)?是?星期几[?？]?$|几点钟?了"
)
_THINGS = (
    "balance|orders?|bills?|invoices?|transactions?|account (?:number|status|details)|subscription"
    "|membership|contract|plan|booking|reservation|tickets?|password|salary|prescription"
    "|appointments?|packages?|parcels?|deliver(?:y|ies)|shipments?|refunds?|claims?|applications?"
    "|points|status"
)
_ZH_THINGS = "余额|订单|账单|发票|账号|交易|会员|预订|密码|工资|处方|快递|积分"
# These are verbs as well (`我要退款`), or stand for the thing in general: only with a possessive.
_ZH_OWNED = (
    "包裹|退款|物流|账户|帐户|帐号|合同|保单|理赔|申请|预约|优惠券|套餐|流量|话费|卡[里上内]"
)
_PERSONAL = re.compile(
    rf"\b(?:my|mine|our)\b(?:\s+\w+){{0,2}}?\s+(?:{_THINGS})\b"
    rf"|(?:我|我们|咱们?)(?:的?\w{{0,4}}?(?:{_ZH_THINGS})|的\w{{0,4}}?(?:{_ZH_OWNED})"
    r"|(?:银行|信用|储蓄)?卡[里上内]|[账帐]户[里上内])"
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
    folded = simplified(unicodedata.normalize("NFKC", text).casefold())
    if not length:
        return "empty"
    if length > rules.longest:
        return "too long"
    if not rules.time_words and _TIME.search(folded):
        return TIMELY
    if not rules.personal and user is None and _PERSONAL.search(folded):
        return "personal"
    return None
