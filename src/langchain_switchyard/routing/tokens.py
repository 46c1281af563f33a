"""How many tokens a text will cost, without a tokenizer.

A budget must be known before the request leaves, for a provider whose tokenizer is not at hand:
LangChain's own count needs a download, and its approximation counts Chinese four times too low.
Here what tokenizers make of a text is a weighted sum of how often some short patterns occur in it
(`patterns.py`).

The weights are fitted by `benchmarks/token_estimate.py`; its errors on texts that were not used
for the fit are in `docs/design/`. Vocabularies disagree, most of all about Chinese (1.2 tokens per
ideograph in `cl100k`, 0.8 in `o200k`, 0.7 in `qwen`), so no single figure can be right for all:
name the vocabulary where it is known, or take `blend`, which lies between the two of today.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from operator import mul
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage

from langchain_switchyard.routing.patterns import Weights, count_patterns

Vocabulary = Literal["blend", "qwen", "o200k", "cl100k"]
"""`o200k`: GPT-4o and later; `cl100k`: GPT-4, GPT-3.5 and OpenAI's embeddings; `blend`: between
`qwen` and `o200k`, for models whose vocabulary is unknown."""

MESSAGE_TOKENS = 3
"""Role and delimiters of one message; with the line break that parts it from the next, four."""

REPLY_TOKENS = 3
"""The opening of the answer, which providers count as input."""

TOOL_TOKENS = 8
"""Delimiters around one tool call or one tool's schema."""

IMAGE_TOKENS = 1_000
"""Flat figure for one image: a 1024 x 1024 picture is 765 tokens at OpenAI and 1,300 at Qwen."""

LOW_DETAIL_IMAGE_TOKENS = 85
"""An image sent with `detail: low`, which OpenAI counts flat."""

ATTACHMENT_TOKENS = 2_000
"""Flat figure for one audio, video or file block: their length cannot be told from here."""


_WEIGHTS: Mapping[Vocabulary, Weights] = {
    "blend": Weights(
        word=0.66,
        letter=0.08,
        capital=0.18,
        hump=1.42,
        letter_digit=0.42,
        punctuation=1.07,
        punctuation_2=-0.60,
        punctuation_3=-1.63,
        digit=0.82,
        digit_3=-0.64,
        space_digit=1.09,
        line=0.34,
        indent=0.40,
        ideograph=0.58,
        ideograph_run=0.95,
        mark_ideograph=-0.67,
        cjk_mark=1.10,
        kana=0.43,
        symbol=1.19,
        astral=1.23,
        hangul=0.83,
        latin=0.24,
        greek=0.62,
        cyrillic=0.30,
        hebrew=0.42,
        arabic=0.41,
        brahmic=0.68,
        thai=0.45,
    ),
    "qwen": Weights(
        word=0.66,
        letter=0.08,
        capital=0.18,
        hump=1.39,
        letter_digit=0.32,
        punctuation=1.05,
        punctuation_2=-0.57,
        punctuation_3=-1.66,
        digit=1.00,
        digit_3=-0.02,
        space_digit=1.07,
        line=0.34,
        indent=0.39,
        ideograph=0.49,
        ideograph_run=1.22,
        mark_ideograph=-0.72,
        cjk_mark=0.89,
        kana=0.37,
        symbol=1.15,
        astral=1.03,
        hangul=0.90,
        latin=0.22,
        greek=1.01,
        cyrillic=0.34,
        hebrew=0.41,
        arabic=0.43,
        brahmic=1.19,
        thai=0.54,
    ),
    "o200k": Weights(
        word=0.66,
        letter=0.08,
        capital=0.17,
        hump=1.46,
        letter_digit=0.52,
        punctuation=1.08,
        punctuation_2=-0.63,
        punctuation_3=-1.53,
        digit=0.61,
        digit_3=-0.88,
        space_digit=1.18,
        line=0.33,
        indent=0.43,
        ideograph=0.69,
        ideograph_run=0.59,
        mark_ideograph=-0.60,
        cjk_mark=1.31,
        kana=0.50,
        symbol=1.23,
        astral=1.47,
        hangul=0.76,
        latin=0.25,
        greek=0.38,
        cyrillic=0.26,
        hebrew=0.43,
        arabic=0.36,
        brahmic=0.38,
        thai=0.37,
    ),
    "cl100k": Weights(
        word=0.71,
        letter=0.07,
        capital=0.18,
        hump=1.56,
        letter_digit=0.45,
        punctuation=1.09,
        punctuation_2=-0.57,
        punctuation_3=-1.79,
        digit=0.62,
        digit_3=-0.87,
        space_digit=1.08,
        line=0.13,
        indent=0.63,
        ideograph=1.18,
        ideograph_run=0.36,
        mark_ideograph=-0.19,
        cjk_mark=1.40,
        kana=0.81,
        symbol=1.18,
        astral=2.25,
        hangul=1.26,
        latin=1.04,
        greek=1.05,
        cyrillic=0.50,
        hebrew=1.13,
        arabic=0.85,
        brahmic=1.30,
        thai=0.92,
    ),
}
# fmt: on

_CL100K_MODELS = ("gpt-3.5", "gpt-35", "gpt-4", "text-embedding-")
_O200K_MODELS = ("gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "chatgpt-4o", "o1", "o3", "o4", "gpt-oss")
_QWEN_MODELS = ("qwen", "qwq", "qvq", "tongyi")


def vocabulary_of(model: str | None) -> Vocabulary:
    """The vocabulary a model's name tells of; `blend` if it tells nothing.

    Args:
        model: A provider's name for a model, with or without a path (`Qwen/Qwen3-8B`).
    """
    name = (model or "").lower().rsplit("/", 1)[-1]
    if name.startswith(_QWEN_MODELS):
        return "qwen"
    if name.startswith(_O200K_MODELS):
        return "o200k"
    return "cl100k" if name.startswith(_CL100K_MODELS) else "blend"


def estimate_text(text: str, vocabulary: Vocabulary = "blend") -> int:
    """Estimate the tokens of a text in any language or mixture of languages.

    Args:
        text: Anything, broken Unicode included.
        vocabulary: Whose tokens to count.

    Returns:
        Tokens; 0 for the empty text only.
    """
    if not text:
        return 0
    tokens: float = sum(map(mul, count_patterns(text), _WEIGHTS[vocabulary]))
    return max(1, round(tokens))


def estimate_messages(
    messages: Sequence[BaseMessage],
    tools: Sequence[Mapping[str, Any]] | None = None,
    vocabulary: Vocabulary = "blend",
) -> int:
    """Estimate the input tokens of a chat request.

    Counted are texts, names, reasoning, tool calls and their results, tool schemas as compact
    JSON, the framing of each message, and flat figures for images and other attachments, whose
    encoded bytes are never counted as text.

    Args:
        messages: The conversation.
        tools: Schemas in any provider's format.
        vocabulary: Whose tokens to count.

    Returns:
        Tokens; 0 if there is nothing to send.
    """
    if not messages and not tools:
        return 0
    texts: list[str] = []
    flat = REPLY_TOKENS + MESSAGE_TOKENS * len(messages)
    for message in messages:
        content = message.content
        if isinstance(content, str):
            texts.append(content)
        else:
            flat += _read_blocks(content, texts)
        if message.name:
            texts.append(message.name)
        if isinstance(message, AIMessage):
            flat += _read_tool_calls(message, texts)
    for tool in tools or ():
        texts.append(_compact(tool))
        flat += TOOL_TOKENS
    # One long text costs a fraction of many short ones; the line breaks belong to the framing.
    return flat + estimate_text("\n".join(texts), vocabulary)


def _read_tool_calls(message: AIMessage, texts: list[str]) -> int:
    """Add the texts of an answer's tool calls; returns their flat tokens."""
    for call in message.tool_calls:
        texts += (call["name"], _compact(call["args"]))
    for broken in message.invalid_tool_calls:
        texts += (broken["name"] or "", broken["args"] or "")
    return TOOL_TOKENS * (len(message.tool_calls) + len(message.invalid_tool_calls))


_TEXT_KEYS = ("text", "reasoning", "thinking", "refusal", "input_text", "output_text")
_TOOL_CALLS = frozenset({"tool_use", "tool_call", "function_call", "server_tool_call"})
_IMAGES = frozenset({"image", "image_url", "input_image"})


def _read_blocks(blocks: Iterable[Any], texts: list[str]) -> int:
    """Add the texts of content blocks; returns the flat tokens of those that are no text."""
    flat = 0
    for block in blocks:
        if not isinstance(block, dict):
            texts.append(str(block))
            continue
        kind = block.get("type")
        found = [block[key] for key in _TEXT_KEYS if isinstance(block.get(key), str)]
        if found:
            texts += found
        elif kind in _IMAGES:
            flat += _image_tokens(block)
        elif isinstance(block.get("content"), str):
            texts.append(block["content"])
        elif isinstance(block.get("content"), list):
            flat += _read_blocks(block["content"], texts)
        elif kind not in _TOOL_CALLS:
            # Tool calls among the blocks are told again by `tool_calls`.
            flat += ATTACHMENT_TOKENS
    return flat


def _image_tokens(block: Mapping[str, Any]) -> int:
    inner = block.get("image_url")
    detail = inner.get("detail") if isinstance(inner, dict) else block.get("detail")
    return LOW_DETAIL_IMAGE_TOKENS if detail == "low" else IMAGE_TOKENS


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
