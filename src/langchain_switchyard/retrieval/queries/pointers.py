"""Words that point back: what in a message can only be understood from the ones before it.

Made for precision, in Chinese and English: a message without one of these words is left alone.
"""

from __future__ import annotations

import re

_FLAGS = re.IGNORECASE
# A longer message has a topic of its own, whatever pronoun is in it.
_LONGEST = 80

_GO_ON_EN = (
    r"(?:please\s+|ok(?:ay)?[\s,]+|and\s+|then\s+)*"
    r"(?:(?:continue|go\s+on|carry\s+on|keep\s+going|proceed)"
    r"(?:\s+(?:with\s+)?(?:that|this|it|from\s+there))?"
    r"|(?:tell|say|give)\s+me\s+more|(?:some\s+|any\s+)?more(?:\s+details?)?|elaborate"
    r"|what\s+else|anything\s+else|and\s+then|why|how\s+(?:so|come))"
    r"(?:\s+(?:on|about|of)\s+(?:that|this|it))?(?:[\s,]+please)?"
)
_GO_ON_ZH = (
    r"(?:好的?|嗯|请|那么?|就|再|我们|咱们|可以|你|能|麻烦|，|,|\s)*"
    r"(?:继续|接着|往下|展开|详细|具体|多)?(?:地|往下|上面的(?:话题)?|刚才的(?:话题)?|之前的(?:话题)?)?"
    r"(?:继续|接着|说说|讲讲|说下去|讲下去|介绍|解释|说明|说|讲|聊|谈|展开|还有|然后|下去"
    r"|为什么|为何|怎么会这样|详细|具体)"
    r"(?:下去|一下|一点|一些|点|些|呢|吧|吗|了|啊|别的|其他的?|的?话题|的|，|,|\s)*"
)
_GOES_ON = re.compile(rf"\W*(?:{_GO_ON_EN}|{_GO_ON_ZH})\W*", _FLAGS)

_SOCIAL = re.compile(
    r"\W*(?:hi|hello|hey|thanks?|thank\s+you(?:\s+(?:so|very)\s+much)?|ok(?:ay)?|yes|no|great|good"
    r"|bye|你好|您好|谢谢(?:你|您)?|多谢|好的?|好吧|嗯+|哦|是的?|对|不是|明白了?|知道了?|再见)"
    r"(?:呀|啊|了|吧|\W)*",
    _FLAGS,
)
# "Is it legal to ...", "it is raining": an "it" that stands for nothing.
_EMPTY_IT = re.compile(
    r"\b(?:is|was|would|will)\s+it\s+(?:be\s+)?(?:\w+\s+){1,2}(?:to|that)\b"
    r"|\b(?:does|did|will)\s+it\s+(?:rain|snow|take)\b"
    r"|\bit\s+(?:is|was|would\s+be|takes?)\s+(?:\w+\s+){1,2}(?:to|that)\b"
    r"|\bwhat\s+(?:time|day)\s+is\s+it\b",
    _FLAGS,
)
_POINTER_EN = (
    r"\b(?:it|its|itself|they|them|their|theirs|he|him|his|she|her|hers|those|these"
    r"|the\s+(?:former|latter|above|same(?:\s+(?:one|thing))?)"
    r"|(?:the\s+)?(?:first|second|third|last|other|previous|next)\s+(?:one|point|option)s?"
    r"|(?<=\babout\s)(?:this|that)|(?<=\bexplain\s)(?:this|that)|(?<=\bcompare\s)(?:this|that)"
    r"|(?<!\w\s)(?:is|was|does|did|can|could|will|would|should|has)\s+(?:this|that)"
    r"|(?:this|that)(?:\s+one)?(?=\s*(?:[?!.,;]|$|(?:is|was|does|do|did|has|had|can|could|will"
    r"|would|should|mean|means|work|works|apply|applies|cost|costs|happen|happens)\b)))\b"
)
_POINTER_ZH = (
    r"(?<!其)[它她]们?|(?<![其吉利排])他们?|这(?:个|些|种|样|点|条|项|里|款|份|一|两)|那(?:个|些|种|样|点|条|项|里|款|份|一|两)"
    r"|前者|后者|上述|上面(?:的|那|这)?|刚才(?:的|那|这)?|(?<!尤)(?<!与)其(?=[中的]|[^他它余实次\W])"
    r"|^\W*[这那此该](?=是|会|有|能|要|对|为|怎|算|跟|和|与)"
    # At the beginning only: the law's own 第三条 is a name.
    r"|^\W*第[一二三四五六七八九十两\d]+(?:个|点|种|项)"
)
_POINTER = re.compile(rf"(?:{_POINTER_EN})|(?:{_POINTER_ZH})", _FLAGS)

_LEAD_EN = (
    r"(?:and|but|so|or|then|also|ok(?:ay)?)\b[\s,]*(?:(?:what|how)\s+about\b)?"
    r"|(?:what|how)\s+about\b"
)
_LEAD_ZH = (
    r"(?:那么?|而|可是|但是?|还有|那如果|如果是|换成|换做)(?=\S{1,16}(?:呢|吗|怎么样|如何)?\W*$)"
)
_LEAD = re.compile(rf"\W*(?:(?:{_LEAD_EN})|(?:{_LEAD_ZH}))\s*", _FLAGS)
_TAIL = re.compile(r"(?:呢|吗|吧|啊|呀)*[\s?？!！。.…]*$")
# After a lead, so few words are a fragment; more of them are a question of their own.
_FRAGMENT = 8


def goes_on(message: str) -> bool:
    """Whether it asks for more and names nothing itself: ``继续``, ``go on please``."""
    return _GOES_ON.fullmatch(message) is not None


def is_social(message: str) -> bool:
    """Whether it greets, thanks or agrees, and is about nothing: ``好的``, ``thanks!``."""
    return _SOCIAL.fullmatch(message) is not None or not any(map(str.isalnum, message))


def leans(message: str) -> bool:
    """Whether it needs what came before: it goes on, points back, or is cut short."""
    if len(message) > _LONGEST:
        return False
    return goes_on(message) or _points(message) or _is_cut_short(message)


def own_words(message: str) -> str:
    """Return what a message says by itself: pointers, lead-in and final particles taken out.

    ``and in 2024?`` -> ``in 2024``; ``它的上限呢？`` -> ``的上限``; ``继续`` -> nothing.
    """
    if goes_on(message):
        return ""
    lead = _LEAD.match(message)
    rest = message[lead.end() :] if lead else message
    rest = _TAIL.sub("", _POINTER.sub(" ", rest))
    return " ".join(rest.split())


def _points(message: str) -> bool:
    return _POINTER.search(_EMPTY_IT.sub(" ", message)) is not None


def _is_cut_short(message: str) -> bool:
    lead = _LEAD.match(message)
    return lead is not None and len(message[lead.end() :].split()) <= _FRAGMENT
