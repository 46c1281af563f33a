"""What every backend must fulfil: subclass it in your own tests (needs pytest).

```python
class TestMine(BackendConformance):
    @pytest.fixture
    def make(self):
        return lambda embeddings=None, **kwargs: HybridRetriever.from_documents(
            [], embeddings, backend=MyBackend("docs_" + secrets.token_hex(4)), **kwargs
        )
```

``make`` returns a retriever over an empty place, a new one at every call. ``embeddings`` may be
overridden, too; the model of this suite adds one random direction per term.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.backends.conformance_library import (
    FILTERS,
    LIBRARY,
    TermDirections,
    ids_of,
    together,
)
from langchain_switchyard.retrieval.hybrid import HybridRetriever
from langchain_switchyard.retrieval.search_config import SearchConfig

Make = Callable[..., HybridRetriever]


class BackendConformance:
    """Sync and async, Chinese and English, both legs and each alone."""

    has_bm25 = True
    """Whether lexical scores rank as BM25 does; ``False`` for an engine with another formula."""

    orders_texts = True
    """Whether ``$gt`` and the like take any text; ``False`` for dates and numbers only."""

    @pytest.fixture
    def make(self) -> Make:
        """Return a function that makes a retriever over an empty place; to be overridden."""
        raise NotImplementedError

    @pytest.fixture
    def embeddings(self) -> Embeddings:
        """Return the embedding model."""
        return TermDirections()

    @pytest.fixture
    def lexical(self, make: Make) -> HybridRetriever:
        """Return the library without embeddings."""
        return self._filled(make())

    @pytest.fixture
    def hybrid(self, make: Make, embeddings: Embeddings) -> HybridRetriever:
        """Return the library with both legs."""
        return self._filled(make(embeddings))

    @staticmethod
    def _filled(retriever: HybridRetriever) -> HybridRetriever:
        assert retriever.add_documents(LIBRARY) == ["law", "cat", "dog"]
        return retriever

    async def test_an_empty_place_finds_nothing(self, make: Make, embeddings: Embeddings) -> None:
        """In either mode, before anything was written."""
        for retriever in (make(), make(embeddings)):
            assert retriever.invoke("dogs 合同") == []
            assert await retriever.ainvoke("dogs 合同") == []
            assert retriever.index.get(["law"]) == []
            retriever.delete(["law"])
            assert len(retriever.index) == 0

    async def test_words_are_found_in_both_languages(self, lexical: HybridRetriever) -> None:
        """Inflected and unsegmented; unknown words find nothing."""
        assert ids_of(lexical.invoke("违约", k=1)) == ["law"]
        assert ids_of(lexical.invoke("sleeping cat")) == ["cat"]
        assert ids_of(await lexical.ainvoke("running dog", k=1)) == ["dog"]
        assert lexical.invoke("quantum 量子") == []
        assert lexical.invoke("") == []

    async def test_both_legs_take_part(self, hybrid: HybridRetriever) -> None:
        """Ranks, scores and weights of each; documents as they were given."""
        for result in (hybrid.search("dogs in the park"), await hybrid.asearch("dogs in the park")):
            assert result[0].document == LIBRARY[2]
            assert result[0].legs["lexical"].rank == result[0].legs["dense"].rank == 1
            assert "lexical #1" in result[0].explanation
            assert sum(result.weights.values()) == pytest.approx(1)
            assert not [note for note in result.notes if "missing" in note]

    def test_a_cosine_is_a_cosine(self, make: Make, embeddings: Embeddings) -> None:
        """The dense leg's score, also of documents that it did not list itself."""
        retriever = self._filled(make(embeddings, config=SearchConfig(depth=1)))
        query = "dogs swim in the sea"
        vector = np.array(embeddings.embed_query(query))
        for hit in retriever.search(query, k=1):
            other = np.array(embeddings.embed_query(hit.text))
            cosine = vector @ other / np.linalg.norm(vector) / np.linalg.norm(other)
            assert hit.legs["dense"].score == pytest.approx(cosine, abs=1e-3)

    def test_every_leg_scores_the_others_hits(self, make: Make, embeddings: Embeddings) -> None:
        """A document that only one leg listed has a true score in the other."""
        config = SearchConfig(depth=1, fusion="corpus_z")
        retriever = make(embeddings, config=config)
        vectors = {"hit by words": "dogs", "hit by meaning": "cats cats cats"}
        retriever.add_documents([Document(id=n, page_content=t) for n, t in vectors.items()])
        found = retriever.search("dogs cats cats cats", k=1)
        assert all(leg.score is not None for leg in found[0].legs.values())

    @pytest.mark.parametrize("strategy", ["lexical", "dense"])
    def test_a_strategy_uses_one_leg(
        self, make: Make, embeddings: Embeddings, strategy: str
    ) -> None:
        """Only that one appears in the hits."""
        config = SearchConfig(strategy=strategy)  # type: ignore[arg-type]  # parametrised.
        found = self._filled(make(embeddings, config=config)).search("dogs run")
        assert found[0].id == "dog"
        assert set(found[0].legs) == {strategy}

    @pytest.mark.parametrize("fusion", ["corpus_z", "tmm", "min_max", "dbsf", "rrf"])
    def test_every_fusion_agrees_with_agreeing_legs(
        self, make: Make, embeddings: Embeddings, fusion: str
    ) -> None:
        """Where both legs agree there is nothing to argue."""
        retriever = self._filled(make(embeddings, config=SearchConfig(fusion=fusion)))
        assert retriever.search("dogs run")[0].id == "dog"
        assert retriever.search("违约责任")[0].id == "law"

    @pytest.mark.parametrize(("wanted", "expected"), FILTERS, ids=[str(f) for f, _ in FILTERS])
    async def test_filters_hold_in_every_leg(
        self, hybrid: HybridRetriever, wanted: dict[str, Any], expected: set[str]
    ) -> None:
        """No document outside the filter appears; none inside is missing."""
        query = "cats dogs 合同"
        assert set(ids_of(hybrid.invoke(query, filter=wanted))) == expected
        assert set(ids_of(await hybrid.ainvoke(query, filter=wanted))) == expected
        lexical = hybrid.model_copy(update={"config": SearchConfig(strategy="lexical")})
        assert set(ids_of(lexical.invoke(query, filter=wanted))) == expected

    @pytest.mark.parametrize(
        "wrong",
        [
            {"$magic": 1},
            {"lang": {"$near": 1}},
            ["lang"],
            {"lang": ["en"]},
            {"lang": {"$in": "en"}},
        ],
    )
    def test_malformed_filters_are_refused(self, hybrid: HybridRetriever, wrong: Any) -> None:
        """With an error of ours that shows the part."""
        with pytest.raises(ConfigurationError):
            hybrid.search("dogs", filter=wrong)

    def test_a_filter_is_no_way_in(self, hybrid: HybridRetriever) -> None:
        """Quotes, operators and wildcards in keys and values are text."""
        for hostile in (
            "'",
            '"',
            "\\",
            "%",
            "*",
            "x' OR '1'='1",
            "x; DROP TABLE docs; --",
            "\u0000",
        ):
            assert hybrid.invoke("dogs", filter={"lang": hostile}) == []
            assert hybrid.invoke("dogs", filter={"note": {"$contains": f"{hostile}!"}}) == []
            if self.orders_texts:
                bounds = {"$gt": hostile, "$lt": hostile}
                assert hybrid.invoke("dogs", filter={"note": bounds}) == []
        assert hybrid.invoke("dogs'; DROP TABLE docs; --")[0].id == "dog"
        assert len(hybrid.index) == 3

    def test_ids_are_respected(self, make: Make, embeddings: Embeddings) -> None:
        """The same text under two ids is two documents; any text is an id."""
        names = ["a/b c?d=é", "文档 1", "x" * 600, "A", "a"]
        retriever = make(embeddings)
        given = [Document(id=name, page_content="the same words") for name in names]
        assert retriever.add_documents(given) == names
        assert len(retriever.index) == len(names)
        assert set(ids_of(retriever.invoke("same words", k=9))) == set(names)
        assert ids_of(retriever.index.get(["a", "missing", "文档 1"])) == ["a", "文档 1"]

    def test_documents_without_ids_get_stable_ones(self, lexical: HybridRetriever) -> None:
        """Adding the same twice changes nothing."""
        document = Document(page_content="a new text about whales")
        first = lexical.add_documents([document])
        assert lexical.add_documents([document]) == first
        assert len(lexical.index) == 4

    def test_an_id_that_exists_is_replaced(self, hybrid: HybridRetriever) -> None:
        """Text, metadata and vector; nothing of the old remains in either leg."""
        hybrid.add_documents([Document(id="dog", page_content="狗在公园里跑", metadata={"n": 1})])
        assert len(hybrid.index) == 3
        found = hybrid.search("狗 公园", k=1)[0]
        assert (found.id, found.document.metadata) == ("dog", {"n": 1})
        assert found.legs["dense"].rank == found.legs["lexical"].rank == 1
        lexical = hybrid.model_copy(update={"config": SearchConfig(strategy="lexical")})
        assert lexical.invoke("run in the park") == []
        assert hybrid.invoke("dogs", filter={"lang": "en"}, k=5)[0].id == "cat"

    def test_metadata_comes_back_as_it_was(self, lexical: HybridRetriever) -> None:
        """Types, dates, nesting, quotes and Chinese."""
        metadata = {
            "n": 1, "f": 0.5, "t": True, "none": None, "list": [1, "二"], "map": {"a.b": {"c": 1}},
            "date": dt.date(2024, 5, 1), "time": dt.datetime(2024, 5, 1, 8, tzinfo=dt.UTC),
            "a.b": "dots", "": "no name", "引": "“号”", "long": "长" * 20_000,
        }  # fmt: skip
        lexical.add_documents([Document(id="m", page_content="metadata", metadata=metadata)])
        assert lexical.index.get(["m"])[0].metadata == metadata

    async def test_deleted_documents_are_gone(self, hybrid: HybridRetriever) -> None:
        """From both legs; unknown ids are ignored."""
        hybrid.delete(["dog", "never there"])
        assert "dog" not in ids_of(hybrid.invoke("dogs run in the park", k=9))
        await hybrid.adelete(["cat"])
        assert ids_of(await hybrid.ainvoke("cats 合同", k=9)) == ["law"]
        assert await hybrid.aadd_documents([LIBRARY[2]]) == ["dog"]
        assert hybrid.invoke("dogs")[0].id == "dog"

    def test_rare_words_count_more_than_common_ones(self, make: Make) -> None:
        """The inverse document frequency, which a plain term count has not."""
        retriever = make()
        common = [Document(id=f"c{n}", page_content=f"report report report {n}") for n in range(9)]
        rare = Document(id="rare", page_content="one report about 鲸鱼 and the open sea")
        retriever.add_documents([*common, rare])
        if self.has_bm25:
            assert retriever.invoke("report 鲸鱼", k=1)[0].id == "rare"

    def test_many_documents_in_one_call(self, make: Make, embeddings: Embeddings) -> None:
        """More than a batch; the last of several with one id wins."""
        retriever = make(embeddings)
        texts = [Document(id=f"n{n}", page_content=f"number {n} word{n}") for n in range(1_100)]
        retriever.add_documents([*texts, Document(id="n7", page_content="seven replaced")])
        assert len(retriever.index) == 1_100
        assert retriever.invoke("word1099", k=1)[0].id == "n1099"
        assert retriever.invoke("seven replaced", k=1)[0].id == "n7"

    def test_writers_and_readers_at_the_same_time(self, make: Make, embeddings: Embeddings) -> None:
        """Nothing is lost, doubled or half there, and nobody fails."""
        retriever = self._filled(make(embeddings))
        retriever.delete(["cat"])

        def write(writer: int) -> None:
            for number in range(10):
                document = Document(id=f"{writer}-{number}", page_content=f"shared {number}")
                shared = Document(id="shared", page_content=f"shared text of {writer}")
                retriever.add_documents([document, shared])
                retriever.delete([f"{writer}-{number - 1}"])

        def read() -> None:
            for _ in range(20):
                assert "cat" not in ids_of(retriever.invoke("cats shared", k=50))

        assert together(*(partial(write, number) for number in range(4)), read, read) == []
        expected = {"law", "dog", "shared", *(f"{n}-9" for n in range(4))}
        assert len(retriever.index) == len(expected)
        assert set(ids_of(retriever.index.get(sorted(expected)))) == expected
        assert set(ids_of(retriever.invoke("shared", k=50))) >= {f"{n}-9" for n in range(4)}

    async def test_without_its_embedding_model_it_still_finds_words(
        self, hybrid: HybridRetriever, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The dense leg is missing, and named; nothing else is."""

        def fail(_: str) -> list[float]:
            raise ConnectionError("model is down")

        monkeypatch.setattr(TermDirections, "embed_query", staticmethod(fail))
        for result in (hybrid.search("dogs run"), await hybrid.asearch("dogs run")):
            assert result[0].id == "dog"
            assert result.notes == ("the dense leg is missing: ConnectionError: model is down",)

    def test_diversity_has_vectors_to_compare(self, make: Make, embeddings: Embeddings) -> None:
        """A text that repeats a better one steps back."""
        retriever = make(embeddings, config=SearchConfig(diversity=1.0))
        texts = {"a": "whales swim", "b": "whales swim", "c": "whales and ships"}
        retriever.add_documents([Document(id=n, page_content=t) for n, t in texts.items()])
        assert "c" in ids_of(retriever.invoke("whales swim", k=2))

    def test_closing_twice_is_fine(self, lexical: HybridRetriever) -> None:
        """And waits for nobody."""
        lexical.close()
        lexical.close()
