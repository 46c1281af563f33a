"""Words that stand together count more, in both languages; the first score stays in charge."""

import pytest
from langchain_core.documents import Document

from langchain_switchyard.retrieval import ProximityRerank


def documents(*texts, scores=None):
    """With ids by place, and scores of the first search where given."""
    return [
        Document(
            id=str(place),
            page_content=text,
            metadata={} if scores is None else {"relevance_score": scores[place]},
        )
        for place, text in enumerate(texts)
    ]


def ids(found):
    """In order."""
    return [document.id for document in found]


@pytest.mark.parametrize(
    ("query", "apart", "together"),
    [
        (
            "sleeping cats",
            "Cats are animals that hunt at night and, like most others of their kind, sleep a lot",
            "Most others hunt at night, like animals of their kind; but sleeping cats do not a lot",
        ),
        (
            "违约责任",
            "违法的人应当守约，其职务和义务由责编任命并公布于众",
            "应当守法的人由责编任命，违约责任由其职务和义务公布",
        ),
        (
            "parse JSON",
            "parse the text that was read from disk and then print a JSON",
            "read disk text, then parse the JSON that was a print from",
        ),
    ],
)
async def test_neighbours_of_the_query_lift_a_document(query, apart, together):
    """Equal first scores: where the words stand decides."""
    given = documents(apart, together, scores=[1.0, 1.0])
    rerank = ProximityRerank()
    assert ids(rerank.compress_documents(given, query)) == ["1", "0"]
    assert ids(await rerank.acompress_documents(given, query)) == ["1", "0"]


def test_a_much_better_first_score_is_not_overruled():
    """A tenth of the score cannot outweigh the rest."""
    given = documents("cats that, all in all, may well sleep", "sleeping cats", scores=[9.0, 1.0])
    assert ids(ProximityRerank().compress_documents(given, "sleeping cats")) == ["0", "1"]


def test_without_scores_the_given_order_stands_for_them():
    """One document without a score, and none is believed."""
    given = documents("a dog", "a bird", "sleeping cats")
    given[0].metadata["relevance_score"] = 1.0
    ranked = ProximityRerank().compress_documents(given, "sleeping cats")
    assert ids(ranked)[0] == "0"
    assert all(0 <= each.metadata["relevance_score"] <= 1 for each in ranked)


@pytest.mark.parametrize("query", ["", "？！", "cats", "the of and", "zzz yyy"])
def test_a_query_without_neighbours_changes_nothing(query):
    """Nothing to be near to."""
    given = documents("one cats", "two", "three cats cats", scores=[3.0, 2.0, 1.0])
    assert ids(ProximityRerank().compress_documents(given, query)) == ["0", "1", "2"]


def test_weight_zero_changes_nothing_and_one_looks_at_places_only():
    """Both ends of the range."""
    given = documents("cats here, far away sleep", "sleeping cats", scores=[2.0, 1.0])
    assert ids(ProximityRerank(weight=0).compress_documents(given, "sleeping cats")) == ["0", "1"]
    assert ids(ProximityRerank(weight=1).compress_documents(given, "sleeping cats")) == ["1", "0"]


def test_a_heading_is_read_with_its_passage():
    """As the index searches it."""
    given = documents("on the sofa", "cats on the sofa do sleep there at times", scores=[1.0, 1.0])
    given[0].metadata["heading"] = "Sleeping cats"
    assert ids(ProximityRerank().compress_documents(given, "sleeping cats"))[0] == "0"


def test_nothing_and_one_are_fine():
    """No division by what is not there; a lone document is as good as the best."""
    assert ProximityRerank().compress_documents([], "sleeping cats") == []
    (alone,) = ProximityRerank().compress_documents(documents("x", scores=[5.0]), "sleeping cats")
    assert alone.metadata["relevance_score"] == pytest.approx(0.9)
