"""What an assistant may spend: sources, history, second tries."""

from __future__ import annotations

from dataclasses import dataclass, fields

from langchain_switchyard.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class AssistantPolicy:
    """Limits of one assistant; none of them can be passed by a loop in the graph."""

    sources: int = 4
    """Passages given to the model; twice as many where other ones are looked for."""

    source_tokens: int = 3_000
    """Tokens all passages of one prompt may have; the first one always goes in."""

    history_tokens: int = 3_000
    """Tokens of earlier messages in one prompt; older ones are left out of it."""

    kept_messages: int = 200
    """Messages a thread keeps; the oldest are forgotten, so that a checkpoint stays small."""

    regenerations: int = 1
    """Further answers to one question after the first was not accepted; 0: it stands as it is."""

    instructions: str = ""
    """System prompt instead of the built-in ones (which are Chinese or English by the question)."""

    def __post_init__(self) -> None:
        """Refuse limits under which nothing works."""
        least = {"sources": 1, "source_tokens": 1, "kept_messages": 2}
        for field in fields(self):
            value, minimum = getattr(self, field.name), least.get(field.name, 0)
            if isinstance(value, int) and value < minimum:
                raise ConfigurationError(
                    f"AssistantPolicy.{field.name} must be {minimum} or more, got {value}"
                )
