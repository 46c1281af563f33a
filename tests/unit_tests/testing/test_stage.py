"""The place in the script, shared by threads."""

import functools
import sys
import threading

import pytest

from langchain_switchyard.testing import RecordedCall, Say, ScriptExhausted
from langchain_switchyard.testing.stage import Stage

CALL = RecordedCall([], {}, False)


def test_each_call_gets_its_own_number_however_often_threads_are_switched(request):
    """Numbering and recording are one step."""
    request.addfinalizer(functools.partial(sys.setswitchinterval, sys.getswitchinterval()))
    sys.setswitchinterval(1e-6)
    stage = Stage("x", repeat=True)
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda: numbers.extend(stage.enter(CALL)[0] for _ in range(4000)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(32_000))
    assert len(stage.calls) == 32_000


def test_a_line_is_read_once_and_a_function_at_every_call():
    """Plain lines are steps already; functions see each call."""
    stage = Stage(["a", lambda messages, kwargs: str(kwargs["n"])], repeat=True)
    assert stage.enter(CALL) == (0, (Say("a"),))
    assert stage.enter(CALL._replace(kwargs={"n": 1}))[1] == (Say("1"),)
    assert stage.enter(CALL._replace(kwargs={"n": 2}))[1] == (Say("2"),)


def test_a_call_beyond_the_script_is_recorded_before_it_fails():
    """The record shows the call too many."""
    stage = Stage(["a"], repeat=False)
    stage.enter(CALL)
    with pytest.raises(ScriptExhausted, match="call 2, but the script has 1 lines"):
        stage.enter(CALL)
    assert len(stage.calls) == 2
