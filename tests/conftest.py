"""What all tests share: under CI a missing part is a failure, not a skip."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

IS_CI = "CI" in os.environ


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole file that skips itself under CI was forgotten in the dependencies."""
    report = yield
    if IS_CI and report.skipped:
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that needs a server fails under CI when it is not there."""
    report = yield
    if IS_CI and report.skipped and item.get_closest_marker("server"):
        report.outcome = "failed"
    return report
