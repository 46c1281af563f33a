"""What kind of answer a question wants: a meaning, an amount, a duration; and in which language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from langchain_switchyard.providers.prose import Line, is_wide
from langchain_switchyard.providers.terms import terms_of

_ASKS_MEANING = re.compile(
    r"\b(?:what(?:'s| is| are)|define|meaning of|explain)\b|是什么|什么是|何为|什么意思|定义|介绍",
    re.IGNORECASE,
)
_DEFINES = re.compile(
    r"\b(?:is|are|means?|refers? to|stands? for|denotes?)\b"
    r"|是指|指的是|是一[种个款项套]|称为|即|是",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?:[-*+•]\s+)?(?:\*\*|__|`|“|「)([^*_`”」]{1,60})(?:\*\*|__|`|”|」)")
"""How a sentence begins that introduces a word."""
_ASKS_DURATION = re.compile(
    r"\bhow (?:long|soon|fast|often)\b|多久|多长时间|几[个]?(?:天|月|年|小时|分钟|秒|周)|几点",
    re.IGNORECASE,
)
_ASKS_AMOUNT = re.compile(
    r"\bhow (?:much|many|far|big|large|old|high)\b|多少|多长|多大|多高|几[个次种点层条项名人]",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|once|twice)\b"
    r"|[一二两三四五六七八九十百千万半]+\s*[天日周月年次元块人名个件份小分秒倍成岁级层页]"
    r"|百分之",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?:\d|\b(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|thirty|half))[\s-]*"
    r"(?:\w+\s)?(?:ms|milliseconds?|s|sec(?:ond)?s?|min(?:ute)?s?|hours?|h|days?|weeks?|months?"
    r"|years?)\b|[\d一二两三四五六七八九十百千半]\s*个?(?:工作日|自然日|天|日|周|星期|月|年|小时|分钟|秒|季度)"
    r"|\b(?:daily|weekly|monthly|yearly|once|twice|at once)\b|立[刻即]|当[天日]|每[天周月年]",
    re.IGNORECASE,
)
_ASKS_OPENLY = re.compile(
    r"\b(?:what|which|who|whom|whose|when|where|why|how)\b|什么|怎么|怎样|如何|多少|多久|哪|几|谁|为何",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Aim:
    """What kind of answer is asked for.

    Attributes:
        meaning: Of a word.
        amount: A number.
        duration: A span of time.
        openly: More than yes or no.
        wide: In Chinese.
    """

    meaning: bool
    amount: bool
    duration: bool
    openly: bool
    wide: bool

    def factors(self, line: Line, asked: frozenset[str]) -> Iterator[float]:
        """Yield by how much a line is better or worse than its words alone tell.

        Args:
            line: What might answer.
            asked: The words of the question.
        """
        if self.meaning and _opens_definition(line.text, asked):
            yield 1.5
        if self.duration and _tells_duration(line):
            yield 2.5
        if (self.duration or self.amount) and _NUMBER.search(line.words):
            yield 1.3 if self.duration else 2.0
        if line.row is not None:
            yield 0.8  # A whole sentence reads better, if both say it.
            if self.meaning and asked.isdisjoint(terms_of(line.words)):
                yield 0.3  # That a column is called so does not tell what it means.
        if is_wide(line.text) != self.wide:
            yield 0.6  # Rather in the reader's language, if both say it.

    def can_be(self, line: Line, asked: frozenset[str]) -> bool:
        """Whether a line may answer at all.

        A question does not: it may be the very one that was asked, and what answers it stands after
        it. What only repeats the words of an open question does not either.
        """
        if line.is_question or line.is_code:
            return False
        says_more = line.is_item or line.announces or _NUMBER.search(line.text) is not None
        return not self.openly or says_more or not asked.issuperset(terms_of(line.text))


def aim_of(question: str) -> Aim:
    """Read off a question what it wants."""
    return Aim(
        meaning=bool(_ASKS_MEANING.search(question)),
        amount=bool(_ASKS_AMOUNT.search(question)),
        duration=bool(_ASKS_DURATION.search(question)),
        openly=bool(_ASKS_OPENLY.search(question)),
        wide=is_wide(question),
    )


def _tells_duration(line: Line) -> bool:
    """A number with its unit; or, in a table of settings, a number that is said to last."""
    if _TIME.search(line.words):
        return True
    has_number = line.row is not None and any(letter.isdigit() for letter in line.row.cells)
    return has_number and _ASKS_DURATION.search(line.text) is not None


def _opens_definition(text: str, asked: frozenset[str]) -> bool:
    name = _NAMED.match(text)
    if name is not None and not asked.isdisjoint(terms_of(name.group(1))):
        return True
    verb = _DEFINES.search(text)
    if verb is None or verb.start() > 80:
        return False
    return not asked.isdisjoint(terms_of(text[: verb.start()]))
