"""What the HTML page's script shows, as JSON inside of the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from drift.catalogue import CHECKS
from drift.reference import EXAMPLE
from reports.text import clip, readable_times, show_value, visible
from reports.wording import headline, since

if TYPE_CHECKING:
    from pydantic import JsonValue

    from drift.model import Check
    from reports.fold import RootCause
    from reports.model import FindingReport, Report

_MAX_NAME: Final = 2_000


def advice(check: str) -> Check | None:
    """Return what the catalogue says of a check; None for one of another version."""
    return CHECKS.get(check)


def page_data(report: Report, causes: tuple[RootCause, ...]) -> Markup:
    """Return what the script shows as JSON that cannot end its `<script>` element."""
    pictures = report.model_dump(mode="json", include={"reachability"})
    data = {
        "reach": _seen(pictures["reachability"]),
        "advice": {
            visible(check): [found.why, found.confirm, found.remedy]
            for check in sorted({item.check for item in report.findings})
            if (found := advice(check)) is not None
        },
        "example": EXAMPLE,
        "fresh": [visible(key) for key in report.previous.new] if report.previous else [],
        "causes": [
            {
                **_plain(cause.finding, report),
                "likewise": cause.likewise,
                "follows": [_plain(item, report) for item in cause.consequences],
            }
            for cause in causes
        ],
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - JSON without <, > and &


def _seen(value: JsonValue) -> JsonValue:
    """Return JSON with every text made visible."""
    match value:
        case str():
            return visible(value)
        case list():
            return [_seen(item) for item in value]
        case dict():
            return {key: _seen(item) for key, item in value.items()}
        case _:
            return value


def _plain(item: FindingReport, report: Report) -> dict[str, object]:
    """Return what the page's script needs of a finding, every text made visible."""
    return {
        "id": visible(item.id),
        "check": visible(item.check),
        "title": visible(item.title or ""),
        "severity": item.severity.value,
        "host": visible(item.host),
        "object": visible(clip(item.object, _MAX_NAME)),
        "headline": headline(item),
        "kind": item.kind,
        "vni": item.vni,
        "since": readable_times(since(item, report)),
        "expected": show_value(item.expected),
        "actual": show_value(item.actual),
        "evidence": [[visible(line.command), visible(line.text)] for line in item.evidence],
    }
