"""What a check is: the catalogue's entries as data, and on which nodes they apply."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drift.findings import Severity
from overlay.intent import Mode, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent, NodeIntent

    Concerns = Callable[[FabricIntent, NodeIntent], bool]
    NeedsOn = Callable[[NodeIntent], tuple[str, ...]]

# Snapshot slugs, as the catalogue abbreviates them.
L = "ip_link"
F = "bridge_fdb"
B = "bgp_l2vpn_evpn"
SUMMARY = "evpn_summary"
VNIS = "evpn_vni"
UNICAST = "bgp_summary"
ADDRESSES = "ip_address"
ROUTES = "ip_route"
GROUPS = "vrrp"
SETTINGS = "sysctl"
RUNNING = "running_config"

CRITICAL = Severity.CRITICAL
WARNING = Severity.WARNING


def file_slug(path: str) -> str:
    """The slug of a managed file's text: `/etc/frr/frr.conf` is `file_frr_conf`."""
    return "file_" + re.sub(r"\W", "_", path.rpartition("/")[2])


INTERFACES = file_slug("/etc/network/interfaces")
OVERLAY_INTERFACES = file_slug("/etc/network/interfaces.d/evpn-fleet")
FILES = tuple(
    map(file_slug, ("/etc/frr/frr.conf", "/etc/frr/daemons", "/etc/sysctl.d/90-evpn-fleet.conf"))
)


def files_on(node: NodeIntent) -> tuple[str, ...]:
    """The texts of a node's managed files, whose interfaces lie where its scope says."""
    return (INTERFACES if node.owns_underlay else OVERLAY_INTERFACES, *FILES)


def anywhere(_intent: FabricIntent, _node: NodeIntent) -> bool:
    return True


def with_evpn(_intent: FabricIntent, node: NodeIntent) -> bool:
    return node.bgp is not None


def with_evpn_vnis(_intent: FabricIntent, node: NodeIntent) -> bool:
    """A VTEP in EVPN mode; a reflector has no VNI of its own."""
    return node.bgp is not None and node.role is Role.VTEP


def with_vnis(_intent: FabricIntent, node: NodeIntent) -> bool:
    return node.role is Role.VTEP


def with_multicast(intent: FabricIntent, node: NodeIntent) -> bool:
    return intent.fabric.mode is Mode.MULTICAST and node.role is Role.VTEP


def with_l3vni(_intent: FabricIntent, node: NodeIntent) -> bool:
    return any(vxlan.is_l3vni for vxlan in node.vxlans)


def with_exits(intent: FabricIntent, node: NodeIntent) -> bool:
    """A node with a VRF that somebody routes to the outside."""
    return node.bgp is not None and any(
        intent.fabric.vrfs[vrf.name].exits for vrf in node.vrfs if vrf.l3vni is not None
    )


def with_way_out(_intent: FabricIntent, node: NodeIntent) -> bool:
    """An exit, or a router outside with its way back."""
    return node.router is not None or bool(node.bgp and node.bgp.exits)


def with_gateways(_intent: FabricIntent, node: NodeIntent) -> bool:
    return any(bridge.routed for bridge in node.bridges)


def with_vips(_intent: FabricIntent, node: NodeIntent) -> bool:
    return bool(node.vips)


def with_sysctls(_intent: FabricIntent, node: NodeIntent) -> bool:
    return bool(node.sysctls)


def with_frr(_intent: FabricIntent, node: NodeIntent) -> bool:
    """A node whose frr.conf says more than FRR does by itself."""
    return node.bgp is not None or node.router is not None or bool(node.vips)


def with_sessions(_intent: FabricIntent, node: NodeIntent) -> bool:
    return bool(session_slugs(node))


def session_slugs(node: NodeIntent) -> tuple[str, ...]:
    """What shows a node's sessions: EVPN ones, those of an exit with a router outside, or both."""
    outside = node.router.asn is not None if node.router else bool(node.bgp and node.bgp.upstreams)
    return ((SUMMARY,) if node.bgp else ()) + ((UNICAST,) if outside else ())


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `compares` is what it does in one sentence, `why` what its drift breaks.

    `confirm` is a shell command that shows the same by hand, `mend` what to do about it (commands
    in backticks); both name the things of an example (`drift.reference.EXAMPLE`).
    `needs` are snapshot slugs; `needs_in_evpn` those needed besides in evpn mode, and `needs_on`
    says otherwise by node. A check with `by_vni` sorts routes by the VNI in their route targets,
    one with `by_render` compares with the rendered files. `concerns` says on which nodes of
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
    by_render: bool = False
    needs_on: NeedsOn | None = None
    concerns: Concerns = anywhere
    confirm: str = field(kw_only=True)
    mend: str = field(kw_only=True)

    def slugs(self, intent: FabricIntent, node: NodeIntent) -> tuple[str, ...]:
        """The outputs that it needs on this node."""
        if self.needs_on is not None:
            return self.needs_on(node)
        return self.needs + self.needs_in_evpn if intent.evpn else self.needs
