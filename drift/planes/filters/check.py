"""Packet filters and IPsec: nothing in the kernel drops what the overlay carries."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from typing import TYPE_CHECKING

from drift.applies import with_vnis
from drift.causes import Broken
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check, Depth
from drift.plane import Plane
from drift.planes.filters.packets import Carried
from drift.planes.filters.walk import Fate, walk
from overlay.outputs import BRIDGE_FDB, IP_LINK, IPSEC_POLICIES, PACKET_FILTERS, SYSCTL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.model import Cause, Owner, RawFinding, Severity
    from drift.planes.filters.packets import Traffic
    from drift.planes.filters.walk import Verdict
    from drift.view import HostView
    from overlay.records import IpsecPolicy, PacketChain

    Chains = Mapping[tuple[str, str], Mapping[str, PacketChain]]

# A firewall of Proxmox filters single guests, whose owners want it so.
_OF_PROXMOX = "proxmox-firewall"
_VXLAN = "udp"


def _breaks(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    host, about = raw.finding.host, raw.about
    if about.underlay:
        yield Broken.UNDERLAY, host
    for vni in about.vnis:
        yield Broken.VNI, host, vni


PACKET_FILTER = Check(
    "packet-filter",
    CRITICAL,
    "packet filter drops the overlay's traffic",
    "No chain of nftables (rules of iptables in it, too) and no policy of IPsec (one that asks for "
    "an association which is not there, too) drops VXLAN packets, BGP, what guests send to other "
    "networks, or their frames on a bridge: neither by its policy nor by a rule that takes them "
    "for certain.",
    "Guests' packets are lost in the kernel, and no other output shows it. A filter that drops "
    "some of them (pings, one address) is a warning, and so is one that drops what no rule lets "
    "pass, where not all of its rules are understood. Of rules of iptables' old kind (legacy) and "
    "of what they match by extensions nothing is known.",
    (PACKET_FILTERS,),
    reads=(IPSEC_POLICIES, SYSCTL, IP_LINK, BRIDGE_FDB),
    applies=with_vnis,
    confirm="nft list ruleset; ip xfrm policy show; ip xfrm state list nokeys",
    remedy="Let pass what is named, before the rule that is shown: `nft insert rule inet filter "
    "forward iifname vrf1 accept`, `nft insert rule inet filter input udp dport 4789 accept`. "
    "`iptables --policy FORWARD DROP` is often Docker's; frames on bridges pass it where "
    "`sysctl net.bridge.bridge-nf-call-iptables` is 1. A policy: `ip xfrm policy delete dir out "
    "src 192.168.0.0/24 dst 192.168.0.0/24`. A filter that is meant to be there belongs into "
    "suppressions.yaml.",
    explains=_breaks,
    depth=Depth.DEVICE + 5,
)


def examine_filters(view: HostView) -> Iterator[RawFinding]:
    """Each base chain and each policy: one finding of all that it drops."""
    chains = view.state.packet_chains or ()
    by_table: dict[tuple[str, str], dict[str, PacketChain]] = defaultdict(dict)
    for chain in chains:
        by_table[chain.family, chain.table][chain.name] = chain
    carried = Carried(view)
    for chain in chains:
        if chain.hook and _may_drop(chain, by_table[chain.family, chain.table]):
            yield from _of_chain(view, chain, by_table, carried)
    for policy in view.state.ipsec_policies or ():
        if policy.blocks or policy.unmet:
            yield from _of_policy(view, policy)


def _may_drop(chain: PacketChain, table: Mapping[str, PacketChain]) -> bool:
    """False for most chains: neither its policy nor any rule in its table drops."""
    drops = {"drop", "reject"}
    return chain.policy in drops or any(
        rule.verdict in drops for it in table.values() for rule in it.rules
    )


def _of_chain(
    view: HostView, chain: PacketChain, tables: Chains, carried: Carried
) -> Iterator[RawFinding]:
    table = tables[chain.family, chain.table]
    found: list[tuple[Severity, Traffic, list[Verdict]]] = []
    for traffic in carried.by(chain):
        verdicts = [walk(chain, table, sample) for sample in traffic.samples]
        severity = _severity(traffic, verdicts)
        if severity is not None:
            found.append((severity, traffic, verdicts))
    if chain.table.startswith(_OF_PROXMOX):
        found = [it for it in found if it[0] is CRITICAL]
    if not found:
        return
    worst = min((severity for severity, _, _ in found), key=lambda it: it.rank)
    gravest = [(traffic, verdicts) for severity, traffic, verdicts in found if severity is worst]
    rules = {v.rule: None for _, verdicts in gravest for v in verdicts if v.rule is not None}
    policy = f"{chain.hook} policy {chain.policy}"
    yield PACKET_FILTER.found(
        view.host,
        f"nftables {chain.family} {chain.table} {chain.name}",
        "extra",
        None,
        list(dict.fromkeys(traffic.what for traffic, _ in gravest)),
        what="drops" if worst is CRITICAL else "may drop, or drops some of,",
        evidence=lines(PACKET_FILTERS, [policy, *(rule.text for rule in rules)]),
        severity=worst,
        about=_about([traffic for traffic, _ in gravest]),
    )


def _severity(traffic: Traffic, verdicts: list[Verdict]) -> Severity | None:
    """Critical where one sample is dropped for certain, and none passes for certain."""
    fates = {verdict.fate for verdict in verdicts}
    if fates == {Fate.PASSED}:
        return None
    if Fate.DROPPED in fates and Fate.PASSED not in fates:
        return WARNING if traffic.perhaps else CRITICAL
    if traffic.guarded:
        return None
    vital = any(sample.vital for sample in traffic.samples)
    return CRITICAL if vital and Fate.SOME_DROPPED in fates else WARNING


def _about(lost: list[Traffic]) -> About:
    return About(
        underlay=any(it.about.underlay for it in lost),
        vnis=frozenset(it.about.vni for it in lost if it.about.vni is not None),
    )


def _of_policy(view: HostView, policy: IpsecPolicy) -> Iterator[RawFinding]:
    """What a policy that blocks takes: VXLAN packets, or what guests send to other networks."""
    lost = _blocked(view, policy)
    if lost is None or any(_goes_first(it, policy) for it in view.state.ipsec_policies or ()):
        return
    severity, what = lost
    takes = f"src {policy.source} dst {policy.target}"
    yield PACKET_FILTER.found(
        view.host,
        f"IPsec policy {policy.direction} {takes}",
        "extra",
        None,
        what,
        what="blocks" if policy.blocks else "asks for an association, which is not there, of",
        evidence=lines(IPSEC_POLICIES, [policy.text]),
        severity=severity,
        about=About(underlay=policy.direction != "fwd"),
    )


def _blocked(view: HostView, policy: IpsecPolicy) -> tuple[Severity, str] | None:
    source, target = map(ipaddress.ip_network, (policy.source, policy.target))
    if policy.direction == "fwd":
        networks = [
            ipaddress.ip_interface(address).network
            for bridge in view.node.bridges
            if bridge.routed and bridge.vrf is not None
            for address in bridge.addresses
        ]
        if not (any(map(source.overlaps, networks)) and any(map(target.overlaps, networks))):
            return None
        holds = [it for it in networks if it.version == source.version and _holds(source, it)]
        whole = bool(holds) and not (policy.protocol or policy.port or policy.narrowed)
        return CRITICAL if whole else WARNING, "what guests send to other networks"
    ours = ipaddress.ip_network(view.node.address)
    vteps = {it for vxlan in view.node.vxlans for it in view.intent.vteps.get(vxlan.vni, ())}
    theirs = [ipaddress.ip_network(vtep) for vtep in vteps - {view.node.address}]
    here, there = (source, target) if policy.direction == "out" else (target, source)
    ports = {str(vxlan.dstport) for vxlan in view.node.vxlans}
    if policy.protocol not in {"", _VXLAN} or policy.port not in {"", *ports}:
        return None
    if not here.overlaps(ours) or not any(map(there.overlaps, theirs)):
        return None
    way = "to" if policy.direction == "out" else "from"
    return WARNING if policy.narrowed else CRITICAL, f"VXLAN packets {way} other VTEPs"


def _goes_first(other: IpsecPolicy, policy: IpsecPolicy) -> bool:
    """Whether all that a policy takes is let pass by another one, which is asked before it."""
    return (
        other.direction == policy.direction
        and other.priority < policy.priority
        and not (other.blocks or other.unmet or other.narrowed)
        and other.protocol in {"", policy.protocol}
        and other.port in {"", policy.port}
        and all(
            outer.version == inner.version and _holds(outer, inner)
            for outer, inner in (
                (ipaddress.ip_network(other.source), ipaddress.ip_network(policy.source)),
                (ipaddress.ip_network(other.target), ipaddress.ip_network(policy.target)),
            )
        )
    )


def _holds(
    outer: ipaddress.IPv4Network | ipaddress.IPv6Network,
    inner: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> bool:
    return int(outer.network_address) <= int(inner.network_address) and int(
        inner.broadcast_address
    ) <= int(outer.broadcast_address)


PLANE = Plane(examine_filters, (PACKET_FILTER,))
