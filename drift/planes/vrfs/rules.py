"""Policy routing rules: the kernel's own for VRFs, and none before it that takes guests."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from drift.applies import with_vrfs
from drift.causes import overtakes
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check, Depth
from drift.plane import Plane
from drift.planes.vrfs.tables import vrf_by_table
from overlay.outputs import IP6_ROUTE, IP6_RULE, IP_LINK, IP_ROUTE, IP_RULE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import RawFinding
    from drift.view import HostView
    from overlay.host_records import Rule

    Networks = list[ipaddress.IPv4Network | ipaddress.IPv6Network]

VRF_RULE = Check(
    "vrf-rule",
    CRITICAL,
    "routing rule diverts a VRF",
    "Of IPv4 and IPv6 the kernel has its rule for VRFs (`l3mdev`), and no rule before it takes "
    "packets of guests.",
    "Guests' packets are dropped, or go by another table than that of their VRF. By the table "
    "`local` they get to the node itself and its underlay. A rule that only takes those to "
    "addresses outside the VRFs' networks is a warning, as is one that leads to an empty table.",
    (IP_RULE, IP_LINK),
    reads=(IP6_RULE, IP_ROUTE, IP6_ROUTE),
    applies=with_vrfs,
    confirm="ip rule show; ip -6 rule show",
    remedy="`ip rule del pref 500` with the number that is shown. A rule of the node's own, such "
    "as one for its management network, belongs behind the kernel's: give it a priority above "
    "1000, or name its source. The kernel's own: `ip rule add l3mdev pref 1000`, and behind it, as "
    "ifupdown2 moves it, `ip rule add pref 32765 lookup local; ip rule del pref 0`.",
    explains=overtakes,
    depth=Depth.PROTOCOL,
)


def examine_rules(view: HostView) -> Iterator[RawFinding]:
    """The rules of both families, as far as they were read."""
    for family, slug, rules in (
        ("IPv4", IP_RULE, view.state.rules),
        ("IPv6", IP6_RULE, view.state.ipv6_rules),
    ):
        if rules is not None:
            yield from _of_family(view, family, slug, rules)


def _of_family(
    view: HostView, family: str, slug: str, rules: tuple[Rule, ...]
) -> Iterator[RawFinding]:
    place = next((at for at, rule in enumerate(rules) if rule.to_vrf), None)
    if place is None:
        yield VRF_RULE.found(
            view.host,
            f"{family} rule l3mdev",
            "missing",
            "lookup [l3mdev-table]",
            None,
            what="routing rule",
            evidence=lines(slug, [rule.text for rule in rules]),
            about=About(group=("vrf-rule", view.host)),
        )
        return
    networks = _networks(view)
    for rule in rules[:place]:
        if _takes_guests(view, rule, networks):
            yield VRF_RULE.found(
                view.host,
                rule_name(family, rule),
                "extra",
                None,
                f"{rule.action} {rule.table}" if rule.table else rule.action,
                what="routing rule before those of the VRFs",
                evidence=lines(slug, [rule.text]),
                severity=WARNING if _harmless(view, rule, networks) else None,
                about=About(group=("vrf-rule", view.host)),
            )


def _harmless(view: HostView, rule: Rule, networks: Networks) -> bool:
    """What is for nobody there, and what the kernel looks up elsewhere, since it finds nothing."""
    if not _overlaps(rule.target, networks):
        return True
    looked_up = rule.table is not None and view.state.routes is not None
    return looked_up and all(route.table != rule.table for route in view.kernel.all)


def _takes_guests(view: HostView, rule: Rule, networks: Networks) -> bool:
    if rule.action == "nop" or rule.narrowed:
        return False
    ours = {bridge.name for bridge in view.node.bridges} | {vrf.name for vrf in view.node.vrfs}
    if rule.device is not None and rule.device not in ours:
        return False
    return rule.table not in vrf_by_table(view) and _overlaps(rule.source, networks)


def rule_name(family: str, rule: Rule) -> str:
    """What a finding calls it: its priority and whom it takes."""
    said = (("from", rule.source), ("to", rule.target), ("iif", rule.device))
    whom = "".join(f" {word} {value}" for word, value in said if value is not None)
    return f"{family} rule {rule.priority}{whom}"


def _networks(view: HostView) -> Networks:
    """Those of the node's VRFs that have a gateway here."""
    return [
        ipaddress.ip_interface(address).network
        for bridge in view.node.bridges
        if bridge.vrf is not None
        for address in bridge.addresses
    ]


def _overlaps(prefix: str | None, networks: Networks) -> bool:
    """True for everybody, and for a prefix that has addresses of those networks."""
    if prefix is None:
        return True
    asked = ipaddress.ip_network(prefix)
    return any(asked.version == it.version and asked.overlaps(it) for it in networks)


PLANE = Plane(examine_rules, (VRF_RULE,))
