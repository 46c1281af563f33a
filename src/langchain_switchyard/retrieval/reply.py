"""What a chat model said, without the thinking that some models put before it."""

from __future__ import annotations

import re

from langchain_core.messages import BaseMessage

_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)


def said(reply: BaseMessage | str) -> str:
    """Return the text of a reply, ``<think>...</think>`` taken out."""
    text = reply if isinstance(reply, str) else reply.text
    return _THINKING.sub("", text).strip()
