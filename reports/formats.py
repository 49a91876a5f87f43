"""The one list of the forms that a report can take, by the name that `--format` knows."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from overlay.errors import FleetError
from reports.csvfile import csv_text
from reports.html.page import html_text
from reports.jsonfile import report_text
from reports.junit import junit_text
from reports.markdown import markdown_text
from reports.metrics import prometheus_text
from reports.terminal import text_form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reports.model import Report

FORMATS: Final[Mapping[str, Callable[[Report], str]]] = MappingProxyType(
    {
        "html": html_text,
        "markdown": markdown_text,
        "junit": junit_text,
        "csv": csv_text,
        "json": report_text,
        "prometheus": prometheus_text,
        "text": text_form,
    }
)


def render_report(report: Report, name: str) -> str:
    """Return the report in a named form; FleetError for a name that is not in FORMATS."""
    try:
        form = FORMATS[name]
    except KeyError:
        raise FleetError(
            f"unknown report format {name!r}",
            f"choose one of {', '.join(FORMATS)}",
        ) from None
    return form(report)
