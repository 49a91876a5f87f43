"""Tunnel sources that several nodes use."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from drift.causes import Broken
from drift.evidence import lines
from drift.model import CRITICAL, About, Check
from drift.plane import Across
from overlay.outputs import IP_LINK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.facts.shared import Shared
    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import FabricIntent

    # By address, the first device that sends from it: its name and its lines.
    _Facts = Mapping[str, tuple[str, str]]

_FEW = 5


def _takes_address(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    # That the address is another node's says more than that it is not this one's own.
    address = raw.about.peer
    if address in owner:
        yield Broken.TAKEN, raw.finding.host, address
        yield Broken.SOURCE, address


def _from_source(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    if raw.about.peer not in owner:
        yield Broken.SOURCE, raw.about.peer


VTEP_DUPLICATE = Check(
    "vtep-duplicate",
    CRITICAL,
    "VTEP address used twice",
    "No two nodes use one VTEP address as tunnel source.",
    "Answers to one node go to the other.",
    (IP_LINK,),
    confirm="ip -d link show type vxlan",
    remedy="Run that on each node that is named. The one that does not own the address gets "
    "its own back: `ip link set vxlan2 type vxlan id 2 local 192.168.0.1`. FRR discarded the "
    "owner's routes as its own, so ask for them again: `vtysh -c 'clear bgp l2vpn evpn * "
    "soft in'`. A cloned node has its origin's configuration.",
    explains=_takes_address,
    follows=_from_source,
)


def _sources(view: HostView, _shared: Shared) -> _Facts:
    found: dict[str, tuple[str, str]] = {}
    for vxlan in view.node.vxlans:
        link = view.links.get(vxlan.name)
        if link is not None and link.vxlan is not None and link.vxlan.local is not None:
            found.setdefault(link.vxlan.local, (link.name, link.text))
    return found


class TunnelSources:
    """Which nodes send from which address."""

    def __init__(self, intent: FabricIntent, _named: Mapping[bytes, object]) -> None:
        self._intent = intent
        self._sources: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)

    def add(self, host: str, facts: _Facts) -> None:
        for address, device in facts.items():
            self._sources[address][host] = device

    def findings(self) -> Iterator[RawFinding]:
        for address, users in sorted(self._sources.items()):
            if len(users) < 2:
                continue
            owner = self._intent.owner.get(address)
            for host, (device, text) in sorted(users.items()):
                if host == owner:
                    continue
                others = [user for user in users if user != host]
                yield VTEP_DUPLICATE.found(
                    host,
                    f"VTEP {address}",
                    "changed",
                    [owner] if owner else [host],
                    [host, *others[:_FEW]],
                    attribute="users",
                    evidence=lines(IP_LINK, [text]),
                    about=About(device=device, peer=address, group=("vtep-duplicate", address)),
                )


ACROSS = Across(VTEP_DUPLICATE, _sources, TunnelSources)
