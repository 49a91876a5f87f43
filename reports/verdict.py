"""The sentences that every report opens with: is the fabric in sync, and where to start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from drift.result import NOT_CHOSEN
from reports.text import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.fold import RootCause
    from reports.model import FindingCounts, FindingReport, GoneFinding, Report

MAX_HEADLINE: Final = 240

State = Literal["in-sync", "drift", "incomplete", "empty"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One state, a headline of a few words, and what it means, sentence by sentence."""

    state: State
    headline: str
    detail: tuple[str, ...]


def verdict(report: Report) -> Verdict:
    """Return what the report says as a whole; the gravest thing it must not hide comes first."""
    hosts = report.summary.hosts
    if not hosts.total:
        return Verdict("empty", "Nothing was audited", ("No node was selected.",))
    if hosts.incomplete:
        return Verdict(
            "incomplete",
            f"{hosts.incomplete:,} of {counted(hosts.total, 'node')} incomplete",
            ("Nothing is concluded about a node that was not collected whole.", *_others(report)),
        )
    if report.findings:
        return Verdict(
            "drift",
            f"Drift on {hosts.drifted:,} of {counted(hosts.total, 'node')}",
            (_causes(report.summary.findings), *_left_out(report)),
        )
    everyone = "The only node matches" if hosts.total == 1 else f"All {hosts.total:,} nodes match"
    but = ", but for what is suppressed" if report.summary.suppressed else ""
    return Verdict("in-sync", "In sync", (f"{everyone} the intent{but}.", *_left_out(report)))


def headline(item: FindingReport | GoneFinding) -> str:
    """Return a finding's message up to its values, on one line; reports show those beside it."""
    text = item.message.partition(" - Expected: ")[0]
    return one_line(text, MAX_HEADLINE) or one_line(item.object, MAX_HEADLINE) or item.check


def not_audited(report: Report) -> list[tuple[str, str]]:
    """Return the name and the reason of each incomplete host."""
    return [
        (name, host.error or "not collected whole")
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
    roots = len({cause.finding.host for cause in causes})
    affected = len({item.host for item in report.findings}) - roots
    if affected <= 0 or not roots:
        return ""
    others = "1 other is" if affected == 1 else f"{affected:,} others are"
    return f"The root causes are on {counted(roots, 'node')}; {others} only affected."


def severities(counts: FindingCounts) -> str:
    """Return `1 critical, 2 warning`, leaving out what there is none of."""
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
    said = [f"{_checks_were(number)} skipped on some nodes."] if number else []
    if chosen_out:
        said.append(f"Of this audit {_checks_were(len(chosen_out))} left out by choice.")
    if accepted:
        said.append(f"{counted(accepted, 'more finding')} suppressed, and not counted.")
    return said


def _checks_were(number: int) -> str:
    return f"{number:,} check was" if number == 1 else f"{number:,} checks were"
