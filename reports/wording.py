"""The sentences that all forms of a report share, so that each says a thing in the same words.

The verdict, since when a finding is known, what was suppressed or skipped, and notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from drift.result import NOT_CHOSEN
from reports.text import counted, one_line, short_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift.result import Note
    from reports.fold import RootCause
    from reports.model import FindingCounts, FindingReport, GoneFinding, Report, SuppressedReport

MAX_HEADLINE: Final = 240

State = Literal["in-sync", "drift", "incomplete", "empty"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One state, a headline of a few words, and what it means, sentence by sentence."""

    state: State
    headline: str
    detail: tuple[str, ...]


def verdict(report: Report) -> Verdict:
    """Return the verdict; what may not be overlooked comes first: incomplete, then drift."""
    hosts = report.summary.hosts
    if not hosts.total:
        return Verdict("empty", "Nothing was audited", ("No node was selected.",))
    if hosts.incomplete:
        return Verdict(
            "incomplete",
            f"{hosts.incomplete:,} of {counted(hosts.total, 'node')} incomplete",
            ("An incomplete node counts neither as in sync nor as drifted.", *_others(report)),
        )
    if report.findings:
        return Verdict(
            "drift",
            f"Drift on {hosts.drifted:,} of {counted(hosts.total, 'node')}",
            (_causes(report.summary.findings), *_left_out(report)),
        )
    everyone = "The only node matches" if hosts.total == 1 else f"All {hosts.total:,} nodes match"
    but = ", except for suppressed findings" if report.summary.suppressed else ""
    return Verdict("in-sync", "In sync", (f"{everyone} the intent{but}.", *_left_out(report)))


def headline(item: FindingReport | GoneFinding) -> str:
    """Return a finding's message up to its values, on one line; reports show those beside it."""
    text = item.message.partition(" - Expected: ")[0]
    return one_line(text, MAX_HEADLINE) or one_line(item.object, MAX_HEADLINE) or item.check


def not_audited(report: Report) -> list[tuple[str, str]]:
    """Return the name and the reason of each incomplete host."""
    return [
        (name, host.error or "not collected completely")
        for name, host in report.hosts.items()
        if host.status == "incomplete"
    ]


def explains(cause: RootCause, report: Report) -> str:
    """Return how much of the report goes away with this root cause, or an empty text."""
    if not cause.consequences:
        return ""
    return f"explains {len(cause.consequences) + 1:,} of {counted(len(report.findings), 'finding')}"


def spread(causes: Sequence[RootCause], report: Report) -> str:
    """Return on how many nodes the root causes are, where others are only affected, or nothing."""
    roots = len({host for cause in causes for host in cause.hosts})
    affected = len({item.host for item in report.findings}) - roots
    if affected <= 0 or not roots:
        return ""
    others = "1 other is" if affected == 1 else f"{affected:,} others are"
    return f"The root causes are on {counted(roots, 'node')}; {others} only affected by them."


def probed(report: Report) -> str:
    """Return what the nodes of an audit with `--probe` have asked each other, or nothing."""
    probe = report.run.probe
    if probe is None:
        return ""
    pings = f"{counted(probe.nodes, 'node')} pinged {counted(probe.paths, 'path')}"
    by_vxlan = f"{probe.answered:,} of {counted(probe.tunnels, 'VTEP')} answered by VXLAN"
    return f"With --probe: {pings}; {by_vxlan}."


def severities(counts: FindingCounts) -> str:
    """Return `1 critical, 2 warning`, leaving out those with none."""
    named = (("critical", counts.critical), ("warning", counts.warning), ("info", counts.info))
    return ", ".join(f"{number:,} {name}" for name, number in named if number)


def _causes(counts: FindingCounts) -> str:
    folded = f", with {counted(counts.folded, 'consequence')} folded in" if counts.folded else ""
    return f"{counted(counts.roots, 'root cause')} ({severities(counts)}){folded}."


def _others(report: Report) -> Sequence[str]:
    hosts = report.summary.hosts
    if report.findings:
        return (f"Found so far: {_causes(report.summary.findings)}", *_left_out(report))
    if hosts.in_sync:
        match = "node matches" if hosts.in_sync == 1 else "nodes match"
        return (f"The other {hosts.in_sync:,} {match} the intent.", *_left_out(report))
    return _left_out(report)


def _left_out(report: Report) -> Sequence[str]:
    accepted = report.summary.suppressed
    chosen_out = {item.check for item in report.skipped if item.reason == NOT_CHOSEN}
    number = report.summary.checks_skipped - len(chosen_out)
    said = [sentence] if (sentence := probed(report)) else []
    said += [f"{_checks_were(number)} skipped on some nodes."] if number else []
    if chosen_out:
        said.append(f"{_checks_were(len(chosen_out))} excluded from this audit.")
    if accepted:
        said.append(f"{counted(accepted, 'more finding')} suppressed and not counted.")
    return said


def _checks_were(number: int) -> str:
    return f"{number:,} check was" if number == 1 else f"{number:,} checks were"


def since(item: FindingReport, report: Report) -> str:
    """Return `new in this run`, `since TIME (3 days)`, or nothing without a history."""
    if item.first_seen is None:
        return ""
    if item.first_seen == report.run.finished:
        return "new in this run"
    age = datetime.fromisoformat(report.run.finished) - datetime.fromisoformat(item.first_seen)
    return f"since {item.first_seen} ({_age(age)})"


def changes(report: Report) -> str:
    """Return how the findings differ from the previous run's in a sentence; nothing without one."""
    if report.previous is None:
        return ""
    new, gone = len(report.previous.new), len(report.previous.gone)
    if not new + gone:
        return "No finding is new or resolved since the previous audit."
    return f"Since the previous audit: {counted(new, 'finding')} new, {gone:,} resolved."


def _age(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds() // 60))
    if minutes < 60:
        return counted(minutes, "minute")
    if minutes < 48 * 60:
        return counted(minutes // 60, "hour")
    return counted(minutes // (24 * 60), "day")


MAX_LISTED: Final = 20
"""Accepted findings are listed briefly; report.json holds all of them."""


MAX_NOTE: Final = 2_000


def note_text(note: Note) -> str:
    """Return what needs attention though it is not drift, on one line."""
    return one_line(note.message, MAX_NOTE)


def subject(item: SuppressedReport) -> str:
    """Return which finding it is: `critical node3 flood-missing: vxlan2 VTEP 10.0.0.2`."""
    found = item.finding
    named = f"{short_name(found.host)} {one_line(found.check, 80)}"
    return f"{found.severity.value} {named}: {headline(found)}"


def acceptance(item: SuppressedReport) -> str:
    """Return why it does not count: `accepted until 2026-12-31 by noc: rack 4 is rebuilt`."""
    by = item.suppression
    owner, reason = one_line(by.owner, 80), one_line(by.reason, 200)
    return f"accepted until {by.expires} by {owner}: {reason}"


@dataclass(frozen=True, slots=True)
class SkippedGroup:
    """Checks that were skipped for one reason, and the hosts on which each of them was."""

    checks: tuple[str, ...]
    reason: str
    names: tuple[str, ...]

    @property
    def hosts(self) -> int:
        """On how many hosts."""
        return len(self.names)


def skipped_groups(report: Report) -> list[SkippedGroup]:
    """Return what was skipped, in the report's order of each group's first check.

    What an unreachable host lacks is one reason, not one for each command.
    """
    unreached = {
        name: f"the node did not answer: {host.error}"
        for name, host in report.hosts.items()
        if host.error is not None and not host.commands
    }
    hosts: dict[tuple[str, str], list[str]] = {}
    for item in report.skipped:
        reason = unreached.get(item.host, item.reason)
        hosts.setdefault((item.check, reason), []).append(item.host)
    checks: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (check, reason), names in hosts.items():
        checks.setdefault((reason, tuple(names)), []).append(check)
    return [SkippedGroup(tuple(found), reason, names) for (reason, names), found in checks.items()]
