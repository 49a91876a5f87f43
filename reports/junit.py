"""A report as JUnit XML, for a CI system: one suite per host, one test case per finding.

A root cause is a failure, an incomplete host an error. A consequence is skipped with its cause's
name, as its root cause fails already; a check that could not be made and a suppressed finding are
skipped with their reason, and so is a note, in a suite of its own.
A host in sync has one case, which passes.

Written with the standard library: of junitparser (5.0 was looked at) only its counts would be used.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from reports.fold import fold
from reports.text import natural_key, one_line, show_value, visible
from reports.wording import MAX_NOTE, acceptance, note_text

if TYPE_CHECKING:
    from reports.model import FindingReport, Report

NOTES: Final = "(notes)"
"""The suite of the notes; no host is named like that."""

# What XML 1.0 does not allow and `visible` leaves: the two non-characters.
_NOT_XML = re.compile("[\ufffe\uffff]")


def junit_text(report: Report) -> str:
    """Return the report as one `testsuites` document; equal reports give equal bytes."""
    cases: dict[str, list[ET.Element]] = {name: [] for name in report.hosts}
    for cause in fold(report.findings):
        root = cause.finding
        cases.setdefault(root.host, []).append(_failure(root))
        for item in cause.consequences:
            why = f"follows from {root.id}: {root.host} {root.message}"
            cases.setdefault(item.host, []).append(_skip(item.host, _name(item), why))
    for accepted in report.suppressed:
        item = accepted.finding
        why = f"suppressed, {acceptance(accepted)}"
        cases.setdefault(item.host, []).append(_skip(item.host, _name(item), why))
    for skip in report.skipped:
        cases.setdefault(skip.host, []).append(_skip(skip.host, skip.check, skip.reason))
    for note in report.notes:
        name = f"{note.severity.value} note"
        cases.setdefault(NOTES, []).append(_skip(NOTES, name, note_text(note)))
    suites = ET.Element("testsuites", name="evpn-fleet")
    for host in sorted(cases, key=natural_key):
        suites.append(_suite(report, host, cases[host]))
    for total in ("tests", "failures", "errors", "skipped"):
        suites.set(total, str(sum(int(suite.get(total, "0")) for suite in suites)))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n"),
    )


def _suite(report: Report, host: str, cases: list[ET.Element]) -> ET.Element:
    state = report.hosts.get(host)
    status = _case(host, "collected and in sync")
    if state is not None and state.status == "incomplete":
        said = state.error or "not collected completely"
        error = ET.SubElement(status, "error", type="incomplete", message=_xml(one_line(said)))
        error.text = _xml(said)
        cases = [status, *cases]
    elif state is not None and state.status == "in-sync":
        cases = [status, *cases]
    suite = ET.Element("testsuite", name=_xml(host), timestamp=report.run.started.rstrip("Z"))
    suite.set("tests", str(len(cases)))
    for total, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(total, str(sum(case.find(tag) is not None for case in cases)))
    suite.extend(cases)
    return suite


def _case(host: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=_xml(host), name=_xml(one_line(name)))


def _failure(item: FindingReport) -> ET.Element:
    case = _case(item.host, _name(item))
    message = _xml(one_line(item.message))
    failure = ET.SubElement(case, "failure", type=item.severity.value, message=message)
    lines = [
        f"id: {item.id}",
        f"check: {item.check}",
        f"expected: {show_value(item.expected)}",
        f"actual: {show_value(item.actual)}",
        *(f"{line.command}:\n{line.text}" for line in item.evidence),
    ]
    failure.text = _xml("\n".join(lines))
    return case


def _skip(host: str, name: str, why: str) -> ET.Element:
    case = _case(host, name)
    ET.SubElement(case, "skipped", message=_xml(one_line(why, MAX_NOTE)))
    return case


def _name(item: FindingReport) -> str:
    return " ".join(part for part in (item.check, item.object, item.attribute) if part)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", visible(text))
