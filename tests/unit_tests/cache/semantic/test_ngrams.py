"""Vectors without an encoder."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic import NgramEmbeddings
from langchain_switchyard.errors import ConfigurationError


def cosine(left, right):
    """Return the cosine of two texts."""
    one, other = NgramEmbeddings().embed_documents([left, right])
    return sum(a * b for a, b in zip(one, other, strict=True))


@given(st.text())
def test_every_text_has_a_vector_of_length_one(text):
    """The empty one, too; the same on every machine and day."""
    vector = NgramEmbeddings().embed_query(text)
    assert math.isclose(sum(value * value for value in vector), 1.0, abs_tol=1e-9)
    assert vector == NgramEmbeddings().embed_query(text)


def test_texts_that_share_letters_are_nearer():
    """In English and Chinese."""
    assert cosine("how do i get a refund", "how do i get refunds") > 0.7
    assert cosine("怎么申请退款", "如何申请退款") > cosine("怎么申请退款", "营业时间是几点")
    assert abs(cosine("怎么申请退款", "where is the station")) < 0.3


def test_a_question_and_its_polite_form_are_one():
    """Politeness may be longer than the question."""
    assert cosine("怎么改密码", "麻烦您告诉我一下怎么改密码，谢谢") == pytest.approx(1)
    assert cosine("Reset password", "Hi, please kindly reset the password, thanks") == (
        pytest.approx(1)
    )
    assert cosine("reset password", "forgot password") < 0.9


async def test_both_ways_of_asking_give_the_same():
    """Without a thread."""
    ngrams = NgramEmbeddings(64)
    assert await ngrams.aembed_query("ab") == ngrams.embed_query("ab")
    assert await ngrams.aembed_documents(["ab"]) == ngrams.embed_documents(["ab"])


def test_too_few_dimensions_are_refused():
    """Everything would look alike."""
    with pytest.raises(ConfigurationError, match="16"):
        NgramEmbeddings(2)
