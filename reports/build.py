"""An audit's result and the states it rests on, made into a report; and its exit code."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar, cast

from drift.model import Severity
from overlay.outputs import PROBE
from reports.fold import fold
from reports.model import (
    SCHEMA_VERSION,
    CommandReport,
    FindingCounts,
    FindingReport,
    HostCounts,
    HostReport,
    HostStatus,
    ProbeInfo,
    Report,
    RunInfo,
    Source,
    Summary,
    SuppressedReport,
    SuppressionReport,
)
from reports.text import bounded, json_value, utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from drift.model import Finding
    from drift.result import AuditResult, SkippedCheck, SuppressedFinding
    from overlay.records import CommandResult, HostState

T = TypeVar("T")

CORE_COMMANDS: Final = ("bridge_fdb", "ip_link", "bgp_l2vpn_evpn")
"""Without one of these nothing may be concluded about a node: it is incomplete, not in sync.

Any other command leaves only its own checks out (`skipped`) when it was not collected; one that
was asked for and failed, or whose output could not be read, makes the host incomplete as well.
"""

_BROKEN: Final = ("failed", "unparsed")

EXIT_IN_SYNC: Final = 0
EXIT_DRIFT: Final = 2
EXIT_INCOMPLETE: Final = 3


def new_run_id(started: datetime) -> str:
    """Return an id that sorts by its start and is unique: `20250301T120000Z-1f2e3d`."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def run_info(
    *,
    started: datetime,
    tool_version: str,
    inventory: str,
    source: Source,
    finished: datetime | None = None,
    run_id: str | None = None,
    fabric: str | None = None,
) -> RunInfo:
    """Return the RunInfo of a run from `started` to `finished` (default: now)."""
    return RunInfo(
        id=run_id or new_run_id(started),
        started=utc_text(started),
        finished=utc_text(finished or datetime.now(UTC)),
        tool_version=tool_version,
        inventory=inventory,
        source=source,
        fabric=fabric,
    )


def probe_info(hosts: Mapping[str, HostState]) -> ProbeInfo | None:
    """Return what the nodes asked each other; None when they were not told to."""
    told = [state.probes for state in hosts.values() if state.probes is not None]
    if not told and not any(PROBE in state.commands for state in hosts.values()):
        return None
    asked = [(name, probe) for name, state in hosts.items() for probe in state.probes or ()]
    by_vxlan = {(name, probe.address) for name, probe in asked if probe.vni is not None}
    answered = sum(probe.vni is not None and probe.answer == "ok" for _, probe in asked)
    return ProbeInfo(
        nodes=len(told),
        paths=sum(probe.vni is None for _, probe in asked),
        tunnels=len(by_vxlan),
        answered=answered,
    )


def build_report(
    *,
    run: RunInfo,
    hosts: Mapping[str, HostState],
    result: AuditResult,
    titles: Mapping[str, str] | None = None,
) -> Report:
    """Return the report of an audit; equal input gives an equal report.

    `hosts` are all hosts that the audit was to look at, by name: one that could not be reached is
    among them, with its `error`. `titles` says in words what each check compares, by check id.
    Texts are bounded (`reports.text.MAX_TEXT`) and made valid Unicode.
    """
    titles = titles or {}
    drifted = {item.host for item in result.findings}
    host_reports = {
        bounded(name): _host(hosts[name], drifted=name in drifted) for name in sorted(hosts)
    }
    findings = tuple(
        _finding(item, titles) for item in sorted(result.findings, key=lambda item: item.order)
    )
    return Report(
        schema=SCHEMA_VERSION,
        run=run,
        summary=Summary(
            hosts=_count_hosts(host_reports.values()),
            findings=_count_findings(findings),
            checks_run=len(set(result.checks_run)),
            checks_skipped=len({item.check for item in result.skipped}),
            suppressed=len(result.suppressed),
        ),
        hosts=host_reports,
        findings=findings,
        skipped=all_bounded(tuple(sorted(result.skipped, key=_skip_order))),
        suppressed=tuple(
            _suppressed(item, titles)
            for item in sorted(result.suppressed, key=lambda item: item.finding.order)
        ),
        notes=all_bounded(result.notes),
        reachability=all_bounded(result.reachability),
        topology=all_bounded(result.topology),
    )


def all_bounded(record: T) -> T:
    """Return a record of the audit as it is, but with every text in it bounded, at any depth."""
    if isinstance(record, str) and not isinstance(record, Enum):  # an Enum's texts are ours
        return cast("T", bounded(record))
    if isinstance(record, tuple):
        return cast("T", tuple(map(all_bounded, record)))
    if is_dataclass(record) and not isinstance(record, type):
        values = {it.name: all_bounded(getattr(record, it.name)) for it in fields(record)}
        return cast("T", replace(record, **values))
    return record


def exit_code(report: Report, fail_on: Severity = Severity.INFO) -> int:
    """Return 3 if a host is incomplete, whatever else was found; else 2 for drift; else 0.

    Drift is a finding as severe as `fail_on` or more, a folded one too: a consequence may be worse
    than its cause.
    """
    if report.summary.hosts.incomplete:
        return EXIT_INCOMPLETE
    drift = any(item.severity.rank <= fail_on.rank for item in report.findings)
    return EXIT_DRIFT if drift else EXIT_IN_SYNC


def _host(state: HostState, *, drifted: bool) -> HostReport:
    commands = {
        slug: _command(result)
        for slug, result in sorted(state.commands.items())
        # "skipped" is a choice (a node without FRR has no EVPN table): nothing is missing.
        if result.status != "skipped"
    }
    if state.error is not None:
        return HostReport(status="incomplete", error=bounded(state.error), commands=commands)
    for slug in CORE_COMMANDS:
        if slug not in state.commands:
            commands[slug] = CommandReport(status="missing", entries=0, error=None)
    gaps: list[str] = [
        slug for slug in CORE_COMMANDS if slug in commands and commands[slug].status != "ok"
    ]
    if not (state.evpn and state.evpn.empty):
        # Without FRR its other commands fail too: that is one finding, not a gap in what we know.
        gaps += [slug for slug, it in commands.items() if slug not in gaps and it.status in _BROKEN]
    commands = dict(sorted(commands.items()))
    if gaps:
        error = "; ".join(_gap(slug, commands[slug]) for slug in gaps)
        return HostReport(status="incomplete", error=error, commands=commands)
    status: HostStatus = "drift" if drifted else "in-sync"
    return HostReport(status=status, error=None, commands=commands)


def _command(result: CommandResult) -> CommandReport:
    return CommandReport(
        # The comprehension above has left "skipped" out; the model refuses it if that changes.
        status=result.status,  # type: ignore[arg-type]
        entries=result.entries,
        error=None if result.error is None else bounded(result.error),
    )


def _gap(slug: str, command: CommandReport) -> str:
    said = f": {command.error}" if command.error else ""
    return f"{slug} {command.status}{said}"


def _count_hosts(hosts: Iterable[HostReport]) -> HostCounts:
    counts = Counter(host.status for host in hosts)
    return HostCounts(
        total=counts.total(),
        in_sync=counts["in-sync"],
        drifted=counts["drift"],
        incomplete=counts["incomplete"],
    )


def _count_findings(findings: tuple[FindingReport, ...]) -> FindingCounts:
    counts = Counter(cause.finding.severity for cause in fold(findings))
    return FindingCounts(
        critical=counts[Severity.CRITICAL],
        warning=counts[Severity.WARNING],
        info=counts[Severity.INFO],
        folded=len(findings) - counts.total(),
    )


def _finding(item: Finding, titles: Mapping[str, str]) -> FindingReport:
    # The one record that report.json does not hold as it is: its values are anything at all, and
    # its id is derived.
    return FindingReport(
        id=item.id,
        check=item.check,
        severity=item.severity,
        host=bounded(item.host),
        object=bounded(item.object),
        attribute=bounded(item.attribute),
        kind=item.kind,
        expected=json_value(item.expected),
        actual=json_value(item.actual),
        evidence=all_bounded(item.evidence),
        message=bounded(item.message),
        caused_by=item.caused_by,
        title=titles.get(item.check),
        vni=item.vni,
    )


def _suppressed(item: SuppressedFinding, titles: Mapping[str, str]) -> SuppressedReport:
    by = item.by.model_dump(mode="json")
    return SuppressedReport(
        finding=_finding(item.finding, titles),
        suppression=SuppressionReport(**{key: bounded(text) for key, text in by.items()}),
    )


def _skip_order(item: SkippedCheck) -> tuple[str, str, str]:
    return (item.check, item.host, item.reason)
