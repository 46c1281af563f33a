"""An answer shown while it comes, and taken back."""

from __future__ import annotations

import io

from langchain_core.messages import AIMessageChunk

from langchain_switchyard.cli.console import Console
from langchain_switchyard.cli.printer import StreamPrinter, rows_below, width

RESET = AIMessageChunk("", response_metadata={"switchyard": {"reset": True}})


class Terminal(io.StringIO):
    """A screen of 20 columns that understands what the printer sends."""

    def isatty(self) -> bool:
        """It is one."""
        return True

    def shown(self) -> str:
        """What stands on the screen in the end."""
        rows: list[str] = [""]
        at = 0
        text = self.getvalue()
        while text:
            if text.startswith("\r\x1b["):
                up, _, text = text[3:].partition("A") if text[3].isdigit() else ("0", "", text[1:])
                at -= int(up)
                text = text.removeprefix("\x1b[J")
                rows = [*rows[:at], ""]
                continue
            if text[0] == "\n":
                rows.append("")
                at += 1
            else:
                if width(rows[at] + text[0]) > 20:
                    rows.append("")
                    at += 1
                rows[at] += text[0]
            text = text[1:]
        return "\n".join(rows)


def printer(out: io.StringIO) -> StreamPrinter:
    """A printer on a screen of 20 columns and 10 lines."""
    console = Console(out=out)
    type(console).size = property(lambda _: (20, 10))  # type: ignore[assignment]
    return StreamPrinter(console)


def play(out: io.StringIO, *chunks: AIMessageChunk | str) -> StreamPrinter:
    """Feed chunks."""
    shown = printer(out)
    for chunk in chunks:
        shown.feed(AIMessageChunk(chunk) if isinstance(chunk, str) else chunk)
    return shown


def test_a_terminal_shows_each_chunk_at_once() -> None:
    """That is what streaming is for."""
    out = Terminal()

    play(out, "Hel", "lo")

    assert out.getvalue() == "Hello"


def test_a_reset_wipes_what_was_shown_wrapped_lines_included() -> None:
    """Only the whole new answer stays."""
    out = Terminal()

    shown = play(out, "a wrong answer that is longer than a row\nand another", RESET, "right")
    shown.finish("right")

    assert out.shown() == "right\n"


def test_chinese_text_is_wiped_by_its_double_width() -> None:
    """Ten characters fill a row of twenty columns."""
    out = Terminal()

    shown = play(out, "一二三四五六七八九十甲乙丙", RESET, "好")
    shown.finish("好")

    assert out.shown() == "好\n"


def test_what_has_left_the_screen_is_marked_as_taken_back() -> None:
    """Nothing can reach it there."""
    out = Terminal()

    play(out, "line\n" * 30, RESET, "right")

    assert out.getvalue().endswith("--- taken back; the answer begins anew ---\nright")


def test_a_pipe_gets_the_final_answer_only() -> None:
    """It can take nothing back."""
    out = io.StringIO()

    shown = play(out, "wrong", RESET, "right")
    assert out.getvalue() == ""
    shown.finish("right")

    assert out.getvalue() == "right\n"


def test_the_end_shows_exactly_the_answer_whatever_was_streamed() -> None:
    """A stream that lost a chunk must not have the last word."""
    out = Terminal()

    play(out, "rig").finish("right")

    assert out.shown() == "right\n"


def test_rows_count_line_ends_and_wrapping() -> None:
    """A full row does not wrap yet."""
    assert rows_below("", 20) == 0
    assert rows_below("x" * 20, 20) == 0
    assert rows_below("x" * 21, 20) == 1
    assert rows_below("a\nb", 20) == 1
    assert rows_below("熔" * 11, 20) == 1
