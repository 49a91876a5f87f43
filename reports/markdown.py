"""A report as GitHub-flavoured Markdown, to paste into a ticket.

Whatever comes from a node stands in a code span or a fenced block longer than any run of backticks
in it: there neither HTML nor Markdown nor a mention has a meaning.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reports.fold import RootCause, fold
from reports.text import clip, counted, natural_key, one_line, show_value, visible
from reports.wording import (
    MAX_LISTED,
    MAX_NOTE,
    acceptance,
    changes,
    headline,
    not_audited,
    note_text,
    since,
    skipped_groups,
    subject,
    verdict,
)

if TYPE_CHECKING:
    from reports.model import FindingReport, Report

MAX_CAUSES: Final = 50
MAX_CONSEQUENCES: Final = 20
MAX_NODES: Final = 50
MAX_EVIDENCE: Final = 2_000

_TICKS = re.compile("`+")


def markdown_text(report: Report) -> str:
    """Return the report as Markdown; what does not fit in a ticket is counted, not dropped."""
    said = verdict(report)
    run = report.run
    source = "from a snapshot" if run.source == "snapshot" else "live"
    parts = [
        f"# EVPN audit: {said.headline}",
        " ".join((*said.detail, *filter(None, [changes(report)]))),
        f"Run {code(run.id)}, finished {run.finished}, {source}, {code(run.tool_version)}.",
        *_incomplete(report),
        *_gone(report),
    ]
    causes = fold(report.findings)
    if causes:
        parts.append("## Root causes")
    for number, cause in enumerate(causes[:MAX_CAUSES], start=1):
        parts += _cause(number, cause, since(cause.finding, report))
    if len(causes) > MAX_CAUSES:
        parts.append(f"… and {counted(len(causes) - MAX_CAUSES, 'more root cause')}.")
    parts += _accepted(report)
    parts += _skipped(report)
    return "\n\n".join(parts) + "\n"


def code(text: str, limit: int = 300) -> str:
    """Return a text as one code span, whatever is in it."""
    plain = one_line(text, limit)
    if not plain:
        return "(empty)"
    ticks = "`" * (_longest_run(plain) + 1)
    # Blanks keep a backtick at either end apart from the span's own; Markdown takes them off.
    pad = " " if plain[0] == "`" or plain[-1] == "`" else ""
    return f"{ticks}{pad}{plain}{pad}{ticks}"


def fence(text: str, limit: int = MAX_EVIDENCE) -> str:
    """Return a text as a fenced block, whatever is in it."""
    plain = clip(visible(text), limit)
    ticks = "`" * max(3, _longest_run(plain) + 1)
    return f"{ticks}text\n{plain}\n{ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)


def _incomplete(report: Report) -> list[str]:
    nodes = sorted(not_audited(report), key=lambda node: natural_key(node[0]))
    if not nodes:
        return []
    lines = [f"- {code(name)}: {code(reason)}" for name, reason in nodes[:MAX_NODES]]
    if len(nodes) > MAX_NODES:
        lines.append(f"- … and {counted(len(nodes) - MAX_NODES, 'more node')}")
    return ["## Incomplete nodes", "\n".join(lines)]


def _gone(report: Report) -> list[str]:
    items = report.previous.gone if report.previous else ()
    if not items:
        return []
    lines = [f"- {code(it.host)} {code(it.check)}: {code(it.message)}" for it in items[:MAX_NODES]]
    if len(items) > MAX_NODES:
        lines.append(f"- … and {len(items) - MAX_NODES:,} more")
    return ["## Resolved since the previous audit", "\n".join(lines)]


def _cause(number: int, cause: RootCause, known: str) -> list[str]:
    item = cause.finding
    known = f", {known}" if known else ""
    parts = [
        f"### {number}. {item.severity.value}: {code(headline(item))} on {code(item.host)}",
        f"Check {code(item.check)}, {item.kind}, finding {code(item.id)}{known}.",
        "\n".join(f"- {name}: {code(text)}" for name, text in _values(item)),
    ]
    if cause.likewise:
        parts.append(code(cause.likewise, MAX_NOTE))
    for line in item.evidence:
        parts += [f"Evidence, {code(line.command)}:", fence(line.text)]
    if cause.consequences:
        parts += [f"{counted(len(cause.consequences), 'consequence')}:", _follows(cause)]
    return parts


def _values(item: FindingReport) -> list[tuple[str, str]]:
    return [
        ("Expected", ", ".join(show_value(item.expected).split("\n"))),
        ("Actual", ", ".join(show_value(item.actual).split("\n"))),
    ]


def _follows(cause: RootCause) -> str:
    lines = [
        f"- {code(item.host)} {code(item.check)}: {code(headline(item))}"
        for item in cause.consequences[:MAX_CONSEQUENCES]
    ]
    left = len(cause.consequences) - MAX_CONSEQUENCES
    return "\n".join([*lines, f"- … and {left:,} more"] if left > 0 else lines)


def _accepted(report: Report) -> list[str]:
    lines = [f"- {code(subject(it))} {code(acceptance(it))}" for it in report.suppressed]
    if len(lines) > MAX_LISTED:
        lines[MAX_LISTED:] = [f"- … and {len(lines) - MAX_LISTED:,} more"]
    notes = [f"- {note.severity.value}: {code(note_text(note), MAX_NOTE)}" for note in report.notes]
    return [
        part
        for title, listed in (("## Suppressed findings", lines), ("## Notes", notes))
        if listed
        for part in (title, "\n".join(listed))
    ]


def _skipped(report: Report) -> list[str]:
    lines = [
        f"- {', '.join(map(code, group.checks))} on {counted(group.hosts, 'node')}: "
        f"{code(group.reason)}"
        for group in skipped_groups(report)
    ]
    if not lines:
        return []
    return ["## Skipped checks", "\n".join(lines)]
