"""What a check is: the catalogue's entries as data, and on which nodes they apply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.findings import Severity
from overlay.intent import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent, NodeIntent

    Concerns = Callable[[FabricIntent, NodeIntent], bool]

# Snapshot slugs, as the catalogue abbreviates them.
L = "ip_link"
F = "bridge_fdb"
B = "bgp_l2vpn_evpn"
SUMMARY = "evpn_summary"
VNIS = "evpn_vni"
ADDRESSES = "ip_address"

CRITICAL = Severity.CRITICAL
WARNING = Severity.WARNING


def anywhere(_intent: FabricIntent, _node: NodeIntent) -> bool:
    return True


def with_evpn(_intent: FabricIntent, node: NodeIntent) -> bool:
    return node.bgp is not None


def with_multicast(intent: FabricIntent, _node: NodeIntent) -> bool:
    return intent.fabric.mode is Mode.MULTICAST


def with_l3vni(_intent: FabricIntent, node: NodeIntent) -> bool:
    return any(vxlan.is_l3vni for vxlan in node.vxlans)


def with_gateways(_intent: FabricIntent, node: NodeIntent) -> bool:
    return any(bridge.routed for bridge in node.bridges)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `compares` is what it does in one sentence, `why` what its drift breaks.

    `needs` are snapshot slugs; `needs_in_evpn` those needed besides in evpn mode. A check with
    `by_vni` sorts routes by the VNI in their route targets. `concerns` says on which nodes of
    which fabric it has anything to compare: elsewhere it is neither run nor skipped.
    """

    id: str
    severity: Severity
    title: str
    compares: str
    why: str
    needs: tuple[str, ...]
    needs_in_evpn: tuple[str, ...] = ()
    by_vni: bool = False
    concerns: Concerns = anywhere

    def slugs(self, intent: FabricIntent) -> tuple[str, ...]:
        """The outputs that it needs in this fabric."""
        return self.needs + self.needs_in_evpn if intent.evpn else self.needs
