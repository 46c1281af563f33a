"""Vectors in a graph and beside it, against arithmetic over all of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.dense import graph_vectors
from langchain_switchyard.retrieval.dense.graph_vectors import GraphMatch, GraphVectors
from langchain_switchyard.retrieval.dense.vectors import encode_vector
from langchain_switchyard.retrieval.storage.catalog import Catalog


class Filled:
    """A catalogue with vectors, and the same vectors in a plain array.

    Row ``n`` holds ``vectors[n]``; row 0 is none.
    """

    def __init__(self, folder, dimensions=16):
        """Start empty."""
        self.catalog = Catalog(folder)
        self.vectors = np.zeros((1, dimensions), np.float32)
        self.live = set()
        self._rng = np.random.default_rng(5)

    def add(self, count):
        """Write documents with vectors; return rows and vectors."""
        made = self._rng.normal(size=(count, self.vectors.shape[1]))
        made = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
        start = len(self.vectors)
        with self.catalog.writing(), self.catalog.transaction():
            rows = self.catalog.insert((f"d{start + n}", None, "text", "{}") for n in range(count))
            self.catalog.insert_vectors(zip(rows, map(encode_vector, made), strict=True))
        assert rows == list(range(start, start + count))
        self.vectors = np.concatenate([self.vectors, made])
        self.live.update(rows)
        return np.array(rows, np.int64), made

    def delete(self, rows):
        """Take documents out."""
        with self.catalog.writing(), self.catalog.transaction():
            self.catalog.remove((row, b"") for row in rows)
        self.live.difference_update(rows)

    def settle(self, held, *, everything=True):
        """As the index does: as the only writer."""
        with self.catalog.writing():
            held.settle(everything=everything)

    def opened(self):
        """Open as the dense leg does."""
        held = GraphVectors(self.catalog)
        found = self.catalog.vectors(held.last_row)
        if found:
            rows = np.array([row for row, _ in found], np.int64)
            held.add(rows, self.vectors[rows])
        return held

    def agrees(self, held, seed=1, statistics=0.1):
        """Compare with a full comparison; statistics may be those of before some deletes."""
        query = np.random.default_rng(seed).normal(size=self.vectors.shape[1])
        query = (query / np.linalg.norm(query)).astype(np.float32)
        rows = np.array(sorted(self.live), np.int64)
        cosines = self.vectors[rows].astype(np.float64) @ query.astype(np.float64)
        match = held.match(query)
        found, scores = match.top(10)
        best = rows[np.argsort(-cosines, kind="stable")[:10]]
        # So few vectors are all within reach of the beam.
        assert found.tolist() == best.tolist()
        assert np.allclose(scores, np.sort(cosines)[::-1][:10], atol=1e-6)
        assert np.allclose(match.scores_of(rows), cosines, atol=1e-6)
        assert len(held) == len(rows)
        assert match.mean == pytest.approx(cosines.mean(), abs=statistics)
        assert match.deviation == pytest.approx(cosines.std(), abs=statistics)
        return match


@pytest.fixture
def filled(tmp_path):
    """An empty catalogue on disk."""
    made = Filled(tmp_path)
    yield made
    made.catalog.close()


def test_before_there_is_a_graph_everything_is_compared(filled):
    """A few vectors need none."""
    filled.add(300)
    held = filled.opened()
    assert not isinstance(filled.agrees(held), GraphMatch)


def test_a_graph_and_what_came_later_answer_as_one(filled):
    """After deletes in both, with statistics over both."""
    filled.add(300)
    held = filled.opened()
    filled.settle(held)
    held.add(*filled.add(80))
    filled.delete([5, 6, 310])
    held.delete([5, 6, 310, 10_000])
    assert isinstance(filled.agrees(held, statistics=2e-3), GraphMatch)


def test_the_next_opening_maps_the_graph_and_knows_what_died_and_what_is_new(filled):
    """Nothing that was deleted meanwhile comes back."""
    filled.add(300)
    filled.settle(filled.opened())
    filled.add(20)
    filled.delete([1, 2, 300, 320])
    held = filled.opened()
    assert isinstance(filled.agrees(held), GraphMatch)


def test_a_document_embedded_late_is_found_though_its_row_is_old(filled):
    """Its vector was written after the graph."""
    filled.add(300)
    with filled.catalog.writing(), filled.catalog.transaction():
        filled.catalog._writer.execute("DELETE FROM vectors WHERE row = 7")
    filled.settle(filled.opened())
    with filled.catalog.writing(), filled.catalog.transaction():
        filled.catalog.insert_vectors([(7, encode_vector(filled.vectors[7]))])
    filled.agrees(filled.opened())


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_any_order_of_writes_settlements_and_openings_gives_the_same_answers(
    tmp_path_factory, data
):
    """As a full comparison of what is alive."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph_vectors, "_LATE", 40)
        patch.setattr(graph_vectors, "_FEW", 5)
        filled = Filled(tmp_path_factory.mktemp("held"))
        filled.add(30)
        held = filled.opened()
        for _ in range(data.draw(st.integers(1, 8))):
            step = data.draw(st.sampled_from(["add", "delete", "settle", "optimize", "open"]))
            if step == "add":
                held.add(*filled.add(data.draw(st.integers(1, 60))))
            elif step == "delete" and len(filled.live) > 20:
                most = st.integers(1, len(filled.live) - 15)
                gone = sorted(filled.live)[:: data.draw(st.integers(1, 3))][: data.draw(most)]
                filled.delete(gone)
                held.delete(gone)
            elif step == "open":
                held = filled.opened()
            else:
                filled.settle(held, everything=step == "optimize")
            filled.agrees(held, seed=data.draw(st.integers(0, 99)))
        filled.catalog.close()


def test_a_filter_leaves_out_before_the_choice_for_few_and_for_many(filled, monkeypatch):
    """Also rows that the filter is too old to know."""
    filled.add(400)
    held = filled.opened()
    filled.settle(held)
    held.add(*filled.add(50))
    for few in (0, 3_000):
        monkeypatch.setattr(graph_vectors, "_FEW", few)
        allowed = np.zeros(421, bool)
        allowed[[5, 250, 399, 410]] = True
        match = held.match(filled.vectors[5])
        assert match.top(3, allowed)[0][0] == 5
        assert set(match.top(10, allowed)[0].tolist()) == {5, 250, 399, 410}


def test_a_graph_is_written_when_much_came_late_and_not_before(filled, monkeypatch):
    """The one before is removed."""
    monkeypatch.setattr(graph_vectors, "_LATE", 100)
    folder = filled.catalog.folder / "graph"
    filled.add(100)
    held = filled.opened()
    filled.settle(held, everything=False)
    assert not folder.exists()
    held.add(*filled.add(1))
    filled.settle(held, everything=False)
    first = list(folder.iterdir())
    held.add(*filled.add(101))
    filled.settle(held, everything=False)
    second = list(folder.iterdir())
    assert len(first) == len(second) == 1
    assert first != second
    filled.agrees(held)


def test_many_dead_rows_are_left_out_of_the_next_graph(filled):
    """Without a new document."""
    filled.add(300)
    held = filled.opened()
    filled.settle(held)
    dead = list(range(1, 200))
    filled.delete(dead)
    held.delete(dead)
    filled.settle(held, everything=False)
    assert len(filled.agrees(held).base.graph) == 101


def test_where_all_died_nothing_is_found_and_new_ones_are(filled):
    """The last graph is removed as well."""
    filled.add(50)
    held = filled.opened()
    filled.settle(held)
    dead = list(range(1, 51))
    filled.delete(dead)
    held.delete(dead)
    assert len(held.match(filled.vectors[3]).top(5)[0]) == 0
    filled.settle(held)
    assert list((filled.catalog.folder / "graph").iterdir()) == []
    held.add(*filled.add(12))
    filled.agrees(held)


@pytest.mark.parametrize("damage", ["cut", "foreign", "gone"])
def test_a_damaged_file_costs_time_never_a_document(filled, caplog, damage):
    """It says so, and the next settlement writes a new one."""
    filled.add(300)
    filled.settle(filled.opened())
    (path,) = (filled.catalog.folder / "graph").iterdir()
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if damage == "cut" else b"x" * len(content))
    held = filled.opened()
    assert not isinstance(filled.agrees(held), GraphMatch)
    assert "compared one by one" in caplog.text
    filled.settle(held)
    assert isinstance(filled.agrees(held), GraphMatch)
    assert isinstance(filled.agrees(filled.opened()), GraphMatch)


def test_in_memory_there_is_a_graph_without_a_file():
    """It serves as long as the index lives."""
    filled = Filled(None)
    filled.add(200)
    held = filled.opened()
    filled.settle(held)
    assert isinstance(filled.agrees(held), GraphMatch)


def test_a_reader_keeps_the_graph_it_has_while_another_is_written(filled):
    """On systems that let an open file be removed."""
    filled.add(200)
    writer = filled.opened()
    filled.settle(writer)
    reader = filled.opened()
    late = filled.add(100)
    writer.add(*late)
    filled.settle(writer)
    reader.add(*late)
    filled.agrees(reader)
    filled.agrees(filled.opened())


def test_vectors_of_another_length_are_refused(filled):
    """In documents and in queries, with both lengths."""
    filled.add(30)
    held = filled.opened()
    filled.settle(held)
    with pytest.raises(ConfigurationError, match=r"16 dimensions.* 3"):
        held.match(np.ones(3, np.float32))
    with pytest.raises(ConfigurationError, match=r"16 dimensions.* 3"):
        held.add(np.array([99]), np.ones((1, 3), np.float32))
