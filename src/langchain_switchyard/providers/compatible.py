"""Any other endpoint that speaks OpenAI's protocol: vLLM, LM Studio, gateways, relays."""

from __future__ import annotations

from typing import Unpack

from langchain_switchyard.providers.openai_like import OpenAILike
from langchain_switchyard.providers.preset import CommonOptions
from langchain_switchyard.routing.deployment import Deployment


def openai_compatible(
    name: str, base_url: str, model: str | None = None, **options: Unpack[CommonOptions]
) -> Deployment:
    """A deployment of an endpoint that has no preset of its own.

    Args:
        name: Provider in labels and traces; `NAME_API_KEY`, `NAME_MODEL`... are read with it.
        base_url: The address up to `/v1`.
        model: The model's name there.
        options: As for every preset. Without a key none is sent but the word `none`.
    """
    prefix = "".join(letter if letter.isalnum() else "_" for letter in name).upper()
    preset = OpenAILike(name=name, prefix=prefix, base_url=base_url, needs_key=False)
    return preset(model, base_url=base_url, **options)
