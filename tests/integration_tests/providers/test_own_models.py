"""A chat model of the user's own on our HTTP clients."""

from __future__ import annotations

from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from langchain_switchyard import ChatSwitchyard, Deployment
from langchain_switchyard.providers import HttpClients
from langchain_switchyard.testing import FaultyProvider


def test_twenty_streams_in_a_row_of_an_own_model_take_one_socket() -> None:
    """As the documentation tells: the SDK's own client takes one for each on one of its majors."""
    with FaultyProvider() as provider, HttpClients() as clients:
        url = provider.base_url
        mine = ChatOpenAI(
            model="gpt-x",
            base_url=url,
            api_key=SecretStr("k"),
            http_client=clients.sync("openai", url),
            http_async_client=clients.asynchronous("openai", url),
        )
        model = ChatSwitchyard(deployments=[Deployment(mine, id="mine")])

        answers = {"".join(chunk.text for chunk in model.stream("hi")) for _ in range(20)}

        assert len(answers) == 1
        assert provider.connections_accepted == 1
