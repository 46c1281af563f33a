"""The steps of a script, before any model plays them."""

import pytest

from langchain_switchyard.testing import CallTool, Delay, Fail, Say
from langchain_switchyard.testing.steps import Finish, ToolPiece, perform, steps_of
from langchain_switchyard.testing.tokens import count_tokens, has_cjk, pieces


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hello  brave\nnew world ",
        "你好，世界！",
        "用 LangChain 调用 qwen-max 模型",
        "🙂 ok",
    ],
)
def test_pieces_add_up_to_the_text(text):
    """Cutting loses nothing, in any language."""
    assert "".join(pieces(text)) == text


def test_chinese_is_cut_by_characters_and_english_by_words():
    """A chunk is what a real model would send."""
    assert pieces("你好吗") == ("你", "好", "吗")
    assert pieces("Hello brave world") == ("Hello", " brave", " world")


def test_chinese_counts_one_token_per_character():
    """Prompts are counted by a quarter of their letters and by whole CJK characters."""
    assert count_tokens("") == 0
    assert count_tokens("abcdefgh") == 2
    assert count_tokens("今天天气") == 4
    assert count_tokens("今天 weather") == 4
    assert has_cjk("a好")
    assert not has_cjk("café")


def test_a_step_list_is_played_in_order():
    """Waits, text and tool calls come as written; the finish comes last."""
    steps = steps_of([Delay(2.0, each=0.5), Say("hi you"), CallTool("f", {"x": "好"}, id="c1")])
    assert list(perform(steps, 0)) == [
        2.0,
        0.5,
        "hi",
        0.5,
        " you",
        ToolPiece(0, "f", "", "c1"),
        0.5,
        ToolPiece(0, None, '{"x":', None),
        0.5,
        ToolPiece(0, None, ' "好"}', None),
        Finish("tool_calls", None, 7),
    ]


def test_texts_and_errors_are_steps_too():
    """Short scripts stay short."""
    error = ValueError("x")
    assert steps_of(["a", error]) == (Say("a"), Fail(error))


def test_a_foreign_object_is_refused_with_what_is_allowed():
    """The message lists what a script may hold."""
    with pytest.raises(TypeError, match="Say, CallTool, Fail, Delay"):
        steps_of(3)


@pytest.mark.parametrize("chunks", [0, -1, ["a", "x"]])
def test_chunks_that_cannot_make_the_text_are_refused(chunks):
    """A script that would say something else is a mistake."""
    with pytest.raises(ValueError, match="chunk"):
        Say("abc", chunks=chunks)


def test_explicit_chunks_are_used():
    """A number or the pieces themselves decide the cut."""
    assert list(Say("abcde", chunks=2).cut()) == ["ab", "cd", "e"]
    assert list(Say("abc", chunks=["a", "", "bc"]).cut()) == ["a", "", "bc"]


def test_cut_after_more_chunks_than_there_are_still_cuts():
    """The connection breaks even when all text came through."""
    with pytest.raises(ConnectionResetError):
        list(perform([Say("a", cut_after=9)], 0))


def test_fail_clears_an_old_traceback():
    """An error raised again does not drag the first call's frames along."""
    error = ValueError("x")
    try:
        raise error
    except ValueError:
        assert error.__traceback__ is not None
    assert Fail(error).make().__traceback__ is None
    assert isinstance(Fail(KeyError).make(), KeyError)
