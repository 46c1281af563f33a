"""What a request needs by itself: tools, structured output, eyes, ears, a reader of PDF.

Read from the call's arguments and from its messages' content blocks, in LangChain's own form and in
the providers'. Who declared to lack it is not asked; what nobody declared is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

JSON_MODE = "json_mode"
"""Any JSON at all, without a schema: most who call tools can, so it is no capability of its own."""

_BY_TYPE: Mapping[str, str] = {
    **dict.fromkeys(("image", "image_url", "input_image"), "vision"),
    **dict.fromkeys(("audio", "audio_url", "input_audio"), "audio"),
}
_FILES = frozenset({"file", "input_file", "document", "media"})
_BY_MEDIUM: Mapping[str, str | None] = {"image": "vision", "audio": "audio", "text": None}


def needs_of(messages: Sequence[BaseMessage], kwargs: Mapping[str, Any]) -> frozenset[str]:
    """The abilities a request needs.

    Args:
        messages: What is sent. A model's own earlier answers need nothing.
        kwargs: The call's arguments.
    """
    needed: set[str] = set()
    if kwargs:
        needed.update(_of_arguments(kwargs))
    for message in messages:
        content = message.content
        if isinstance(content, list) and not isinstance(message, AIMessage):
            needed.update(_of_blocks(content))
    return frozenset(needed)


def _of_arguments(kwargs: Mapping[str, Any]) -> set[str]:
    needed = {"tools"} if kwargs.get("tools") else set()
    form = kwargs.get("response_format")
    kind = form.get("type") if isinstance(form, Mapping) else form
    if kind == "json_object":
        needed.add(JSON_MODE)
    elif kind not in (None, "text"):
        needed.add("structured_output")
    return needed


def _of_blocks(blocks: Sequence[Any]) -> set[str]:
    needed: set[str] = set()
    for block in blocks:
        if not isinstance(block, Mapping):
            continue
        kind = block.get("type")
        need = _of_file(block) if kind in _FILES else _BY_TYPE.get(str(kind))
        if need is not None:
            needed.add(need)
    return needed


def _of_file(block: Mapping[str, Any]) -> str | None:
    """Files say what they are by their MIME type; the usual file that does not is a PDF."""
    for holder in (block, block.get("file"), block.get("source")):
        if not isinstance(holder, Mapping):
            continue
        mime = holder.get("mime_type") or holder.get("media_type") or _mime_in(holder)
        if isinstance(mime, str):
            return _BY_MEDIUM.get(mime.partition("/")[0], "pdf" if "pdf" in mime else None)
        if holder.get("type") == "text":
            return None
    return "pdf"


def _mime_in(holder: Mapping[str, Any]) -> str | None:
    data = holder.get("file_data")
    if isinstance(data, str) and data.startswith("data:"):
        return data[5:100].partition(";")[0]
    return None
