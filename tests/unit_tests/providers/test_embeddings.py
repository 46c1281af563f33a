"""Embedding presets with the real SDK against a provider on this machine."""

import pytest

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.providers import HttpClients, dashscope_embeddings, openai_embeddings
from langchain_switchyard.retrieval import BatchedEmbeddings, HybridRetriever
from langchain_switchyard.retrieval.dense.retrying import Retrying
from langchain_switchyard.testing import FaultyProvider
from langchain_switchyard.testing.faulty.embeddings import embed
from tests.unit_tests.providers.tiny_server import Reply, serving

TEXTS = [f"第{n}条 合同应当以书面形式订立。" for n in range(25)]


@pytest.fixture
def server():
    """A healthy provider."""
    with FaultyProvider() as provider:
        yield provider


@pytest.fixture
def clients():
    """Sockets that are closed again."""
    with HttpClients() as shared:
        yield shared


@pytest.fixture
def dashscope(server, clients):
    """DashScope's compatible endpoint, played by the provider."""
    return dashscope_embeddings(api_key="sk-hush", base_url=server.qwen_url, clients=clients)


def test_dashscope_gets_ten_texts_at_a_time_as_text_and_asks_for_floats(server, dashscope):
    """More are refused there; token numbers and base64 are not understood."""
    vectors = dashscope.embed_documents(TEXTS)
    asked = [request.body for request in server.requests]
    assert [len(body["input"]) for body in asked] == [10, 10, 5]
    assert [text for body in asked for text in body["input"]] == TEXTS
    assert {body["encoding_format"] for body in asked} == {"float"}
    assert {body["model"] for body in asked} == {"text-embedding-v4"}
    assert vectors == [pytest.approx(list(embed(text, 256))) for text in TEXTS]


async def test_the_same_awaiting(server, dashscope):
    """By the SDK's own asynchronous client."""
    assert await dashscope.aembed_documents(TEXTS) == dashscope.embed_documents(TEXTS)
    assert await dashscope.aembed_query("违约责任") == dashscope.embed_query("违约责任")
    assert [len(request.body["input"]) for request in server.requests][:3] == [10, 10, 5]


def test_openai_takes_many_at_once_and_as_many_numbers_as_wanted(server, clients):
    """In one request; nothing is downloaded to count tokens."""
    model = openai_embeddings(
        "text-embedding-3-large",
        api_key="any",
        base_url=server.base_url,
        dimensions=64,
        clients=clients,
    )
    assert [len(vector) for vector in model.embed_documents(TEXTS)] == [64] * 25
    (request,) = server.requests
    assert request.body["model"] == "text-embedding-3-large"
    assert request.body["dimensions"] == 64
    assert request.headers["authorization"] == "Bearer any"


def test_the_environment_says_key_address_and_model(server, clients):
    """Arguments win over it; the other key's name counts as well."""
    env = {
        "DASHSCOPE_API_KEY": "sk-of-the-environment",
        "TONGYI_BASE_URL": server.qwen_url,
        "TONGYI_EMBEDDING_MODEL": "text-embedding-v3",
        "TONGYI_MODEL": "qwen-plus",
    }
    dashscope_embeddings(env=env, clients=clients).embed_query("一")
    dashscope_embeddings("other", env=env, clients=clients, api_key="mine").embed_query("二")
    first, second = server.requests
    assert first.body["model"] == "text-embedding-v3"
    assert first.headers["authorization"] == "Bearer sk-of-the-environment"
    assert second.body["model"] == "other"
    assert second.headers["authorization"] == "Bearer mine"


@pytest.mark.parametrize(
    ("preset", "variable"),
    [(dashscope_embeddings, "TONGYI_API_KEY"), (openai_embeddings, "OPENAI_API_KEY")],
)
def test_without_a_key_the_variable_is_named(preset, variable):
    """An example file's placeholder is no key."""
    with pytest.raises(ConfigurationError, match=variable):
        preset(env={})
    with pytest.raises(ConfigurationError, match=variable):
        preset(env={variable: "your_api_key"})


def test_the_key_is_never_printed(dashscope):
    """A model in a log or a notebook shows none."""
    assert "sk-hush" not in repr(dashscope)


def test_batches_are_as_large_as_the_provider_takes(server, dashscope):
    """Whoever wraps the model need not know its limit."""
    batched = BatchedEmbeddings(dashscope)
    assert batched.embed_documents(TEXTS) == dashscope.embed_documents(TEXTS)
    sizes = [len(request.body["input"]) for request in server.requests]
    assert sizes == [10, 10, 5] * 2


def test_a_busy_provider_is_asked_again_and_a_refused_text_is_named():
    """429 then healthy; a 400 for one text leaves the other nine their vectors."""
    replies = iter([Reply(429, {"error": {"message": "slow down", "code": "Throttling"}})])
    failed = []

    def answer(request):
        for reply in replies:
            return reply
        if "坏" in request.body["input"]:
            failed.append(request.body["input"])
            return Reply(400, {"error": {"message": "input invalid"}})
        data = [
            {"object": "embedding", "index": n, "embedding": [float(len(text)), 1.0]}
            for n, text in enumerate(request.body["input"])
        ]
        return Reply(200, {"object": "list", "data": data, "model": "m", "usage": {}})

    with serving(answer) as server, HttpClients() as clients:
        model = dashscope_embeddings(
            api_key="any", base_url=server.url, clients=clients, extra={"max_retries": 0}
        )
        pauses = []
        batched = BatchedEmbeddings(model, retrying=Retrying(sleep=pauses.append))
        assert batched.embed_documents(["好", "很好"]) == [[1.0, 1.0], [2.0, 1.0]]
        assert len(pauses) == 1
        with pytest.raises(Exception, match="input invalid") as caught:
            batched.embed_documents(["好", "坏", "很好"])
        assert any("'坏'" in note for note in caught.value.__notes__)
        assert failed[-1] == ["坏"]
        assert len(pauses) == 1


def test_a_retriever_searches_by_them(dashscope):
    """The whole road: documents in, the nearest one out."""
    retriever = HybridRetriever.from_texts(
        ["合同法规定了违约责任。", "猫整天睡觉。"], embeddings=dashscope
    )
    (hit,) = retriever.search("违约责任", k=1)
    assert hit.text == "合同法规定了违约责任。"
    assert set(hit.legs) == {"dense", "lexical"}
