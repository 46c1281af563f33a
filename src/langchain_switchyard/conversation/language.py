"""Which of the two languages a text speaks, as far as an assistant must know."""

from __future__ import annotations

import re
from typing import Literal

Language = Literal["zh", "en"]

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")


def language_of(text: str) -> Language:
    """Tell Chinese from everything else.

    A Chinese question is often full of English names (`ChatSwitchyard 怎么用？`), so an ideograph
    weighs as much as a whole Latin word, and a tie is Chinese.
    """
    han = len(_HAN.findall(text))
    return "zh" if han and han >= len(_LATIN_WORD.findall(text)) / 2 else "en"
