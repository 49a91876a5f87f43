"""What needs attention but is not drift: in every form that people read, and in report.json."""

from __future__ import annotations

from dataclasses import replace

import fabrics
import pytest

from reports.build import EXIT_IN_SYNC, exit_code
from reports.formats import render_report
from tests.drift import worlds
from tests.simulated.fleet import healthy_states

WORDS = tuple(f"frobnicate-{number} {'x' * 80}" for number in range(5))


@pytest.fixture(scope="module")
def report():
    """The report of a healthy fabric in which one node prints words that no parser knows."""
    intent = worlds.symmetric()
    states = healthy_states(intent)
    links = replace(states["node1"].commands["ip_link"], unknown=WORDS)
    commands = {**states["node1"].commands, "ip_link": links}
    states["node1"] = replace(states["node1"], commands=commands)
    return fabrics.report_of(intent, states)


@pytest.mark.parametrize("form", ["json", "html", "markdown", "text", "junit"])
def test_words_that_no_parser_knows_are_shown_to_the_last(report, form):
    shown = "".join(render_report(report, form).split())
    for word in WORDS:
        assert "".join(word.split()) in shown, word


def test_they_are_not_drift(report):
    assert exit_code(report) == EXIT_IN_SYNC
    assert not report.findings


def test_the_page_does_not_call_them_suppressed(report):
    page = render_report(report, "html")
    assert 'id="notes"' in page
    assert 'id="suppressed"' not in page
