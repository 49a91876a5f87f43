"""A report as Prometheus metrics, for node_exporter's textfile collector.

Every metric has the label `fabric`, so that the files of several inventories may lie side by side.
No label holds an object: series number hosts times checks at most, and MAX_SERIES in any case.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from reports.fold import fold
from reports.text import short_name

if TYPE_CHECKING:
    from reports.model import Report

MAX_SERIES: Final = 20_000
"""Findings are counted by host and check up to so many series; the others without their host."""

OTHER_HOSTS: Final = "(other)"
_STATUSES: Final = ("in-sync", "drift", "incomplete")
_FABRIC: Final = ("fabric",)


def prometheus_text(report: Report) -> str:
    """Return the report in Prometheus' text format; equal reports give equal bytes."""
    registry = CollectorRegistry()
    fabric = short_name(report.run.fabric or "")
    _run(registry, report, fabric)
    _hosts(registry, report, fabric)
    _findings(registry, report, fabric)
    return generate_latest(registry).decode("utf-8")


def _gauge(
    registry: CollectorRegistry, name: str, says: str, labels: tuple[str, ...] = ()
) -> Gauge:
    return Gauge(f"evpn_fleet_{name}", says, (*_FABRIC, *labels), registry=registry)


def _run(registry: CollectorRegistry, report: Report, fabric: str) -> None:
    run = report.run
    info = _gauge(registry, "audit_info", "The latest audit", ("version", "source"))
    info.labels(fabric, short_name(run.tool_version), run.source).set(1)
    finished = _seconds(run.finished)
    _gauge(registry, "audit_timestamp_seconds", "When the latest audit ended").labels(fabric).set(
        finished
    )
    _gauge(registry, "audit_duration_seconds", "How long the latest audit took").labels(fabric).set(
        finished - _seconds(run.started)
    )
    complete = [point.finished for point in report.trend if not point.incomplete]
    if not report.summary.hosts.incomplete:
        complete.append(run.finished)
    if complete:
        _gauge(
            registry,
            "audit_last_complete_timestamp_seconds",
            "When an audit was last complete on every host; absent if the history has none",
        ).labels(fabric).set(_seconds(max(complete)))


def _hosts(registry: CollectorRegistry, report: Report, fabric: str) -> None:
    counts = report.summary.hosts
    total = _gauge(registry, "hosts", "Audited hosts by status", ("status",))
    for status, number in zip(
        _STATUSES, (counts.in_sync, counts.drifted, counts.incomplete), strict=True
    ):
        total.labels(fabric, status).set(number)
    one = _gauge(registry, "host_status", "1 for the status a host has", ("host", "status"))
    for name, host in list(report.hosts.items())[:MAX_SERIES]:
        for status in _STATUSES:
            one.labels(fabric, short_name(name), status).set(host.status == status)


def _findings(registry: CollectorRegistry, report: Report, fabric: str) -> None:
    counts = report.summary.findings
    causes = _gauge(registry, "root_causes", "Root causes by severity", ("severity",))
    for severity in ("critical", "warning", "info"):
        causes.labels(fabric, severity).set(getattr(counts, severity))
    _gauge(registry, "consequences", "Findings that follow from root causes").labels(fabric).set(
        counts.folded
    )
    summary = report.summary
    _gauge(registry, "suppressed", "Findings that somebody has accepted").labels(fabric).set(
        summary.suppressed
    )
    _gauge(registry, "checks_run", "Checks that ran").labels(fabric).set(summary.checks_run)
    _gauge(registry, "checks_skipped", "Checks that were skipped on some host").labels(fabric).set(
        summary.checks_skipped
    )
    found = Counter(
        (short_name(item.check), short_name(item.host), item.severity.value)
        for item in (cause.finding for cause in fold(report.findings))
    )
    listed: Counter[tuple[str, str, str]] = Counter()
    for number, ((check, host, severity), times) in enumerate(sorted(found.items())):
        listed[check, host if number < MAX_SERIES else OTHER_HOSTS, severity] += times
    each = _gauge(registry, "findings", "Root causes found", ("check", "host", "severity"))
    for labels, times in listed.items():
        each.labels(fabric, *labels).set(times)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
