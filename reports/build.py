"""An audit's result and the states it rests on, made into a report; and its exit code."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from drift.model import Finding, Severity
from reports.fold import root_ids
from reports.model import (
    SCHEMA_VERSION,
    CommandReport,
    EvidenceReport,
    FindingCounts,
    FindingReport,
    HostCounts,
    HostReport,
    HostStatus,
    NoteReport,
    Report,
    RunInfo,
    SkippedReport,
    Summary,
    SuppressedReport,
    SuppressionReport,
)
from reports.pictures import reachability_report, topology_report
from reports.text import bounded, json_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from drift.result import AuditResult, SkippedCheck, SuppressedFinding
    from overlay.records import CommandResult, HostState

CORE_COMMANDS: Final = ("bridge_fdb", "ip_link", "bgp_l2vpn_evpn")
"""Without one of these nothing may be concluded about a node: it is incomplete, not in sync.

Any other command leaves only its own checks out (`skipped`) when it was not collected; one that
was asked for and failed, or whose output could not be read, makes the host incomplete as well.
"""

_BROKEN: Final = ("failed", "unparsed")

EXIT_IN_SYNC: Final = 0
EXIT_DRIFT: Final = 2
EXIT_INCOMPLETE: Final = 3


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
    drifted = {item.host for item in result.findings}
    host_reports = {
        bounded(name): _host(hosts[name], drifted=name in drifted) for name in sorted(hosts)
    }
    return Report(
        schema=SCHEMA_VERSION,
        run=run,
        summary=Summary(
            hosts=_count_hosts(host_reports.values()),
            findings=_count_findings(result.findings),
            checks_run=len(set(result.checks_run)),
            checks_skipped=len({item.check for item in result.skipped}),
            suppressed=len(result.suppressed),
        ),
        hosts=host_reports,
        findings=tuple(
            _finding(item, titles or {})
            for item in sorted(result.findings, key=lambda item: item.order)
        ),
        skipped=tuple(_skipped(item) for item in sorted(result.skipped, key=_skip_order)),
        suppressed=tuple(
            _suppressed(item, titles or {})
            for item in sorted(result.suppressed, key=lambda item: item.finding.order)
        ),
        notes=tuple(
            NoteReport(severity=note.severity, message=bounded(note.message))
            for note in result.notes
        ),
        reachability=reachability_report(result.reachability),
        topology=topology_report(result.topology),
    )


def exit_code(report: Report, fail_on: Severity = Severity.INFO) -> int:
    """Return 3 if a host is incomplete, whatever else was found; else 2 for drift; else 0.

    Drift is a finding as grave as `fail_on` or graver, a folded one too: a consequence may be worse
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
    if gaps:
        error = "; ".join(_gap(slug, commands[slug]) for slug in gaps)
        return HostReport(status="incomplete", error=error, commands=_sorted(commands))
    status: HostStatus = "drift" if drifted else "in-sync"
    return HostReport(status=status, error=None, commands=_sorted(commands))


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


def _sorted(commands: Mapping[str, CommandReport]) -> dict[str, CommandReport]:
    return dict(sorted(commands.items()))


def _count_hosts(hosts: Iterable[HostReport]) -> HostCounts:
    counts = Counter(host.status for host in hosts)
    return HostCounts(
        total=counts.total(),
        in_sync=counts["in-sync"],
        drifted=counts["drift"],
        incomplete=counts["incomplete"],
    )


def _count_findings(findings: tuple[Finding, ...]) -> FindingCounts:
    roots = root_ids(findings)
    unique = {item.id: item for item in findings}.values()
    counts = Counter(item.severity for item in unique if roots[item.id] == item.id)
    return FindingCounts(
        critical=counts[Severity.CRITICAL],
        warning=counts[Severity.WARNING],
        info=counts[Severity.INFO],
        folded=len(findings) - counts.total(),
    )


def _finding(item: Finding, titles: Mapping[str, str]) -> FindingReport:
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
        evidence=tuple(
            EvidenceReport(command=line.command, text=bounded(line.text)) for line in item.evidence
        ),
        message=bounded(item.message),
        caused_by=item.caused_by,
        title=titles.get(item.check),
        vni=item.vni,
    )


def _skipped(item: SkippedCheck) -> SkippedReport:
    return SkippedReport(check=item.check, host=bounded(item.host), reason=bounded(item.reason))


def _suppressed(item: SuppressedFinding, titles: Mapping[str, str]) -> SuppressedReport:
    by = item.by
    return SuppressedReport(
        finding=_finding(item.finding, titles),
        suppression=SuppressionReport(
            check=bounded(by.check),
            host=bounded(by.host),
            object=bounded(by.object),
            reason=bounded(by.reason),
            owner=bounded(by.owner),
            expires=by.expires.isoformat(),
        ),
    )


def _skip_order(item: SkippedCheck) -> tuple[str, str, str]:
    return (item.check, item.host, item.reason)
