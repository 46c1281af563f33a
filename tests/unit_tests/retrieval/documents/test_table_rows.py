"""Rows: the line of the file that each stands on."""

import csv
import json

import pytest

from langchain_switchyard.graph.passages import place_of, records_of
from langchain_switchyard.retrieval import HybridRetriever, StructureSplitter
from langchain_switchyard.retrieval.documents.citations import as_context, citation
from langchain_switchyard.retrieval.documents.loaders import parse_file

CSV = 'name,note\nbob,"one\ntwo"\n\ncat,z\n'
JSON = '[\n  {"name": "bob"},\n\n  "cat", 3,\n  {"name": [1,\n 2]}, null]\n'
JSON_LINES = '{"name": "bob"}\n\n{"name": "cat"}\n'


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("a.csv", CSV, [2, 5]),
        ("a.csv", CSV.replace("\n", "\r\n"), [2, 5]),
        ("a.tsv", CSV.replace(",", "\t"), [2, 5]),
        ("a.csv", f"\ufeff{CSV}", [2, 5]),
        ("a.csv", "\n\nname\nbob\n", [4]),
        ("a.json", JSON, [2, 4, 4, 5, 6]),
        ("a.json", "\n\n[[1], {}]", [3]),
        ("a.json", '{"name":\n "x"}', [1]),
        ("a.json", "[]", []),
        ("a.jsonl", JSON_LINES, [1, 3]),
    ],
)
def test_a_row_says_the_line_it_begins_on(name, content, lines):
    """Values that go over several lines, and empty ones, are counted."""
    found = parse_file(name, content.encode(), name)
    assert [document.metadata["line"] for document in found] == lines


def test_every_citation_of_a_row_names_its_line():
    """For prompts, tools, sources and citations, however the row was cut."""
    rows = "\n".join(f'n{n},"value {n} zebra{n}"' for n in range(60))
    documents = parse_file("a.csv", f"name,body\n{rows}\n".encode(), "a.csv")
    library = HybridRetriever.from_documents(StructureSplitter().split_documents(documents))
    found = library.invoke("zebra41", k=1)
    assert citation(found[0]) == "a.csv, line 43"
    assert "a.csv, line 43" in as_context(found)
    assert place_of(records_of(found, 1, 99)[0]) == "a.csv:43"


def test_a_row_that_is_cut_stays_on_its_line():
    """The lines of its text are its columns."""
    content = "a,b\n1,2\n" + ",".join(["word " * 500, "more " * 500]) + "\n"
    chunks = StructureSplitter(100).split_documents(parse_file("a.csv", content.encode(), "a.csv"))
    assert len(chunks) > 5
    assert {chunk.metadata["line"] for chunk in chunks[1:]} == {3}


def test_long_values_are_read_and_the_limit_of_others_stays():
    """The csv module's limit belongs to the whole process."""
    limit = csv.field_size_limit()
    (row,) = parse_file("a.csv", b"id,body\n1," + b"x y " * 40_000, "a.csv")
    assert len(row.page_content) > 131_072
    assert csv.field_size_limit() == limit


def test_the_limit_is_put_back_after_a_damaged_file():
    """Whatever the csv module raises."""
    limit = csv.field_size_limit()
    parse_file("a.csv", b'a,b\n"never closed\n1,2\n', "a.csv")
    assert csv.field_size_limit() == limit


def test_no_element_of_a_list_is_lost():
    """Strings that hold brackets and commas are no ends."""
    rows = [{"a": "x],[y"}, "q, ]", [1, [2]], True, {"b": {"c": "]"}}] * 50
    found = parse_file("a.json", json.dumps(rows, indent=1).encode(), "a.json")
    assert [document.metadata["row"] for document in found] == list(range(1, 251))
    lines = [document.metadata["line"] for document in found]
    assert lines == sorted(lines)
