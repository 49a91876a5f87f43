"""The browser of the report's tests: one process for all of them, each page in a context of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from chromium import CHROMIUM, Chromium

from reports.html.page import html_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chromium import Page

    from reports.model import Report


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A browser; the test is skipped on a computer without one, but not in CI."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("CI must run the browser's tests: install Debian's chromium")
        pytest.skip("no Chromium on this computer")
    with Chromium() as browser:
        yield browser


@pytest.fixture
def show(chromium, tmp_path) -> Iterator[Callable[..., Page]]:
    """Open the page of a report, or a page; closed when the test ends."""
    pages: list[Page] = []

    def open_report(report: Report | str, fragment: str = "", **how: object) -> Page:
        file = tmp_path / f"report{len(pages)}.html"
        html = report if isinstance(report, str) else html_text(report)
        file.write_text(html, encoding="utf-8")
        pages.append(chromium.open(file, fragment, **how))
        return pages[-1]

    yield open_report
    for page in pages:
        page.close()
