"""Rules about VRFs: their tables, the devices in them, and their L3VNIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adopt.hostfiles import FRR_CONF
from adopt.lint.finding import Finding, Level, at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adopt.devices import Device
    from adopt.hostfiles import Host

_TEMPLATE = ("%", "<")


def tables(hosts: Sequence[Host]) -> Iterator[Finding]:
    """Each VRF of a host has a table of its own."""
    for host in hosts:
        first: dict[int, Device] = {}
        for device in host.devices.values():
            table = device.number("vrf-table")
            if table is None:  # `auto`: ifupdown2 chooses a free one
                continue
            other = first.setdefault(table, device)
            if other is not device:
                yield at(
                    "vrf-table-used-twice",
                    host,
                    device.all("vrf-table")[:1],
                    f"table {table} is {other.name}'s (line {other.line}): the two VRFs have one "
                    "routing table",
                    f"give {device.name} a table of its own, or `vrf-table auto`",
                )


def members(hosts: Sequence[Host]) -> Iterator[Finding]:
    """The VRF that a device is put into has a stanza."""
    for host in hosts:
        if any(note.text.startswith(_TEMPLATE) for note in host.unread):
            continue  # what a template makes is not known
        for device in host.devices.values():
            for attribute in device.all("vrf")[:1]:
                if attribute.word and attribute.word not in host.devices:
                    yield at(
                        "vrf-without-stanza",
                        host,
                        (attribute,),
                        f"no stanza makes {attribute.word}: ifupdown2 leaves {device.name} outside "
                        "of any VRF",
                        f"add `auto {attribute.word}`, `iface {attribute.word}` and in it "
                        "`vrf-table auto`",
                    )


def l3vnis(hosts: Sequence[Host]) -> Iterator[Finding]:
    """The L3VNI of a VRF is a VXLAN device here, and its bridge is in that VRF."""
    for host in hosts:
        if host.singles or any(note.text.startswith(_TEMPLATE) for note in host.unread):
            continue
        by_vni = {device.vni: device for device in host.vxlans}
        served = {vrf for vni, (vrf, _) in host.l3vnis().items() if vni in by_vni}
        for vni, (vrf, line) in host.l3vnis().items():
            device = by_vni.get(vni)
            if device is None and vrf in host.devices and vrf not in served:
                yield Finding(
                    "l3vni-without-device",
                    Level.ERROR,
                    host.name,
                    FRR_CONF,
                    line.line,
                    f"no VXLAN device has VNI {vni}: nothing is routed to or from {vrf}",
                    f"make a VXLAN device of VNI {vni}, and a bridge for it in {vrf}",
                )
            bridge = host.bridge_of(device.name) if device else None
            if device and bridge and bridge.word("vrf") != vrf:
                yield at(
                    "l3vni-outside-its-vrf",
                    host,
                    bridge.all("vrf")[:1] or bridge.all("bridge-ports")[:1],
                    f"{bridge.name} carries the L3VNI {vni} of {vrf} and is not in it: FRR leaves "
                    "that L3VNI down",
                    f"write `vrf {vrf}` in its stanza",
                )


RULES = (tables, members, l3vnis)
