"""One caller's choice of model or endpoint is that caller's own risk."""

from __future__ import annotations

import openai
import pytest
from langchain_core.exceptions import ModelNotFoundError

from langchain_switchyard import ChatSwitchyard, Deployment
from langchain_switchyard.providers import openai as openai_preset
from langchain_switchyard.testing import FaultyProvider, InvalidApiKey, ModelNotFound
from tests.unit_tests.routing.fleet import asked, fleet, scripted


@pytest.fixture
def provider():
    with FaultyProvider() as server:
        yield server


def two_at(provider: FaultyProvider) -> ChatSwitchyard:
    return ChatSwitchyard(
        deployments=[
            openai_preset("a", base_url=provider.base_url, api_key="k"),
            openai_preset("b", base_url=provider.base_url, api_key="k", tier=1),
        ]
    )


def test_a_providers_own_tool_that_a_compatible_server_lacks_is_nobody_elses_trouble(provider):
    """The caller gets the 404; the next caller is served by the first tier."""
    model = two_at(provider)

    with pytest.raises(openai.NotFoundError):
        model.bind_tools([{"type": "web_search"}]).invoke("news?")

    assert asked(model.invoke("hi")) == ["a"]


def test_a_model_misspelt_in_one_call_is_nobody_elses_trouble(provider):
    """The caller gets the 404."""
    model = two_at(provider)
    provider.script(ModelNotFound())

    with pytest.raises(openai.NotFoundError):
        model.invoke("hi", model="gpt-typo")

    provider.reset()
    assert asked(model.invoke("hi")) == ["a"]


def test_a_model_misspelt_by_the_owner_shuts_the_deployment(provider):
    """Nobody could be served by it."""
    model = two_at(provider)
    provider.script(ModelNotFound())

    assert asked(model.invoke("hi")) == ["a", "b"]
    assert asked(model.invoke("hi")) == ["b"]


def test_a_refused_key_shuts_the_deployment_whatever_the_call_chose(provider):
    """A key is not the caller's choice."""
    model = two_at(provider)
    provider.script(InvalidApiKey())

    assert asked(model.invoke("hi", model="gpt-other")) == ["a", "b"]
    assert asked(model.invoke("hi")) == ["b"]


def test_what_the_deployments_owner_has_bound_is_not_the_callers_choice():
    """A model bound to the deployment is the deployment's."""
    bound = scripted("a", ModelNotFoundError("gpt-typo")).bind(model="gpt-typo")
    model = ChatSwitchyard(
        deployments=[Deployment(bound, id="a"), Deployment(scripted("b", "fine"), id="b", tier=1)]
    )

    assert asked(model.invoke("hi")) == ["a", "b"]
    assert asked(model.invoke("hi")) == ["b"]


def test_common_arguments_and_tools_choose_nothing():
    """A 404 beside a temperature and a plain function is the deployment's own."""
    model = fleet(scripted("a", ModelNotFoundError("gone")), scripted("b", "fine"))
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}

    assert asked(model.bind_tools([tool]).invoke("hi", temperature=0)) == ["a", "b"]
