"""A provider per test, and the clients people really use."""

import pytest

from langchain_switchyard.testing import FaultyProvider


@pytest.fixture
def provider():
    """A healthy provider; nothing of it is left when the test ends."""
    with FaultyProvider() as running:
        yield running
