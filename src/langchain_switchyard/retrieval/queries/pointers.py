"""Words that point back: what in a message can only be understood from the ones before it.

Made for precision, in Chinese and English: a message without one of these words is left alone.
"""

from __future__ import annotations

import re

_FLAGS = re.IGNORECASE
# A longer message has a topic of its own, whatever pronoun is in it.
_LONGEST = 80
# Words of a fragment: more of them are a question of their own.
_FRAGMENT = 8

# Asks for more of the same.
_GO_ON = re.compile(
    r"\b(?:continue|go\s+on|go\s+ahead|carry\s+on|keep\s+going|proceed|resume|more|elaborate|next"
    r"|else|then|why|how\s+(?:so|come)|what\s+do\s+you\s+mean|examples?|for\s+instance)\b"
    r"|继续|接着|往下|接下来|下一步|展开|详细|具体|多说|多讲|说说|讲讲|说下去|讲下去|还有|然后"
    r"|为什么|为啥|为何|什么意思|举(?:个|些|几个)?例子?|换(?:个|种)说法",
    _FLAGS,
)
# May stand around it; names nothing.
_FILLER = re.compile(
    r"\b(?:please|ok(?:ay)?|yes|yeah|sure|and|so|me|us|tell|give|say|show|with|on|about|of|from"
    r"|there|that|this|it|can|could|would|you|explain|describe|in|details?|a|an|any|some|the"
    r"|not|what's|what|is|anything|something|bit|little|let's|lets?)\b"
    r"|好的?|嗯|请|那么?|再|我们?|咱们|可以|你|您|能否|能|麻烦|帮|一下|一点|一些|点儿?|些|呢|吧|吗|了|啊"
    r"|呀|别的|其他的?|上面|刚才|之前|前面|的?话题|内容|介绍|解释|说明|回答|说|讲|聊|谈|会?这样|这是?"
    r"|那是|是|的|地|就|给|下去",
    _FLAGS,
)
_SOCIAL = re.compile(
    r"\W*(?:hi|hello|hey|thanks?|thank\s+you(?:\s+(?:so|very)\s+much)?|ok(?:ay)?|yes|no|great|good"
    r"|bye|你好|您好|谢谢(?:你|您)?|多谢|好的?|好吧|嗯+|哦|是的?|对|不是|明白了?|知道了?|再见)"
    r"(?:呀|啊|了|吧|\W)*",
    _FLAGS,
)
# A pointer further in has most likely something to point to in the message itself.
_EARLY_WORDS, _EARLY_CHARACTERS = 5, 6
# "Is it legal to ...", "it takes long to ...": an "it" that stands for nothing.
_EMPTY_IT = re.compile(
    r"\b(?:is|was|would|will)\s+it\s+(?:be\s+)?"
    r"(?!similar|close|related|equal|identical|due|used)(?:\w+\s+){1,2}(?:to|that)\b"
    r"|\b(?:does|did|will)\s+it\s+(?:rain|snow|take)\b"
    r"|\bit\s+(?:is|was|would\s+be|takes?)\s+(?:\w+\s+){1,2}(?:to|that)\b"
    r"|\bwhat\s+(?:time|day)\s+is\s+it\b",
    _FLAGS,
)
# "This" and "that" only where they stand for a thing: before a verb, at the end, after "about".
_POINTER_EN = (
    r"\b(?:it|its|itself|they|them|their|theirs|he|him|his|she|her|hers|those|these|which\s+ones?"
    r"|the\s+(?:former|latter|above|same(?:\s+(?:one|thing))?)"
    r"|(?:the\s+)?(?:first|second|third|last|other|previous|next)\s+(?:one|point|option)s?"
    r"|(?<=\babout\s)(?:this|that)|(?<=\bexplain\s)(?:this|that)|(?<=\bcompare\s)(?:this|that)"
    r"|(?<!\w\s)(?:is|was|does|did|can|could|will|would|should|has)\s+(?:this|that)"
    r"|(?:this|that)(?:\s+one)?(?=\s*(?:[?!.,;]|$|(?:is|was|does|do|did|has|had|can|could|will"
    r"|would|should|mean|means|work|works|apply|applies|cost|costs|happen|happens|\w+ed)\b)))\b"
)
_POINTER_ZH = (
    # Not the 他 of 其他 and 他人, nor the 其 of 尤其 and 其实.
    r"[它她]们?|(?<![其吉利排])他(?!人)们?|(?<![尤与极])其(?![他它余实次间\W])"
    r"|[这那](?:个|些|种|样|点|条|项|里|款|份|一|两)|前者|后者|上述"
    r"|上面(?:的|那|这|提到的?)?|刚才(?:的|那|这|提到的?)?"
    r"|^\W*(?:[这那](?=是|会|有|能|要|对|为|怎|算|跟|和|与)|该(?![不怎去做])|此(?![外前后时处]))"
    # At the beginning only: the law's own 第三条 is a name.
    r"|^\W*第[一二三四五六七八九十两\d]+(?:个|点|种|项)"
)
_POINTER = re.compile(rf"{_POINTER_EN}|{_POINTER_ZH}", _FLAGS)

# What begins a fragment: "and in 2024?", "what about ...", "那上海呢？"
_LEAD = re.compile(
    r"\W*(?:(?:and|but|so|or|then|also|ok(?:ay)?)\b[\s,]*(?:(?:what|how)\s+about\b)?"
    r"|(?:what|how)\s+about\b|(?:换成|换做|如果是|那如果是?)"
    r"|(?:那么|那(?![个些种样点])|而|可是|但是?)(?=\S{1,16}(?:呢|吗|怎么样|如何)?\W*$))\s*",
    _FLAGS,
)
# A fragment without such a beginning: "in Chinese?", "去年呢？"
_BARE_FRAGMENT = re.compile(
    r"\W*(?:in|for|on|with|without|from|at|by|during)\s+(?:\S+\s*){1,3}\?\s*"
    r"|(?!.*(?:什么|怎么|谁|哪|多少|几|如何|为何)).{1,12}呢\W*",
    _FLAGS,
)
_TAIL = re.compile(r"(?:呢|吗|吧|啊|呀)*[\s?？!！。.…]*$")


def goes_on(message: str) -> bool:
    """Whether it asks for more and names nothing itself: ``继续``, ``go on please``."""
    rest, found = _GO_ON.subn(" ", message)
    return bool(found) and not any(map(str.isalnum, _FILLER.sub(" ", rest)))


def is_social(message: str) -> bool:
    """Whether it greets, thanks or agrees, and is about nothing: ``好的``, ``thanks!``."""
    return _SOCIAL.fullmatch(message) is not None or not any(map(str.isalnum, message))


def leans(message: str) -> bool:
    """Whether it needs what came before: it goes on, points back, or is a fragment."""
    if len(message) > _LONGEST or is_social(message):
        return False
    return goes_on(message) or _points(message) or _is_fragment(message)


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
    text = _EMPTY_IT.sub(" ", message)
    found = _POINTER.search(text)
    if found is None:
        return False
    before = text[: found.start()]
    if found.group().strip().isascii():
        return len(before.split()) < _EARLY_WORDS or len(text.split()) <= _EARLY_WORDS + 1
    return len(before) <= _EARLY_CHARACTERS or len(text) <= 2 * _EARLY_CHARACTERS


def _is_fragment(message: str) -> bool:
    lead = _LEAD.match(message)
    if lead is not None:
        return len(message[lead.end() :].split()) <= _FRAGMENT
    return _BARE_FRAGMENT.fullmatch(message) is not None
