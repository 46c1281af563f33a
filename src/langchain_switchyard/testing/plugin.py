"""The pytest plugin: `fake_clock`, `scripted_model` and `faulty_provider` as fixtures.

Installed with the package. Nothing is imported until a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from langchain_switchyard.testing.clock import FakeClock
    from langchain_switchyard.testing.faulty import FaultyProvider
    from langchain_switchyard.testing.scripted import ScriptedChatModel


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock at zero that only moves when told."""
    from langchain_switchyard.testing.clock import FakeClock  # noqa: PLC0415 - only when asked for

    return FakeClock()


@pytest.fixture
def scripted_model(fake_clock: FakeClock) -> Callable[..., ScriptedChatModel]:
    """Make scripted models, one line per argument, on the test's `fake_clock`.

    ```python
    def test_it(scripted_model):
        model = scripted_model("hello", ConnectionError("down"), then="fail")
    ```
    """
    from langchain_switchyard.testing.scripted import (  # noqa: PLC0415 - only when asked for
        ScriptedChatModel,
    )

    def make(*lines: Any, **options: Any) -> ScriptedChatModel:
        return ScriptedChatModel(script=list(lines), **{"clock": fake_clock, **options})

    return make


@pytest.fixture
def faulty_provider() -> Iterator[Callable[..., FaultyProvider]]:
    """Start faulty providers, as many as needed; all are stopped when the test ends.

    ```python
    def test_it(faulty_provider):
        first = faulty_provider(default=Overloaded())
        second = faulty_provider(answer="saved")
    ```
    """
    from langchain_switchyard.testing.faulty import (  # noqa: PLC0415 - only when asked for
        FaultyProvider,
    )

    started: list[FaultyProvider] = []

    def make(**options: Any) -> FaultyProvider:
        provider = FaultyProvider(**options).start()
        started.append(provider)
        return provider

    yield make
    for provider in started:
        provider.stop()
