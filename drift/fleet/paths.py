"""Paths between VTEPs that were asked for (`audit --probe`): pings, and one packet of VXLAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.applies import with_probes
from drift.causes import Broken, between, peer_of
from drift.evidence import lines
from drift.model import CRITICAL, About, Check, Depth, Pairwise
from drift.plane import Across
from overlay.outputs import BRIDGE_FDB, PROBE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.facts.shared import Shared
    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import FabricIntent
    from overlay.host_records import Probe

    # By VNI and MAC, the VTEP that the kernel of a node sends to.
    _Tunnels = dict[tuple[int | None, str | None], str | None]

_LOST = "lost"
_OK = "ok"


def _stops_all(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    if raw.about.vni is None:
        host, peer = raw.finding.host, peer_of(raw, owner)
        yield Broken.PATH, *sorted((host, peer))
        yield between(host, peer)


def _from_either_node(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    vni, vrf = raw.about.vni, raw.about.vrf
    yield Broken.SOURCE, raw.about.peer
    for host in (peer_of(raw, owner), raw.finding.host):
        yield Broken.UNDERLAY, host
        if vni is not None:
            yield Broken.VNI, host, vni
            yield Broken.VRF, host, vrf
            yield Broken.ROUTING, host, vni
            yield Broken.L3VNI, host, vni
            yield Broken.KERNEL, host
            yield Broken.GATEWAY, host


VTEP_UNREACHABLE = Check(
    "vtep-unreachable",
    CRITICAL,
    "VTEP unreachable",
    "With `--probe`: each VTEP that was asked answers pings, and a VXLAN packet with an ARP probe "
    "for a gateway.",
    "What guests send to that VTEP is lost, whatever BGP says.",
    (PROBE, BRIDGE_FDB),
    by_probe=True,
    applies=with_probes,
    confirm="ping -c 3 192.168.0.2; tcpdump -ni vmbr0 udp port 4789",
    remedy="If pings are lost, look at the cable, the switch and the routes between. If they pass "
    "and VXLAN does not, something drops UDP port 4789, in one direction or both: an access list "
    "of a switch, or a firewall on one of the nodes (`nft list ruleset`). `tcpdump` on both nodes "
    "while a guest pings shows where the packets end.",
    explains=_stops_all,
    follows=_from_either_node,
    depth=Depth.CARRIER + 5,
    pairwise=Pairwise.PATH,
    with_others=True,
    transient=True,
)


@dataclass(frozen=True, slots=True)
class _Facts:
    """The probes of a node that were lost, each with its VRF; and where its tunnels lead."""

    lost: tuple[tuple[Probe, str | None], ...]
    tunnels: _Tunnels


def _facts(view: HostView, _shared: Shared) -> _Facts:
    vrfs = {vni: vrf for vrf, vni in view.l3vni_by_vrf.items()}
    leads: _Tunnels = {
        (vxlan.vni, mac): entry.dst
        for vxlan in view.node.vxlans
        for mac, entry in view.tunnels.get(vxlan.name, {}).items()
    }
    probes = view.state.probes or ()
    paths = {probe.address: probe.answer for probe in probes if probe.vni is None}
    tunnels = {probe.address: probe.answer for probe in probes if probe.vni is not None}
    lost = []
    for probe in probes:
        if probe.answer != _LOST:
            continue
        # Some answer no ping, and pass all else.
        by_ping = probe.vni is None and tunnels.get(probe.address) != _OK
        by_vxlan = probe.vni is not None and paths.get(probe.address) != _LOST
        if by_ping or by_vxlan:
            lost.append((probe, vrfs.get(probe.vni or 0)))
    return _Facts(tuple(lost), leads)


class LostPaths:
    """What was not answered, and by whom an answer could have been given."""

    def __init__(self, intent: FabricIntent, _named: Mapping[bytes, object]) -> None:
        self._intent = intent
        self._lost: list[tuple[str, Probe, str | None]] = []
        self._tunnels: dict[str, _Tunnels] = {}

    def add(self, host: str, facts: _Facts) -> None:
        self._tunnels[host] = facts.tunnels
        self._lost += ((host, probe, vrf) for probe, vrf in facts.lost)

    def findings(self) -> Iterator[RawFinding]:
        said: set[tuple[str, str]] = set()
        for host, probe, vrf in self._lost:
            if (host, probe.address) in said:
                continue
            if probe.vni is None or self._could_answer(host, probe):
                said.add((host, probe.address))
                yield _unreachable(host, probe, vrf)

    def _could_answer(self, host: str, probe: Probe) -> bool:
        """The answer takes the tunnel that EVPN gave that node for the MAC: without, there is none.

        What is asked for a guest that has said nothing for a while, or moved, proves nothing.
        """
        known = self._tunnels.get(self._intent.owner.get(probe.address, ""), {})
        return known.get((probe.vni, probe.mac)) == self._intent.nodes[host].address


def _unreachable(host: str, probe: Probe, vrf: str | None) -> RawFinding:
    by_ping = probe.vni is None
    return VTEP_UNREACHABLE.found(
        host,
        f"VTEP {probe.address}",
        "missing",
        "an answer",
        None,
        attribute="ping" if by_ping else "VXLAN",
        what="pings" if by_ping else "VXLAN packets, though pings are answered",
        evidence=lines(PROBE, [probe.text]),
        about=About(peer=probe.address, vni=probe.vni, vrf=vrf),
    )


ACROSS = Across(VTEP_UNREACHABLE, _facts, LostPaths)
