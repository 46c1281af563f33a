"""What the documentation promises: links lead somewhere, code runs, numbers are the code's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from langchain_switchyard.routing.circuit import BreakerPolicy, Opening, Window
from langchain_switchyard.routing.failures import VERDICTS, Kind, Outcome, Verdict
from langchain_switchyard.routing.retry import Backoff, RetryBudgetPolicy, RetryPolicy
from langchain_switchyard.routing.timeouts import Timeouts
from langchain_switchyard.testing import FaultyProvider

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CONCEPTS = [ROOT / "docs" / name for name in ("concepts.md", "concepts.zh-CN.md")]
TRANSLATIONS = [
    ("README.md", "README.zh-CN.md"),
    ("docs/concepts.md", "docs/concepts.zh-CN.md"),
    ("docs/recovery.md", "docs/recovery.zh-CN.md"),
]

POLICIES = {
    policy.__name__: policy
    for policy in (
        Backoff, BreakerPolicy, Opening, RetryBudgetPolicy, RetryPolicy, Timeouts, Window,
    )
}  # fmt: skip

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!\\)\]\(([^()\s]+(?:\([^()]*\))?)\)")
HEADING = re.compile(r"^(#+) +(.+?) *$", re.MULTILINE)
SETTING = re.compile(r"^\| `(\w+)\.(\w+)` \| (\S+) \|", re.MULTILINE)
VERDICT = re.compile(r"^\| `(\w+)` \| (\d+) \| (yes|no) \| (\w+) \| (\S+) \|$", re.MULTILINE)


def text_of(page: Path) -> str:
    """A page without its code, in which brackets mean something else."""
    return FENCE.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """The names under which a page's headings can be linked to."""
    return {_slug(heading) for _, heading in HEADING.findall(text_of(page))}


def _slug(heading: str) -> str:
    """As code hosts make it: lower case, no punctuation, hyphens for blanks."""
    words = re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).lower())
    return words.replace(" ", "-")


def runnable_code(page: Path) -> list[str]:
    """The code blocks of a page that are marked to be run: three backticks and `python run`."""
    return [code for info, code in FENCE.findall(page.read_text("utf-8")) if info == "python run"]


def name_of(page: Path) -> str:
    """For test ids."""
    return str(page.relative_to(ROOT))


def broken_links(page: Path) -> Iterator[str]:
    """Relative links of a page that lead nowhere."""
    for link in LINK.findall(text_of(page)):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / path).resolve() if path else page
        has_anchor = not anchor or (target.suffix == ".md" and anchor in anchors(target))
        if not target.exists() or not has_anchor:
            yield link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that exists, and a heading in it."""
    assert list(broken_links(page)) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    """Missing files and missing headings alike; code is not read."""
    page = tmp_path / "page.md"
    page.write_text(
        "# Über uns\n[a](no.md) [b](#nothing) [c](#über-uns) [d](page.md) [e](https://x.org/y)\n"
        "```python\nx[0](missing)\n```\n",
        "utf-8",
    )
    assert list(broken_links(page)) == ["no.md", "#nothing"]


@pytest.mark.parametrize("page", [page for page in PAGES if runnable_code(page)], ids=name_of)
def test_code_in_the_documentation_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marked blocks of a page run one after the other, as a reader would type them.

    What a reader's keys would reach is played by a server on this machine.
    """
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    with FaultyProvider() as provider:
        for prefix in ("TONGYI", "OPENAI"):
            monkeypatch.setenv(f"{prefix}_API_KEY", "any")
            monkeypatch.setenv(f"{prefix}_BASE_URL", provider.base_url)
        run(page)


def run(page: Path) -> None:
    """Run the marked blocks of a page in one namespace."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, code in enumerate(runnable_code(page), start=1):
        exec(compile(code, f"{name_of(page)}, block {number}", "exec"), namespace)  # noqa: S102


def test_both_readmes_have_code_to_run() -> None:
    """The test above looks at something."""
    assert all(runnable_code(ROOT / name) for name in TRANSLATIONS[0])


@pytest.mark.parametrize(("page", "translation"), TRANSLATIONS)
def test_a_translation_has_the_same_parts(page: str, translation: str) -> None:
    """As many headings of each level, in the same order, and the same blocks of code."""
    pages = [(ROOT / name).read_text("utf-8") for name in (page, translation)]
    levels = [[hashes for hashes, _ in HEADING.findall(FENCE.sub("", text))] for text in pages]
    blocks = [[_code_without_words(code) for _, code in FENCE.findall(text)] for text in pages]
    assert levels[0] == levels[1]
    assert blocks[0] == blocks[1]


def _code_without_words(code: str) -> str:
    """Comments and the contents of strings may be translated."""
    bare = re.sub(r'"[^"\n]*"', '""', code)
    return "\n".join(re.sub(r" *#.*", "", line).rstrip() for line in bare.splitlines())


@pytest.mark.parametrize("page", CONCEPTS, ids=name_of)
def test_default_numbers_are_those_of_the_code(page: Path) -> None:
    """Every row that names a setting tells its default."""
    rows = SETTING.findall(page.read_text("utf-8"))
    assert len(rows) > 15
    wrong = {
        f"{policy}.{name}": told
        for policy, name, told in rows
        if _default(POLICIES[policy], name) != (None if told == "None" else float(told))
    }
    assert not wrong


def _default(policy: type, name: str) -> Any:
    assert is_dataclass(policy)
    return {field.name: field.default for field in fields(policy)}[name]


@pytest.mark.parametrize("page", CONCEPTS, ids=name_of)
def test_the_table_of_failures_is_that_of_the_code(page: Path) -> None:
    """One row for every kind, with what it allows."""
    told = {
        Kind(kind): (int(again), elsewhere == "yes", Outcome(outcome), _seconds(opens))
        for kind, again, elsewhere, outcome, opens in VERDICT.findall(page.read_text("utf-8"))
    }
    assert told == {kind: _told(verdict) for kind, verdict in VERDICTS.items()}


def _seconds(cell: str) -> float | None:
    return None if cell == "-" else float(cell)


def _told(verdict: Verdict) -> tuple[int, bool, Outcome, float | None]:
    return verdict.same_again, verdict.elsewhere, verdict.outcome, verdict.open_for
