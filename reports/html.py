"""report.html: one self-contained page that opens from disk and asks the network for nothing."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.accepted import MAX_LISTED, acceptance, subject
from reports.fold import RootCause, fold
from reports.reach import reach_text
from reports.since import since
from reports.sketch import sketch
from reports.text import clip, natural_key, one_line, short_name, show_value, visible
from reports.trend import standing, trend_of
from reports.verdict import explains, headline, not_audited, severities, verdict

if TYPE_CHECKING:
    from pydantic import JsonValue

    from reports.model import FindingReport, HostReport, HostStatus, Report

FOLDER: Final = Path(__file__).with_name("html")

_STYLES: Final = ("theme.css", "report.css", "fabric.css", "media.css")
_SCRIPTS: Final = ("base.js", "causes.js", "matrix.js", "nodes.js", "page.js")

_FIRST_STEPS: Final = 3
_FULL_CARDS: Final = 200
"""Root causes shown whole to a reader without JavaScript; the others are one line each."""

_NAMED_HOSTS: Final = 40
_MAX_NAME: Final = 2_000
_STATUS_ORDER: Final[tuple[HostStatus, ...]] = ("incomplete", "drift", "in-sync")


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One line of the table of nodes."""

    name: str
    status: HostStatus
    error: str | None
    causes: int
    consequences: int
    ok: int
    commands: str
    problems: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class SkippedGroup:
    """One check that was skipped for one reason, and the hosts that this concerns."""

    check: str
    reason: str
    hosts: int
    names: str


def html_text(report: Report) -> str:
    """Return the page; equal reports give equal bytes. Whatever nodes sent is shown, never run."""
    causes = fold(report.findings)
    style, script = _assets(_STYLES), _assets(_SCRIPTS)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            verdict=verdict(report),
            causes=causes,
            full_cards=_FULL_CARDS,
            first_steps=_FIRST_STEPS,
            sketch=sketch(report),
            reach=reach_text(report),
            trend=trend_of(report),
            standing=standing(report, causes),
            missing_nodes=not_audited(report),
            nodes=_node_rows(report, causes),
            skipped=_skipped_groups(report),
            accepted=[(subject(it), acceptance(it)) for it in report.suppressed[:MAX_LISTED]],
            data=_island(report, causes),
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            style_hash=_csp_hash(style),
            script_hash=_csp_hash(script),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "headline": headline,
        "line": one_line,
        "name": short_name,
        "show": show_value,
        "visible": visible,
    }
    environment.globals |= {"explains": explains, "severities": severities, "since": since}
    return environment


def _finalize(value: object) -> object:
    """Make every text that the template prints visible, so that no expression can forget to."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _assets(names: tuple[str, ...]) -> str:
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names)


def _csp_hash(text: str) -> str:
    """Return the content-security-policy source of an inline element: that text runs, no other."""
    return "sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode()


def _island(report: Report, causes: tuple[RootCause, ...]) -> Markup:
    """Return what the script shows as JSON that cannot end its `<script>` element."""
    reach = report.reachability
    data = {
        "reach": reach and _seen(reach.model_dump(mode="json")),
        "fresh": [visible(key) for key in report.previous.new] if report.previous else [],
        "causes": [
            {
                **_plain(cause.finding, report),
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
        "since": since(item, report),
        "expected": show_value(item.expected),
        "actual": show_value(item.actual),
        "evidence": [[visible(line.command), visible(line.text)] for line in item.evidence],
    }


def _node_rows(report: Report, causes: tuple[RootCause, ...]) -> list[NodeRow]:
    roots = Counter(cause.finding.host for cause in causes)
    folded = Counter(item.host for cause in causes for item in cause.consequences)
    rows = [_node_row(name, host, roots[name], folded[name]) for name, host in report.hosts.items()]
    return sorted(
        rows,
        key=lambda row: (
            _STATUS_ORDER.index(row.status),
            not row.causes,
            natural_key(row.name),
        ),
    )


def _node_row(name: str, host: HostReport, causes: int, consequences: int) -> NodeRow:
    good = {slug: item for slug, item in host.commands.items() if item.status == "ok"}
    return NodeRow(
        name=name,
        status=host.status,
        error=host.error,
        causes=causes,
        consequences=consequences,
        ok=len(good),
        commands=", ".join(f"{slug} {item.entries:,}" for slug, item in good.items()),
        problems=tuple(
            (slug, item.status, item.error or "")
            for slug, item in host.commands.items()
            # The error of an incomplete host has its core commands in it already.
            if item.status != "ok" and f"{slug} {item.status}" not in (host.error or "")
        ),
    )


def _skipped_groups(report: Report) -> list[SkippedGroup]:
    groups: dict[tuple[str, str], list[str]] = {}
    for item in report.skipped:
        groups.setdefault((item.check, item.reason), []).append(item.host)
    return [
        SkippedGroup(check, reason, len(hosts), _names(hosts))
        for (check, reason), hosts in groups.items()
    ]


def _names(hosts: list[str]) -> str:
    more = len(hosts) - _NAMED_HOSTS
    return ", ".join(hosts[:_NAMED_HOSTS]) + (f" and {more:,} more" if more > 0 else "")
