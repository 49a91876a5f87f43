"""Order and conditions of the whole suite: fast tests first, the lab last and once."""

from __future__ import annotations

import os

import pytest

from lab.fabric import supported


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first; then what boots machines; last of all what takes them down again."""

    def rank(item: pytest.Item) -> int:
        if item.get_closest_marker("lab"):
            return 3 if "tests/lab/" in item.path.as_posix() else 2
        return 1 if item.get_closest_marker("browser") or item.get_closest_marker("slow") else 0

    items.sort(key=rank)
    for item in items:
        if item.get_closest_marker("lab"):
            # Real machines on two busy cores: what fails is tried once more, and said so.
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True)
def _needs_lab(request: pytest.FixtureRequest) -> None:
    """A lab test runs on a machine that can hold the lab; in CI it must be such a machine."""
    if not request.node.get_closest_marker("lab"):
        return
    reason = supported()
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI must run the lab: {reason}")
    pytest.skip(reason)
