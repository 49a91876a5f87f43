"""What stands against a deployment before anything is changed. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parsers.interfaces import parse_interfaces
from tasks.files import KEPT_INTERFACES, is_ours
from tasks.foreign.statements import KEPT_BY, foreign_refusals, is_taken_over
from tasks.plan import FileChange
from tasks.safety.places import LOCK, PENDING
from tasks.steps import is_interfaces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.options import DeployOptions
    from tasks.plan import FileState, NodePlan
    from tasks.preflight.facts import NodeFacts

_NEEDED_KIB = 16 * 1024


def refusals(
    plan: NodePlan,
    facts: NodeFacts,
    options: DeployOptions,
    edited: Mapping[str, FileState],
) -> list[str]:
    """Why this node must not be deployed, each with what to do about it; empty when it may.

    `edited` holds, by path, what our last deployment put where somebody has changed it since.
    """
    found = _undecided(facts)
    if plan.changes:
        found += [*_locked(facts, options), *_full(facts), *_managed_by_proxmox(facts, options)]
        if not options.overwrite:
            found += [
                _edit(plan, path, state)
                for path, state in edited.items()
                if not _taken_over(plan, path, state)
            ]
        found += [*_uncovered_ports(plan, facts), *_ports_of_others(plan, facts)]
    said = [f"{plan.host}: {text}" for text in found]
    return said if options.replace_foreign else [*said, *foreign_refusals(plan.host, plan.foreign)]


def edited_paths(plan: NodePlan, facts: NodeFacts) -> tuple[str, ...]:
    """The files that are not what our last deployment put there, and that would be replaced."""
    last = facts.last_confirmed
    if last is None or last.manifest is None:
        return ()
    records = {change.file.path: last.manifest.record(change.file.path) for change in plan.changes}
    return tuple(
        change.file.path
        for change in plan.changes
        if (record := records[change.file.path]) is not None
        and record.deployed_sha256 != change.before.sha256
    )


def _undecided(facts: NodeFacts) -> list[str]:
    # Also where its files are as wanted: the node may yet put its old ones back.
    if not facts.pending:
        return []
    number = facts.pending.rpartition("/")[2]
    holder = f": {facts.lock}" if facts.lock else ""
    return [
        (
            f"deployment {number} is not confirmed yet{holder}\n"
            "  next: wait until the node has restored itself, or log in and run "
            f"`sh {PENDING}/confirm.sh` or `sh {PENDING}/restore.sh hand`"
        )
    ]


def _locked(facts: NodeFacts, options: DeployOptions) -> list[str]:
    # A deployment that is not decided holds the lock, too.
    if facts.lock and not facts.pending and not options.break_lock:
        return [
            (
                f"another deployment holds its lock: {facts.lock}\n"
                f"  next: wait, or ask its owner; stale lock ({LOCK} on the node): "
                "remove it with --break-lock"
            )
        ]
    return []


def _full(facts: NodeFacts) -> list[str]:
    return [
        f"{free // 1024} MiB are free on {mount}, {_NEEDED_KIB // 1024} MiB are needed\n"
        "  next: free space there for the backup"
        for mount, free in facts.free.items()
        if free < _NEEDED_KIB
    ]


def _managed_by_proxmox(facts: NodeFacts, options: DeployOptions) -> list[str]:
    if options.take_over or not facts.sdn:
        return []
    said = "\n".join(f"  {line}" for line in facts.sdn)
    return [
        (
            f"Proxmox SDN manages it:\n{said}\n"
            "  next: remove its SDN configuration, or take the node over with --take-over: Proxmox "
            "overwrites our files when somebody applies its SDN"
        )
    ]


def _taken_over(plan: NodePlan, path: str, deployed: FileState) -> bool:
    """Whether the intent holds all of an edit; what is foreign in it is said by itself."""
    change = next(change for change in plan.changes if change.file.path == path)
    if path not in KEPT_BY:
        return False
    # What one key keeps may be in another file than before.
    wanted = "\n".join(
        it.after.text or "" for it in plan.files if KEPT_BY.get(it.file.path) == KEPT_BY[path]
    )
    return is_taken_over(deployed.text or "", change.before.text or "", wanted, plan.foreign)


def _edit(plan: NodePlan, path: str, deployed: FileState) -> str:
    now = next(change for change in plan.changes if change.file.path == path)
    diff = FileChange(now.file, deployed, now.before).diff()
    return (
        f"{path} was changed on the node since the last deployment:\n{diff}"
        "  next: bring the change into the intent, or discard it with --overwrite"
    )


@dataclass(frozen=True, slots=True)
class BridgePorts:
    """What an interfaces file says of one bridge's ports; others are removed by ifreload."""

    named: tuple[str, ...] = ()
    condoned: str | None = None

    def covers(self, port: str) -> bool:
        if port in self.named:
            return True
        if self.named[:1] in (("glob",), ("regex",)):
            return True  # not a file of ours: what it means is ifupdown2's to say
        return self.condoned is not None and re.match(self.condoned, port) is not None


def bridge_ports(interfaces: str) -> dict[str, BridgePorts]:
    """The bridges of an interfaces file."""
    found: dict[str, BridgePorts] = {}
    for stanza in parse_interfaces(interfaces).stanzas:
        ports = stanza.values("bridge-ports", "bridge_ports")
        if ports:
            condoned = stanza.values("bridge-ports-condone-regex")
            found[stanza.name] = BridgePorts(
                tuple(ports[-1].split()), condoned[-1].split()[0] if any(condoned) else None
            )
    return found


def _uncovered_ports(plan: NodePlan, facts: NodeFacts) -> list[str]:
    """Stock ifupdown2 takes every port off a bridge that its file does not cover."""
    if not any(is_interfaces(change.file) for change in plan.changes):
        return []
    files = [change for change in plan.files if is_interfaces(change.file)]
    before: dict[str, BridgePorts] = {}
    for change in files:
        before |= bridge_ports(change.before.text or "") if is_ours(change.before.text) else {}
    found = []
    for change in files:
        next_step = "extend overlay.guest_ports in fabric.yaml"
        if change.file is KEPT_INTERFACES:
            next_step = (
                "add `bridge-ports-condone-regex` to the bridge's stanza under `interfaces_extra:`"
            )
        for bridge, ports in bridge_ports(change.after.text or "").items():
            # What our own file named before is taken off on purpose, as the plan shows.
            ours = before.get(bridge, BridgePorts()).named
            found += [
                f"port {port} of bridge {bridge} would be removed: the new interfaces file does "
                f"not cover it\n  next: if it is a guest's, {next_step}; if not, remove it "
                f"yourself first (`ip link set {port} nomaster`)"
                for port in facts.ports.get(bridge, ())
                if not ports.covers(port) and port not in ours
            ]
    return found


def _ports_of_others(plan: NodePlan, facts: NodeFacts) -> list[str]:
    """A NIC, bond or VLAN that is in a bridge which none of the managed files makes."""
    if not any(is_interfaces(change.file) for change in plan.changes):
        return []
    files = [change for change in plan.files if is_interfaces(change.file)]
    before = [bridge_ports(change.before.text or "") for change in files]
    after = [bridge_ports(change.after.text or "") for change in files]
    tunnels = {name for change in files for name in _vxlans(change.after.text or "")}
    holders = {port: bridge for bridge, ports in facts.ports.items() for port in ports}
    return [
        f"port {port} of bridge {bridge} is in bridge {holders[port]}, and would be taken from it"
        f"\n  next: name another port in fabric.yaml, or take it off {holders[port]} yourself "
        f"first, where that is defined and in force (`ip link set {port} nomaster`)"
        for made in after
        for bridge, ports in made.items()
        for port in ports.named
        if port not in tunnels
        and holders.get(port, bridge) != bridge
        and not any(holders[port] in named for named in (*before, *after))
    ]


def _vxlans(interfaces: str) -> set[str]:
    stanzas = parse_interfaces(interfaces).stanzas
    return {
        stanza.name
        for stanza in stanzas
        if any("vxlan" in (*key.split("-"), *value.split()) for key, value in stanza.options)
    }
