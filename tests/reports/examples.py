"""Example audits, from an empty one to 2,000 nodes with 20,000 findings, and hostile ones.

`python tests/reports/examples.py DIR` writes the report.html and report.json of each into DIR.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from drift.model import Evidence, Finding, Severity
from drift.result import AuditResult, Note, SkippedCheck, SuppressedFinding
from overlay.records import CommandResult, HostState
from overlay.suppressions import Suppression
from reports.build import build_report, run_info
from reports.html.page import html_text
from reports.jsonfile import report_text
from reports.model import GoneFinding, PreviousRun, TrendPoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reports.model import Report, RunInfo, Source

CORE: Final = ("bgp_l2vpn_evpn", "bridge_fdb", "ip_link")
OPTIONAL: Final = ("evpn_summary", "evpn_vni", "ip_address", "ip_route", "running_config", "sysctl")
CHECKS: Final = (
    "bridge-missing",
    "bridge-port-learning",
    "evpn-empty",
    "fdb-stale",
    "flood-missing",
    "imet-missing",
    "link-down",
    "mtu",
    "route-target",
    "session-down",
    "vxlan-missing",
)
TITLES: Final = {
    "evpn-empty": "The node has an EVPN table",
    "bridge-port-learning": "Learning on the VXLAN port",
    "flood-missing": "Every VTEP of a VNI is in its flood list",
    "imet-missing": "A type-3 route from every VTEP of a VNI",
    "mtu": "The underlay carries overlay frames whole",
    "route-target": "Routes carry the intended route targets",
    "session-down": "Intended BGP peers are Established",
}
SCRIPT: Final = "<script>alert(1);document.title='owned'</script>"
HOSTILE: Final = (
    SCRIPT
    + "</script><img src=x onerror=\"document.title='owned'\"><!--"
    + "\x1b[31mred\x1b]0;owned\x07 \u202egnp.exe\u2069 \"'`|*_[link](javascript:alert(1)) &lt;"
    + " [bold]markup[/bold] {{ 7*7 }} @everyone #1 \x00 \r\n# heading\n```\nfence ]]>"
)


def run(source: Source = "live") -> RunInfo:
    """Return the same run every time."""
    return run_info(
        started=datetime(2025, 11, 22, 9, 30, tzinfo=UTC),
        finished=datetime(2025, 11, 22, 9, 30, 41, tzinfo=UTC),
        run_id="20251122T093000Z-1f2e3d",
        tool_version="0.1.0",
        inventory="inventory",
        source=source,
        fabric="dc1",
    )


def state(host: str, **unlike: CommandResult) -> HostState:
    """Return a host whose commands are all fine, but for those given."""
    commands = {slug: CommandResult(slug, "ok", 12) for slug in (*CORE, *OPTIONAL)} | unlike
    return HostState(host, commands=commands)


def states(hosts: Iterable[str]) -> dict[str, HostState]:
    """Return hosts that were all collected whole."""
    return {host: state(host) for host in hosts}


def learning(host: str = "leaf1", vni: int = 2) -> Finding:
    """Return one warning with evidence."""
    return Finding(
        check="bridge-port-learning",
        severity=Severity.WARNING,
        host=host,
        object=f"vxlan{vni}",
        attribute="bridge port learning",
        kind="changed",
        expected="off",
        actual="on",
        message=f"vxlan{vni}: bridge port learning - Expected: off Actual: on",
        evidence=(
            Evidence(
                "ip_link",
                f"7: vxlan{vni}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue"
                f" master br{vni} state UNKNOWN mode DEFAULT group default qlen 1000\n"
                f"    vxlan id {vni} local 192.168.0.1 srcport 0 0 dstport 4789 nolearning ttl auto\n"
                "    bridge_slave state forwarding priority 32 cost 100 learning on flood on",
            ),
        ),
    )


def evpn_down(host: str = "leaf2") -> Finding:
    """Return a critical root cause: FRR stopped."""
    return Finding(
        check="evpn-empty",
        severity=Severity.CRITICAL,
        host=host,
        object="EVPN table",
        kind="missing",
        expected="routes of VNI 2, 3",
        actual=None,
        message="EVPN table - Expected: routes of VNI 2, 3 Actual: none",
        evidence=(Evidence("bgp_l2vpn_evpn", "No BGP prefixes displayed, 0 exist"),),
    )


def imet_missing(host: str, cause: str | None, vni: int = 2) -> Finding:
    """Return what another node sees of `evpn_down`."""
    return Finding(
        check="imet-missing",
        severity=Severity.CRITICAL,
        host=host,
        object=f"VNI {vni} VTEP 192.168.0.2",
        kind="missing",
        expected="[3]:[0]:[32]:[192.168.0.2]",
        actual=None,
        caused_by=cause,
        message=f"VNI {vni} VTEP 192.168.0.2: type-3 route - "
        "Expected: [3]:[0]:[32]:[192.168.0.2] Actual: absent",
    )


def flood_lists(host: str) -> Finding:
    """Return a finding whose values are lists."""
    return Finding(
        check="flood-missing",
        severity=Severity.CRITICAL,
        host=host,
        object="vxlan3",
        attribute="flood list",
        kind="changed",
        expected=("192.168.0.2", "192.168.0.3", "192.168.0.4"),
        actual=("192.168.0.2",),
        message="vxlan3: flood list - Expected: 192.168.0.2, 192.168.0.3, 192.168.0.4 "
        "Actual: 192.168.0.2",
        evidence=(Evidence("bridge_fdb", "00:00:00:00:00:00 dev vxlan3 dst 192.168.0.2 self"),),
    )


def report(
    hosts: dict[str, HostState],
    findings: Iterable[Finding] = (),
    skipped: Iterable[SkippedCheck] = (),
    source: Source = "live",
) -> Report:
    """Return a report of the example run."""
    result = AuditResult(tuple(findings), CHECKS, tuple(skipped))
    return build_report(run=run(source), hosts=hosts, result=result, titles=TITLES)


def empty() -> Report:
    return report({})


def clean() -> Report:
    return report(states(f"leaf{n}" for n in range(1, 15)))


def one() -> Report:
    return report(states(f"leaf{n}" for n in range(1, 5)), [learning()])


def folded() -> Report:
    """Two root causes, one of which explains five others; skipped checks; a snapshot."""
    down = evpn_down()
    findings = [
        down,
        learning(),
        flood_lists("leaf4"),
        *(imet_missing(f"leaf{n}", down.id, vni) for n in (1, 3, 4) for vni in (2, 3)),
    ]
    skipped = [
        SkippedCheck("gateway-address", f"leaf{n}", "ip_address was not collected")
        for n in range(1, 5)
    ]
    hosts = states(f"leaf{n}" for n in range(1, 5))
    return report(
        hosts, findings, [*skipped, SkippedCheck("vrrp", "leaf1", "no show vrrp json")], "snapshot"
    )


def remembered() -> Report:
    """A run with a history: since when each finding is there, what went away, the runs before."""
    now = report(states(f"leaf{n}" for n in range(1, 5)), [learning(), flood_lists("leaf4")])
    known, new = now.findings
    trend = [
        TrendPoint(
            finished=f"2025-11-22T{hour:02d}:30:41Z",
            critical=hour % 3,
            warning=hour % 2,
            info=0,
            incomplete=int(hour == 5),
        )
        for hour in range(10)
    ]
    gone = GoneFinding(
        id="mtu:leaf3:eth0", check="mtu", host="leaf3", object="eth0", message=f"eth0: {HOSTILE}"
    )
    return now.model_copy(
        update={
            "findings": (
                known.model_copy(update={"first_seen": "2025-11-19T23:00:12Z"}),
                new.model_copy(update={"first_seen": now.run.finished}),
            ),
            "trend": tuple(trend),
            "previous": PreviousRun(run="20251122T083000Z-0a1b2c", new=(new.id,), gone=(gone,)),
        }
    )


def incomplete() -> Report:
    """One host out of reach, one whose table could not be parsed, one with drift, one in sync."""
    hosts = states(("leaf1", "leaf4"))
    hosts["leaf2"] = HostState("leaf2", error="10.0.0.2:22: no answer within 10 s (tried 3 times)")
    hosts["leaf3"] = state(
        "leaf3",
        bgp_l2vpn_evpn=CommandResult(
            "bgp_l2vpn_evpn",
            "unparsed",
            40,
            "2 of 42 prefixes not understood: line 17 `*> [9]:[0]`",
        ),
    )
    return report(hosts, [learning()])


def accept(*findings: Finding, reason: str = "CHG-1234", owner: str = "noc") -> AuditResult:
    """Return a result that holds nothing but these findings, all of them accepted."""
    by = Suppression(check="*", host="*", reason=reason, owner=owner, expires=date(2030, 12, 31))
    return AuditResult((), CHECKS, suppressed=tuple(SuppressedFinding(it, by) for it in findings))


def suppressed() -> Report:
    """One finding that counts, two that do not, and a suppression that expired."""
    result = replace(
        accept(learning("leaf2"), evpn_down("leaf3")),
        findings=(learning(),),
        notes=(Note(Severity.WARNING, "the suppression of mtu on leaf4 (*) expired"),),
    )
    return build_report(
        run=run(), hosts=states(f"leaf{n}" for n in range(1, 5)), result=result, titles=TITLES
    )


def unreachable() -> Report:
    """Nothing but hosts out of reach."""
    return report({f"leaf{n}": HostState(f"leaf{n}", error="no route to host") for n in (1, 2)})


def hostile() -> Report:
    """Hostile text in every field that can hold any."""
    name = f"evil {HOSTILE}"
    hosts = {
        name: HostState(
            name,
            error=HOSTILE,
            commands={"ip_link": CommandResult("ip_link", "failed", 0, HOSTILE)},
        ),
        "leaf1": state("leaf1"),
    }
    findings = [
        Finding(
            check=check,
            severity=severity,
            host=name,
            object=HOSTILE,
            attribute=HOSTILE,
            kind="changed",
            expected=expected,
            actual=actual,
            message=HOSTILE + "\udcff",
            evidence=(Evidence(HOSTILE, HOSTILE * 3 + "\ud800"),),
            caused_by=None,
        )
        for check, severity, expected, actual in (
            ("mtu", Severity.CRITICAL, HOSTILE, {HOSTILE: [HOSTILE]}),
            ("=cmd|' /C calc'!A0", Severity.WARNING, "=1+1", "@SUM(A1)"),
            (SCRIPT, Severity.INFO, float("nan"), frozenset({HOSTILE})),
        )
    ]
    follows = Finding(
        check="mtu",
        severity=Severity.CRITICAL,
        host=name,
        object="x" + HOSTILE,
        kind="extra",
        expected=None,
        actual=2**70,
        message="+" + HOSTILE,
        caused_by=findings[0].id,
    )
    result = replace(
        accept(replace(follows, object=HOSTILE), reason=HOSTILE, owner=HOSTILE),
        findings=(*findings, follows),
        skipped=(SkippedCheck(SCRIPT, name, HOSTILE),),
        notes=(Note(Severity.INFO, HOSTILE),),
    )
    return build_report(run=run(), hosts=hosts, result=result, titles=TITLES)


def long() -> Report:
    """Very long names and texts, without a blank to break a line at."""
    host = "rack-" + "verylonghostname" * 40
    text = "0123456789abcdef" * 625
    finding = Finding(
        check="route-target",
        severity=Severity.CRITICAL,
        host=host,
        object="VNI " + "9" * 300,
        kind="changed",
        expected=text,
        actual=text[::-1],
        message=f"VNI: {text}",
        evidence=(Evidence("bgp_l2vpn_evpn", text), Evidence("ip_link", "line\n" * 400)),
    )
    hosts = states((host, "leaf1"))
    hosts["b" * 200] = HostState("b" * 200, error=text)
    return report(hosts, [finding, learning()])


def large(nodes: int = 2000, findings: int = 20_000, roots: int = 600) -> Report:
    """Return a fleet with many findings, of which `roots` are root causes."""
    names = [f"rack{n // 40:02d}-leaf{n % 40:02d}" for n in range(nodes)]
    causes: list[Finding] = []
    for n in range(roots):
        host = names[n * 3 % nodes]
        make = (learning(host, n), flood_lists(host), evpn_down(host))[n % 3]
        causes.append(make)
    causes = list({item.id: item for item in causes}.values())
    rest = [
        imet_missing(names[n * 7 % nodes], causes[n % len(causes)].id, 10_000 + n)
        for n in range(findings - len(causes))
    ]
    hosts = states(names)
    for n in range(0, nodes, 400):
        hosts[names[n]] = HostState(names[n], error="no answer within 10 s")
    skipped = [SkippedCheck("vrrp", name, "show vrrp json was not collected") for name in names]
    return report(hosts, [*causes, *rest], skipped)


def flat() -> Report:
    """20,000 findings, none of which follows from another."""
    return report(
        states(f"leaf{n:04d}" for n in range(2000)),
        [learning(f"leaf{n:04d}", vni) for n in range(2000) for vni in range(10)],
    )


EXAMPLES: Final[dict[str, Callable[[], Report]]] = {
    make.__name__: make
    for make in (
        *(empty, clean, one, folded, remembered, incomplete),
        *(unreachable, suppressed, hostile, long, large, flat),
    )
}


def main(folder: Path) -> None:
    """Write every example into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in EXAMPLES.items():
        made = make()
        (folder / f"{name}.html").write_text(html_text(made), encoding="utf-8")
        (folder / f"{name}.json").write_text(report_text(made), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
