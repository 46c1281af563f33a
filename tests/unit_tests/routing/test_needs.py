"""What a request needs by itself, and who is therefore not asked."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_switchyard import (
    AllDeploymentsFailed,
    ChatSwitchyard,
    Deployment,
    NoCapableDeployment,
    Traits,
)
from langchain_switchyard.providers import local
from langchain_switchyard.routing.needs import needs_of
from tests.unit_tests.routing.fleet import asked, scripted

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
WORDS = {"type": "text", "text": "What is this? 这是什么？"}


@pytest.mark.parametrize(
    ("block", "need"),
    [
        (PICTURE, "vision"),
        ({"type": "image", "base64": "AAAA", "mime_type": "image/png"}, "vision"),
        ({"type": "input_image", "image_url": "https://x/y.png"}, "vision"),
        ({"type": "media", "mime_type": "image/jpeg", "data": "AAAA"}, "vision"),
        ({"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"}, "audio"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "audio"),
        ({"type": "file", "base64": "AAAA", "mime_type": "application/pdf"}, "pdf"),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}}, "pdf"),
        ({"type": "file", "file_id": "file-1"}, "pdf"),
        ({"type": "document", "source": {"media_type": "application/pdf"}}, "pdf"),
        ({"type": "document", "source": {"type": "text", "data": "hello"}}, None),
        ({"type": "file", "base64": "AAAA", "mime_type": "text/csv"}, None),
        (WORDS, None),
        ("plain words", None),
    ],
)
def test_content_says_what_it_needs(block, need):
    """In LangChain's form and in the providers' own."""
    assert needs_of([HumanMessage([WORDS, block])], {}) == ({need} if need else set())


def test_tools_may_return_pictures_and_a_models_own_answers_need_nothing():
    """What a model has said itself is only told again."""
    assert needs_of([ToolMessage([PICTURE], tool_call_id="1")], {}) == {"vision"}
    assert needs_of([AIMessage([PICTURE]), SystemMessage("be brief")], {}) == set()


@pytest.mark.parametrize(
    ("form", "need"),
    [
        ({"type": "json_schema", "json_schema": {}}, {"structured_output"}),
        ({"type": "json_object"}, {"json_mode"}),
        (dict, {"structured_output"}),
        ({"type": "text"}, set()),
        (None, set()),
    ],
)
def test_a_response_format_asks_for_what_it_says(form, need):
    """Text is what everybody can."""
    assert needs_of([], {"response_format": form}) == need


def blind_then_seeing() -> ChatSwitchyard:
    blind = Traits(capabilities=frozenset({"tools"}))
    sees = Traits(capabilities=frozenset({"vision"}))
    return ChatSwitchyard(
        deployments=[
            Deployment(scripted("blind", "?"), id="blind", traits=blind),
            Deployment(scripted("sees", "a cat"), id="sees", tier=1, traits=sees),
        ]
    )


def test_a_picture_is_not_shown_to_a_model_that_was_declared_blind():
    """It goes to the one that sees, whatever its tier; words still go to the first."""
    model = blind_then_seeing()

    assert asked(model.invoke([HumanMessage([WORDS, PICTURE])])) == ["sees"]
    assert asked(model.invoke("hi")) == ["blind"]
    assert model.explain([HumanMessage([PICTURE])]).chosen == ("sees",)


def test_what_nobody_declared_is_allowed():
    """A model without a profile is shown the picture."""
    model = ChatSwitchyard(deployments=[Deployment(scripted("a", "a cat"), id="a")])

    assert asked(model.invoke([HumanMessage([PICTURE])])) == ["a"]


def test_a_picture_nobody_can_see_is_refused_before_anybody_is_asked():
    """With the ability that is missing."""
    with pytest.raises(NoCapableDeployment, match="vision"):
        ChatSwitchyard(deployments=[local()]).invoke([HumanMessage([PICTURE])])


@pytest.mark.parametrize("form", [{"type": "json_object"}, {"type": "json_schema"}])
def test_the_offline_model_is_not_asked_for_json(form):
    """The next tier is, which can."""
    model = ChatSwitchyard(
        deployments=[local(), Deployment(scripted("a", "{}"), id="a", tier=1)],
    )

    assert asked(model.invoke("hi", response_format=form)) == ["a"]


def test_an_outage_is_told_although_the_last_tier_could_not_have_helped():
    """Not "nobody is capable": somebody is, and is down."""
    down = Deployment(scripted("a", ConnectionError("down")), id="a")
    model = ChatSwitchyard(deployments=[down, local(tier=1)])

    with pytest.raises(AllDeploymentsFailed, match="down"):
        model.invoke("hi", response_format={"type": "json_object"})


def test_json_mode_is_within_reach_of_whoever_calls_tools():
    """Profiles speak of schemas only: JSON without one is more than they deny."""
    traits = Traits(capabilities=frozenset({"tools"}))

    assert Deployment(scripted("a", "{}"), traits=traits).can("json_mode")
    assert not local().can("json_mode")
