"""VLANs of bridges: `bridge -j vlan show`, `vlan tunnelshow` and `vni show`, a line each."""

from __future__ import annotations

from typing import Required

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from overlay.vlan_records import BridgeVlans
from parsers._json import KEEP, printed, read_json, wrong
from parsers._text import count, split_lines, unaccounted

SHOWN = "bridge -j vlan show"
TUNNELS = "bridge -j vlan tunnelshow"
FILTERS = "bridge -j vni show"
_COMMANDS = (SHOWN, TUNNELS, FILTERS)
# A port has no more VLANs, and no more VNIs map to them.
_MOST = 4096


@with_config(KEEP)
class _Vlan(TypedDict, total=False):
    vlan: Required[int]
    vlanEnd: int
    flags: list[str]


@with_config(KEEP)
class _Tunnel(TypedDict, total=False):
    vlan: Required[int]
    vlanEnd: int
    tunid: Required[int]
    tunidEnd: int


@with_config(KEEP)
class _Vni(TypedDict, total=False):
    vni: Required[int]
    vniEnd: int


@with_config(KEEP)
class _Port(TypedDict, total=False):
    ifname: Required[str]
    vlans: list[_Vlan]
    tunnels: list[_Tunnel]
    vnis: list[_Vni]


_PORTS = TypeAdapter(list[_Port])


def parse_bridge_vlans(text: str) -> BridgeVlans:
    """The VLANs of each port, what they map to, and the VNIs that a device takes packets of.

    Raises ParseError for anything but the three outputs, each on a line.
    """
    lines = split_lines(text)
    if len(lines) != len(_COMMANDS):
        found = f"{count(len(lines), 'line')}, not one of each of {', '.join(_COMMANDS)}"
        raise unaccounted("; ".join(_COMMANDS), found, lines, ())
    shown, tunnels, filters = (
        {port["ifname"]: port for port in read_json(command, line, _PORTS)}
        for command, line in zip(_COMMANDS, lines, strict=True)
    )
    return BridgeVlans(
        ports={
            name: {
                vlan: frozenset(it.get("flags", ()))
                for it in port.get("vlans", ())
                for vlan in _range(SHOWN, it["vlan"], it.get("vlanEnd"))
            }
            for name, port in shown.items()
        },
        tunnels={
            name: {vlan: vni for it in port.get("tunnels", ()) for vlan, vni in _pairs(it)}
            for name, port in tunnels.items()
        },
        filters={
            name: frozenset(
                vni
                for it in port.get("vnis", ())
                for vni in _range(FILTERS, it["vni"], it.get("vniEnd"))
            )
            for name, port in filters.items()
        },
        text={name: printed(port) for name, port in shown.items()},
        tunnel_text={name: printed(port) for name, port in tunnels.items()},
        filter_text={name: printed(port) for name, port in filters.items()},
    )


def _pairs(tunnel: _Tunnel) -> list[tuple[int, int]]:
    """A range of VLANs maps to one of VNIs, one by one."""
    vlans = _range(TUNNELS, tunnel["vlan"], tunnel.get("vlanEnd"))
    vnis = _range(TUNNELS, tunnel["tunid"], tunnel.get("tunidEnd"))
    if len(vlans) != len(vnis):
        raise wrong(TUNNELS, (), "as many VLANs as VNIs", tunnel)
    return list(zip(vlans, vnis, strict=True))


def _range(command: str, first: int, last: int | None) -> range:
    if last is not None and not first <= last < first + _MOST:
        raise wrong(command, (), "not a range", [first, last])
    return range(first, (first if last is None else last) + 1)
