"""The cues of intent: words that rarely mean anything else, in Chinese and English.

Each cue is matched against a whole message. `whole` cues are the entire message but for punctuation
and particles; `opening` cues begin it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

IntentType = Literal[
    "greeting",
    "thanks",
    "farewell",
    "chit_chat",
    "question",
    "task_continuation",
    "follow_up",
    "clarification",
    "command",
    "unclear",
]
"""`task_continuation` goes on with the topic ("继续上面的话题"), `follow_up` asks something new
about it ("and the second one?"), `clarification` asks about the last answer ("什么意思？")."""

_PARTICLES = r"[\s呀啊哦噢呢吧啦了哈嘛吗]*"
_FLAGS = re.IGNORECASE | re.DOTALL


@dataclass(frozen=True)
class Cue:
    """Words that tell an intent.

    Attributes:
        intent_type: What they tell.
        reason: Why, in a few words.
        pattern: Must match the whole message.
        confidence: After an answer; from 0 to 1.
        alone: With no answer before it to lean on; 0: then it tells nothing.
    """

    intent_type: IntentType
    reason: str
    pattern: re.Pattern[str]
    confidence: float
    alone: float


def whole(*words: str) -> re.Pattern[str]:
    """The message is one of these and nothing else, save for punctuation and particles."""
    return re.compile(rf"\W*(?:{'|'.join(words)}){_PARTICLES}\W*", _FLAGS)


def opening(*words: str) -> re.Pattern[str]:
    """The message begins with one of these."""
    return re.compile(rf"\W*(?:{'|'.join(words)}).*", _FLAGS)


_COMMANDS = (
    r"(?:please )?(?:stop|cancel(?: that| it)?|never ?mind|forget (?:it|that))",
    r"start over|reset",
    r"停|停止|停下|取消|算了|不用了|重新开始|别说了",
)
_GREETINGS = (
    (
        r"(?:hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening|day))"
        r"(?: there| all| everyone| again)?"
    ),
    r"你好|您好|你们好|大家好|嗨|哈喽|早上好|早安|上午好|中午好|下午好|晚上好|在吗|早",
)
_THANKS = (
    (
        r"(?:(?:ok|okay|great|perfect)[, ]*)?(?:many )?(?:thanks?|thank you|thx|cheers)"
        r"(?: you)?(?: (?:so|very) much| a lot| again)?"
    ),
    r"(?:好的?[,，]?\s*)?(?:非常|十分|多)?(?:谢谢|多谢|感谢|辛苦)(?:你|您|大家|你们)?(?:了|啦|的帮助)?",
)
_FAREWELLS = (
    r"(?:good ?)?bye(?: bye)?|see you(?: later| soon)?|good ?night",
    r"再见|拜拜|回头见|晚安",
)
_CONTINUES = (
    (
        r"(?:please )?(?:continue|go on|carry on|keep going|proceed|resume)(?:\W*$|\W+(?:please"
        r"|with (?:that|this|it|the)|that|this|it|from|where|the (?:last|previous|above)))"
    ),
    r"(?:tell me |say |give me )?more(?: about (?:that|this|it)| details?)?(?: please)?\W*$",
    r"(?:let'?s |can we |could we )?(?:go|get) back to\b",
    r"what (?:else|about the rest)\W*$",
    r"and then\W*$",
    (
        r"(?:请|那就|那|好的?[,，]?|我们|咱们|可以)*(?:继续|接着|往下)"
        r"(?:$|\W|说|讲|聊|谈|介绍|解释|回答|上|刚|之前|前面|这|那|我们)"
    ),
    r"(?:我们|咱们)?(?:回到|回归)(?:上|刚|之前|前面|那个|原来)",
    r"(?:说|讲)下去",
    r"(?:还有|然后)(?:呢|吗|别的吗|其他的?吗)\W*$",
    r"(?:再)?(?:详细|具体)(?:一点|一些|点|些|说说|讲讲)",
    r"再多?(?:说|讲)(?:一点|一些|点|些)",
)
_CLARIFIES = (
    r"what (?:do|did) you mean|what does (?:that|this|it) mean",
    r"i (?:do not|don'?t) (?:understand|get it|follow)",
    r"(?:can|could) you (?:clarify|rephrase|explain (?:that|this|it))",
    r"(?:please )?(?:clarify|rephrase)",
    r"are you sure|你?确定吗",
    r"你?(?:是)?什么意思\W*$|这(?:话|句)?(?:是)?什么意思",
    r"(?:我)?(?:没|不)(?:太|大)?(?:看|听)?(?:懂|明白|理解)",
    r"换(?:个|种)说法|(?:能|可以)(?:再)?(?:解释|说明)一下吗?\W*$",
)
_CUT_SHORT = (
    r"(?:and|but|so|or|then)\b(?:\W+\w+){0,9}\W*$",
    r"(?:what|how) about\b",
    r"(?:why|how|when|where|who|which one|which|how (?:so|come|much|many|long))\W*$",
    r"(?:why|how) (?:is|does|did|was) (?:that|this|it)\b",
    r"(?:the )?(?:first|second|third|last|other|next) (?:one|point|option)s?\b",
    r"(?:那|那么|而|可是|但是?)(?:.{0,16})(?:呢|吗)?\W*$",
    r"(?:为什么|怎么|为何|何时|哪里|多少|哪个|谁)(?:呢|会这样)?\W*$",
    r"第[一二三四五六七八九十两\d]+(?:个|点|种|条|项)",
)
_POINTS_BACK = re.compile(
    r"(?=.{1,80}$)(?:"
    r".*\b(?:it|its|they|them|their|those|these|the (?:former|latter))\b"
    r"|.*\b(?:does|is|can|do|about|of|with|for) (?:that|this)\b"
    r"|\W*(?:它|它们|他们|她们|这个|那个|这些|那些|其|前者|后者|上面|上述|刚才)).*",
    _FLAGS,
)
_SMALL_TALK = (
    r"how are you|how'?s it going|what'?s up|nice to meet you",
    r"(?:who|what) are you\W*$|what'?s your name|what can you do\W*$",
    r"tell me a joke|you(?:'re| are) (?:great|funny|smart|awesome)",
    r"你(?:是谁|叫什么|会什么|能做什么|最近怎么样|吃了吗|真棒|真厉害|好厉害)",
    r"介绍一下你自己|(?:给我)?(?:讲|说)(?:一)?个笑话|很高兴认识你|哈哈+",
    r"(?:今天)?天气(?:真|不错|怎么样)",
)

CUES: tuple[Cue, ...] = (
    Cue("command", "slash command", re.compile(r"\s*/[a-z]+\b.*", _FLAGS), 0.95, 0.95),
    Cue("command", "cancels or restarts", whole(*_COMMANDS), 0.85, 0.6),
    Cue("greeting", "greets", whole(*_GREETINGS), 0.95, 0.95),
    Cue("thanks", "thanks", whole(*_THANKS), 0.95, 0.95),
    Cue("farewell", "takes leave", whole(*_FAREWELLS), 0.95, 0.95),
    Cue("task_continuation", "asks to go on", opening(*_CONTINUES), 0.95, 0.6),
    Cue("clarification", "asks about the last answer", opening(*_CLARIFIES), 0.85, 0.0),
    Cue("follow_up", "is cut short, as after an answer", opening(*_CUT_SHORT), 0.85, 0.0),
    Cue("follow_up", "points back with a pronoun", _POINTS_BACK, 0.7, 0.0),
    Cue("chit_chat", "small talk", opening(*_SMALL_TALK), 0.8, 0.8),
)
"""In the order they are tried."""

QUESTION = re.compile(
    r"[?？]"
    r"|\b(?:what|why|how|when|where|who|whom|whose|which|is|are|can|could|do|does|did|should"
    r"|would|will)\b"
    r"|什么|怎么|怎样|如何|为何|哪|谁|几|多少|吗|呢|是否|能否|可否|有没有|是不是|请问",
    re.IGNORECASE,
)
"""Found anywhere in a question."""

ACKNOWLEDGES = whole(
    r"ok(?:ay)?|yes|yeah|yep|no|nope|sure|right|fine|cool|great|i see|got it",
    r"好|好的|行|可以|对|是|是的|不是|不|嗯+|哦|噢|知道|明白|懂",
)
"""Says that the last answer was heard, and nothing else."""
