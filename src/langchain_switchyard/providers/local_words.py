"""What the offline model says when it quotes nothing: a few honest templates, in two languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from langchain_switchyard.providers.extract import Quote

Language = Literal["zh", "en"]

_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")

_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)"
    r"|你好|您好|嗨|哈喽|早上好|上午好|下午好|晚上好)"
    r"(?:\s+(?:there|all|everyone)|呀|啊)?\W*$",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"^\W*(?:thanks?(?: you)?(?: (?:so|very) much| a lot)?|thx|谢谢|多谢|感谢)(?:你|您|了|啦)*\W*$",
    re.IGNORECASE,
)
_WHO = re.compile(
    r"\b(?:who|what) are you\b|\bwhat can you do\b"
    r"|你是谁|你是什么|你能做什么|你会什么|介绍一下你自己",
    re.IGNORECASE,
)

_SAY: dict[str, dict[Language, str]] = {
    "greeting": {
        "en": "Hello! I am the offline model: I can quote from sources that come with a question.",
        "zh": "你好！我是离线模型，可以从随问题附带的资料中摘录答案。",
    },
    "thanks": {"en": "You are welcome.", "zh": "不客气。"},
    "who": {
        "en": "I am switchyard-local, an offline model without a neural network. I find the "
        "sentences in given sources that answer a question and quote them with their numbers. "
        "I write nothing of my own and call no tools.",
        "zh": "我是 switchyard-local，一个不含神经网络的离线模型。"
        "我从给定的资料中找出能回答问题的句子，并标明出处编号；我不自行创作，也不调用工具。",
    },
    "cannot": {
        "en": "I cannot answer this: I am the offline model, and have no sources that fit the "
        "question. A language model would have answered, had one been configured and in reach.",
        "zh": "我无法回答：我是离线模型，手头没有与问题相符的资料。"
        "如果配置了大模型并且可以连接，会由大模型回答。",
    },
    "absent": {
        "en": "The given sources hold no answer to this question.",
        "zh": "所给资料中没有找到这个问题的答案。",
    },
    "extract": {
        "en": "(Quoted from the sources by the offline model switchyard-local.)",
        "zh": "（由离线模型 switchyard-local 从资料中摘录。）",
    },
    "template": {
        "en": "(Offline model switchyard-local.)",
        "zh": "（离线模型 switchyard-local。）",
    },
}


def language_of(question: str) -> Language:
    """The language to answer in: Chinese where the question has Chinese characters."""
    return "zh" if _CHINESE.search(question) else "en"


def small_talk(question: str) -> str | None:
    """The template for a greeting, thanks or a question about the model itself, or None."""
    for name, pattern in (("greeting", _GREETING), ("thanks", _THANKS), ("who", _WHO)):
        if pattern.search(question):
            return name
    return None


def say(name: str, language: Language) -> str:
    """One template, with the line that says who speaks."""
    return f"{_SAY[name][language]}\n\n{_SAY['template'][language]}"


def quote(quotes: Sequence[Quote], language: Language) -> str:
    """Quotes with their citations, and the line that says who speaks."""
    lines: list[str] = []
    was_item = True
    for one in quotes:
        gap = "\n" if one.text.endswith("```") else "" if language == "zh" else " "
        words = f"{one.text}{gap}[{one.number}]"
        # Items of lists and rows of tables keep their lines; sentences run on.
        if was_item or one.is_item:
            lines.append(words)
        else:
            lines[-1] += ("" if language == "zh" else " ") + words
        was_item = one.is_item
    return "\n".join(lines) + f"\n\n{_SAY['extract'][language]}"
