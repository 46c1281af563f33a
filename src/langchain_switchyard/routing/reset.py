"""The reset marker: one chunk that says "forget what came before", and sums accordingly.

A restarted stream announces itself by a chunk whose `response_metadata["switchyard"]["reset"]` is
True. Whoever reads chunks one by one discards what it holds. Whoever sums them need not know:
Python asks a subclass on the right of `+` first, so `anything + reset` is the reset alone; and
LangChain's own way of summing a stream, `first + [rest...]`, is answered by the first chunk.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk


class ResetMessageChunk(AIMessageChunk):
    """Replaces whatever it is added to; what is added to it begins an ordinary message."""

    def __radd__(self, _left: Any) -> AIMessageChunk:
        """Forget the left side."""
        return self.plain()

    def __add__(self, other: Any) -> Any:
        """Begin anew with what follows; the marker itself is not part of the answer."""
        return self.plain() + other

    def plain(self) -> AIMessageChunk:
        """The same without the marker."""
        return AIMessageChunk(content=self.content, id=self.id)


class ResetGenerationChunk(ChatGenerationChunk):
    """Carries a `ResetMessageChunk` and forgets the left side's generation info as well."""

    def __radd__(self, _left: Any) -> ChatGenerationChunk:
        """Forget the left side."""
        return self.plain()

    def __add__(self, other: Any) -> ChatGenerationChunk:
        """Begin anew with what follows."""
        begun: ChatGenerationChunk = self.plain() + other
        return begun

    def plain(self) -> ChatGenerationChunk:
        """The same without the marker."""
        message = AIMessageChunk(content=self.message.content, id=self.message.id)
        return ChatGenerationChunk(message=message)


class FirstGenerationChunk(ChatGenerationChunk):
    """The first chunk of a stream that may be restarted: sums a list from its last reset on."""

    def __add__(self, other: Any) -> ChatGenerationChunk:
        """Add one chunk or a list of them."""
        if isinstance(other, list):
            for index in range(len(other) - 1, -1, -1):
                last = other[index]
                if isinstance(last, ResetGenerationChunk):
                    return last.plain() + other[index + 1 :]
        elif isinstance(other, ResetGenerationChunk):
            return other.plain()
        return super().__add__(other)


def reset_chunk(deployment: str, attempt: int, message_id: str | None) -> ResetGenerationChunk:
    """The chunk that announces a restarted stream."""
    told = {"reset": True, "deployment": deployment, "attempt": attempt}
    return ResetGenerationChunk(
        message=ResetMessageChunk(content="", response_metadata={"switchyard": told}, id=message_id)
    )


def first_chunk(chunk: ChatGenerationChunk) -> FirstGenerationChunk:
    """The same chunk, able to sum a stream that is restarted later."""
    return FirstGenerationChunk(message=chunk.message, generation_info=chunk.generation_info)
