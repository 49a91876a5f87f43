"""report.html: one self-contained page that opens from disk and asks the network for nothing."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.fold import RootCause, fold
from reports.html.data import advice, page_data
from reports.html.reachability import reachability_text
from reports.html.topology import STATUS_MARKS, draw_topology
from reports.html.trend import standing, trend_of
from reports.text import (
    natural_key,
    one_line,
    readable_times,
    short_name,
    show_value,
    visible,
)
from reports.wording import (
    MAX_LISTED,
    acceptance,
    explains,
    headline,
    not_audited,
    note_text,
    severities,
    since,
    skipped_groups,
    spread,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.model import HostReport, HostStatus, Report

FOLDER: Final = Path(__file__).with_name("assets")

_STYLES: Final = ("theme.css", "report.css", "fabric.css", "media.css")
_SCRIPTS: Final = ("base.js", "causes.js", "matrix.js", "nodes.js", "page.js")

_FIRST_STEPS: Final = 3
_FULL_CARDS: Final = 200
"""Root causes shown whole to a reader without JavaScript; the others are one line each."""

_ALL_LISTED: Final = 2_000
"""Of so many nodes each is a row; of more those in sync are a number: 100,000 rows take a browser
half a minute, and nobody reads them."""

_NAMED_HOSTS: Final = 40
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
            drawing=draw_topology(report, causes),
            marks=STATUS_MARKS,
            reach=reachability_text(report),
            trend=trend_of(report),
            standing=standing(report, causes),
            spread=spread(causes, report),
            missing_nodes=not_audited(report),
            nodes=_node_rows(report, causes),
            counted=sum(_is_number(report, host) for host in report.hosts.values()),
            skipped=skipped_groups(report),
            accepted=report.suppressed[:MAX_LISTED],
            data=page_data(report, causes),
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
        "acceptance": acceptance,
        "headline": headline,
        "note_text": note_text,
        "line": one_line,
        "name": short_name,
        "names": _names,
        "readable": readable_times,
        "show": show_value,
        "visible": visible,
    }
    environment.globals |= {
        "explains": explains,
        "severities": severities,
        "since": since,
        "advice": advice,
    }
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


def _node_rows(report: Report, causes: tuple[RootCause, ...]) -> list[NodeRow]:
    roots = Counter(cause.finding.host for cause in causes)
    folded = Counter(item.host for cause in causes for item in cause.consequences)
    rows = [
        _node_row(name, host, roots[name], folded[name])
        for name, host in report.hosts.items()
        if not _is_number(report, host)
    ]
    return sorted(
        rows,
        key=lambda row: (
            _STATUS_ORDER.index(row.status),
            not row.causes,
            natural_key(row.name),
        ),
    )


def _is_number(report: Report, host: HostReport) -> bool:
    """Whether a node is only counted on the page."""
    return len(report.hosts) > _ALL_LISTED and host.status == "in-sync"


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


def _names(hosts: Sequence[str]) -> str:
    more = len(hosts) - _NAMED_HOSTS
    return ", ".join(hosts[:_NAMED_HOSTS]) + (f" and {more:,} more" if more > 0 else "")
