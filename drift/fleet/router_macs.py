"""Router MACs that several nodes use."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from drift.applies import with_l3vni
from drift.causes import Broken
from drift.evidence import lines
from drift.fleet.other_nodes import other_nodes
from drift.model import CRITICAL, About, Check
from drift.plane import Across
from overlay.expected import BridgeRole
from overlay.outputs import IP_LINK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.facts.shared import Shared
    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import FabricIntent

    # By L3VNI and MAC, the bridge that has it: its name and its lines.
    _Facts = Mapping[tuple[int, str], tuple[str, str]]


def _hides_routes(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    # FRR throws away what carries its own router MAC.
    yield Broken.ROUTER_MAC, raw.finding.host


RMAC_CONFLICT = Check(
    "rmac-conflict",
    CRITICAL,
    "router MAC used twice",
    "The bridges of an L3VNI have another MAC on each node.",
    "It is the router MAC of routed traffic: two nodes with one MAC take each other's.",
    (IP_LINK,),
    applies=with_l3vni,
    confirm="vtysh -c 'show evpn vni 4000'",
    remedy="Its router MAC is the MAC of vmbr4000: give one of the two a MAC of its own, `ip "
    "link set vmbr4000 address 02:00:00:00:00:01`. FRR discarded the other's routes as its own, "
    "so ask for them again: `vtysh -c 'clear bgp l2vpn evpn * soft in'`. Cloned "
    "nodes with one /etc/machine-id get one MAC for bridges of the same name (systemd's "
    "MACAddressPolicy=persistent): create that file again.",
    explains=_hides_routes,
)


def _router_macs(view: HostView, _shared: Shared) -> _Facts:
    found = {}
    for bridge in view.node.bridges:
        link = view.links.get(bridge.name)
        if bridge.role is BridgeRole.L3VNI and link is not None and link.mac is not None:
            found[view.vni_by_bridge[bridge.name], link.mac] = link.name, link.text
    return found


class RouterMacs:
    """Which nodes have which router MAC, by VNI."""

    def __init__(self, _intent: FabricIntent, _named: Mapping[bytes, object]) -> None:
        self._users: dict[tuple[int, str], dict[str, tuple[str, str]]] = defaultdict(dict)

    def add(self, host: str, facts: _Facts) -> None:
        for claim, bridge in facts.items():
            self._users[claim][host] = bridge

    def findings(self) -> Iterator[RawFinding]:
        for (vni, mac), users in sorted(self._users.items()):
            if len(users) < 2:
                continue
            for host, (bridge, text) in sorted(users.items()):
                yield RMAC_CONFLICT.found(
                    host,
                    bridge,
                    "changed",
                    "a MAC of its own",
                    mac,
                    attribute="router MAC",
                    what=f"router MAC (also on {other_nodes(users, host)})",
                    evidence=lines(IP_LINK, [text]),
                    about=About(device=bridge, vni=vni, group=("rmac-conflict", vni, mac)),
                )


ACROSS = Across(RMAC_CONFLICT, _router_macs, RouterMacs)
