"""The summary on a terminal: the verdict, the nodes that need work, and the root causes.

Node text never reaches the terminal raw: it is made visible first, and printed as rich `Text`,
in which neither an escape sequence nor rich markup has a meaning.
"""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from drift.model import Severity
from reports.fold import RootCause, fold
from reports.text import clip, counted, natural_key, one_line, short_name, show_value, visible
from reports.wording import (
    MAX_LISTED,
    State,
    acceptance,
    changes,
    headline,
    note_text,
    since,
    skipped_groups,
    subject,
    verdict,
)

if TYPE_CHECKING:
    from reports.model import FindingReport, Report

MAX_NODES: Final = 20
MAX_CAUSES: Final = 50
MAX_LINES: Final = 12

# Nobody reads further on a terminal; report.json and report.html hold everything.
VERBOSE_NODES: Final = 500
VERBOSE_CAUSES: Final = 500
VERBOSE_CONSEQUENCES: Final = 50

_STYLES: Final[dict[State, str]] = {
    "in-sync": "bold green",
    "drift": "bold red",
    "incomplete": "bold yellow",
    "empty": "bold",
}
_SEVERITY_STYLES: Final = {
    Severity.CRITICAL: "red",
    Severity.WARNING: "yellow",
    Severity.INFO: "blue",
}
_STATUS_STYLES: Final = {"incomplete": "yellow", "drift": "red", "in-sync": "green"}


def print_summary(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Print a report to `console`; `verbose` adds evidence, consequences and skipped checks.

    Nodes and root causes are printed up to a limit (MAX_…, VERBOSE_…), and how many more there are;
    an evidence is printed up to MAX_LINES lines.
    """
    said = verdict(report)
    _line(console, Text(said.headline, style=_STYLES[said.state]))
    for sentence in said.detail:
        _line(console, Text(sentence))
    if changed := changes(report):
        _line(console, Text(changed))
    _print_nodes(report, console, VERBOSE_NODES if verbose else MAX_NODES)
    causes = fold(report.findings)
    shown = causes[: VERBOSE_CAUSES if verbose else MAX_CAUSES]
    if causes:
        console.print()
    for cause in shown:
        _print_cause(cause, console, verbose=verbose, known=since(cause.finding, report))
    if len(shown) < len(causes):
        more = counted(len(causes) - len(shown), "more root cause")
        _line(console, Text(f"… and {more}; all of them are in the report", style="dim"))
    _print_accepted(report, console, verbose=verbose)
    if verbose:
        _print_skipped(report, console)


def text_form(report: Report, width: int = 100) -> str:
    """Return the verbose summary as plain text, without any escape sequence."""
    console = Console(
        file=StringIO(),
        width=width,
        color_system=None,
        force_terminal=False,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as capture:
        print_summary(report, console, verbose=True)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _line(console: Console, text: Text, indent: int = 0) -> None:
    """Print a text, its continuation lines indented like the first."""
    text.overflow = "fold"
    console.print(Padding(text, (0, 0, 0, indent), expand=False) if indent else text)


def _print_nodes(report: Report, console: Console, limit: int) -> None:
    hosts = [(name, host) for name, host in report.hosts.items() if host.status != "in-sync"]
    if not hosts:
        return
    order = {"incomplete": 0, "drift": 1}
    hosts.sort(key=lambda pair: (order[pair[1].status], natural_key(pair[0])))
    findings: dict[str, int] = {}
    for item in report.findings:
        findings[item.host] = findings.get(item.host, 0) + 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("node", overflow="fold")
    table.add_column("status", no_wrap=True)
    table.add_column("findings", justify="right", no_wrap=True)
    reasons = any(host.error for _, host in hosts[:limit])
    if reasons:
        table.add_column("why", overflow="fold")
    for name, host in hosts[:limit]:
        table.add_row(
            Text(clip(short_name(name), 40)),
            Text(host.status, style=_STATUS_STYLES[host.status]),
            Text(str(findings.get(name, 0) or "0")),
            *([Text(one_line(host.error or "", 160))] if reasons else []),
        )
    console.print(table)
    left = len(hosts) - len(hosts[:limit])
    also = [f"… {counted(left, 'more node')} with drift or incomplete"] if left else []
    also += [f"{counted(report.summary.hosts.in_sync, 'node')} in sync"]
    _line(console, Text("; ".join(also), style="dim"))


def _print_cause(cause: RootCause, console: Console, *, verbose: bool, known: str) -> None:
    item = cause.finding
    text = _head(item)
    if cause.consequences:
        text.append(f" (+{counted(len(cause.consequences), 'consequence')})", style="dim")
    if known:
        text.append(f" {known}", style="dim")
    _line(console, text)
    _line(console, Text(_grammar(item)), 2)
    if cause.likewise:
        _line(console, Text(cause.likewise), 2)
    if not verbose:
        return
    for line in item.evidence:
        _line(console, Text(f"{one_line(line.command, 60)}:", style="dim"), 4)
        _print_lines(visible(line.text), console)
    for follows in cause.consequences[:VERBOSE_CONSEQUENCES]:
        _line(console, _head(follows, arrow="→ "), 4)
        _line(console, Text(_grammar(follows)), 6)
    left = len(cause.consequences) - VERBOSE_CONSEQUENCES
    if left > 0:
        _line(console, Text(f"… and {counted(left, 'more consequence')}", style="dim"), 4)


def _head(item: FindingReport, arrow: str = "") -> Text:
    text = Text(arrow)
    text.append(item.severity.value, style=_SEVERITY_STYLES[item.severity])
    text.append(f" {short_name(item.host)}", style="bold")
    text.append(f" {one_line(item.check, 80)}", style="dim")
    return text


def _grammar(item: FindingReport) -> str:
    """Return `object: attribute - Expected: x Actual: y`, as the finding itself says it."""
    message = one_line(item.message, 600)
    if "Expected: " in message:
        return message
    expected, actual = (one_line(show_value(it), 200) for it in (item.expected, item.actual))
    return f"{headline(item)} - Expected: {expected} Actual: {actual}"


def _print_lines(text: str, console: Console) -> None:
    lines = text.split("\n")
    for line in lines[:MAX_LINES]:
        _line(console, Text(clip(line.expandtabs(), 1_000)), 6)
    if len(lines) > MAX_LINES:
        more = counted(len(lines) - MAX_LINES, "more line")
        _line(console, Text(f"… {more}", style="dim"), 6)


def _print_skipped(report: Report, console: Console) -> None:
    for group in skipped_groups(report):
        checks = ", ".join(one_line(check, 80) for check in group.checks)
        text = f"skipped {checks} on {counted(group.hosts, 'node')}: {one_line(group.reason, 200)}"
        _line(console, Text(text, style="dim"))


def _print_accepted(report: Report, console: Console, *, verbose: bool) -> None:
    limit = len(report.suppressed) if verbose else MAX_LISTED
    for item in report.suppressed[:limit]:
        _line(console, Text(f"suppressed: {subject(item)}", style="dim"))
        _line(console, Text(acceptance(item), style="dim"), 2)
    if limit < len(report.suppressed):
        left = counted(len(report.suppressed) - limit, "more suppressed finding")
        _line(console, Text(f"… and {left}", style="dim"))
    for note in report.notes:
        text = Text(note.severity.value, style=_SEVERITY_STYLES[note.severity])
        _line(console, text.append(f": {note_text(note)}", style="default"))
