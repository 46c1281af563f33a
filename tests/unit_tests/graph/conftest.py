"""A small bilingual library and what else the assistant's tests share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_core.documents import Document

from langchain_switchyard import ChatSwitchyard, Deployment
from langchain_switchyard.providers import LocalChatModel
from langchain_switchyard.retrieval import HybridRetriever
from langchain_switchyard.testing import ScriptedChatModel

LIBRARY = [
    Document(
        id="refunds",
        page_content="Refunds are paid within five working days of the return.",
        metadata={"source": "shop.md", "heading": "Shop > Refunds", "line": 3},
    ),
    Document(
        id="receipts",
        page_content="A receipt is needed for refunds above 100 euros.",
        metadata={"source": "shop.md", "heading": "Shop > Receipts", "line": 9},
    ),
    Document(
        id="kitchen",
        page_content="The kitchen opens at noon and serves soup.",
        metadata={"source": "kitchen.pdf", "page": 2},
    ),
    Document(
        id="breaker",
        page_content="熔断器是一种保护机制：连续失败三次后，请求不再发往出故障的部署。",
        metadata={"source": "概念.md", "heading": "熔断器", "line": 1},
    ),
]


@pytest.fixture
def library() -> HybridRetriever:
    """Four passages, found by their words."""
    return HybridRetriever.from_documents(LIBRARY)


@pytest.fixture
def offline() -> ChatSwitchyard:
    """A router over the offline model alone."""
    return ChatSwitchyard(deployments=[Deployment(LocalChatModel(), id="local")])


@pytest.fixture
def scripted() -> Callable[..., tuple[ChatSwitchyard, ScriptedChatModel]]:
    """Make a router over a model that plays a script, and that model."""

    def make(*script: object) -> tuple[ChatSwitchyard, ScriptedChatModel]:
        model = ScriptedChatModel(script=list(script))
        return ChatSwitchyard(deployments=[Deployment(model, id="scripted")]), model

    return make
