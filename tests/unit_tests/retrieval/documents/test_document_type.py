"""What kind of document a text is, told by its form."""

import pytest

from langchain_switchyard.retrieval.documents.document_type import DocumentType, detect_type
from tests.unit_tests.retrieval.documents.typed_texts import TEXTS


@pytest.mark.parametrize(("kind", "name", "text"), TEXTS, ids=[name for _, name, _ in TEXTS])
def test_every_kind_is_told(kind, name, text):
    """In English and Chinese, with evidence."""
    found = detect_type(text)
    assert found.type == kind, (name, found)
    assert found.type is DocumentType(kind)
    assert 0.5 <= found.confidence <= 1
    assert found.why
    assert all(found.why)
