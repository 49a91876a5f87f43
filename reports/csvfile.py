"""The findings as CSV, for a spreadsheet: one line each, consequences too, no cell a formula."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Final

from reports.text import clip, show_value, visible
from reports.wording import acceptance

if TYPE_CHECKING:
    from reports.model import FindingReport, Report

COLUMNS: Final = (
    "id",
    "severity",
    "host",
    "check",
    "object",
    "attribute",
    "kind",
    "expected",
    "actual",
    "message",
    "caused_by",
    "evidence",
    "suppressed",
)
MAX_CELL: Final = 32_000
"""Spreadsheets cut a cell at 32,767 characters."""

# What makes a spreadsheet take a cell for a formula, also in its full-width form.
_FORMULA: Final = tuple("=+-@|%\t\r\n\uff1d\uff0b\uff0d\uff20")


def csv_text(report: Report) -> str:
    """Return RFC 4180 text with a header line, every cell quoted, in the report's order.

    Suppressed findings come last; their last cell says why they do not count.
    """
    out = StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    rows = [(item, "") for item in report.findings]
    rows += [(item.finding, acceptance(item)) for item in report.suppressed]
    writer.writerows([cell(text) for text in (*_texts(item), why)] for item, why in rows)
    return out.getvalue()


def cell(text: str) -> str:
    """Return a text that a spreadsheet shows and never computes: a quote before what could be."""
    plain = clip(visible(text), MAX_CELL)
    return f"'{plain}" if plain.lstrip(" \u00a0'\"").startswith(_FORMULA) else plain


def _texts(item: FindingReport) -> tuple[str, ...]:
    evidence = "\n".join(f"{line.command}: {line.text}" for line in item.evidence)
    return (
        item.id,
        item.severity.value,
        item.host,
        item.check,
        item.object,
        item.attribute,
        item.kind,
        show_value(item.expected),
        show_value(item.actual),
        item.message,
        item.caused_by or "",
        evidence,
    )
