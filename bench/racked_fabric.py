"""The inventory of a fabric in racks: leaves below two spines each, and two cores above all spines.

OSPF routes the underlay. All leaves carry all VNIs. In one AS, the first rack's spines are route
reflectors of all; with an AS for each rack, the spines of each reflect for its leaves and peer
with those of the other racks by eBGP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from make_inventory import UNDERLAY, network_line, write_files

if TYPE_CHECKING:
    from pathlib import Path

_FIRST_AS = 4_200_000_000
_CORES = ("core1", "core2")


def write_racks(
    folder: Path, *, nodes: int, rack: int, vnis: int, vrfs: int, several_as: bool
) -> None:
    """Writes the inventory: racks of `rack` nodes, `nodes` in all, and the two cores besides."""
    racks = [f"rack{number + 1:03d}" for number in range(nodes // rack)]
    links: dict[str, dict[str, str]] = {name: {} for name in _CORES}
    for name in racks:
        for spine in _spines(name):
            _link(links, spine, _CORES)
        for number in range(rack - 2):
            _link(links, f"{name}-leaf{number + 1}", _spines(name))
    reflectors = {spine for name in (racks if several_as else racks[:1]) for spine in _spines(name)}
    lines = [
        "name: racks",
        "mode: evpn",
        "routing: symmetric",
        f"underlay: {{prefix: {UNDERLAY}, protocol: ospf, bfd: true}}",
        "overlay: {gateway_mac: '44:39:39:ff:40:94'}",
        f"bgp: {{asn: {_FIRST_AS}, cluster_id: 1.1.1.1}}",
    ]
    if several_as:
        lines.append("groups:")
        lines += [
            f"  {name}: {{nodes: ['{name}-*'], asn: {_FIRST_AS + 1 + number}}}"
            for number, name in enumerate(racks)
        ]
    lines.append("vrfs:")
    lines += [f"  vrf{k}: {{l3vni: {900_000 + k}, bridge: brl3-{k}}}" for k in range(vrfs)]
    lines.append("networks:")
    lines += [network_line(j, j % vrfs) for j in range(vnis)]
    lines.append("nodes:")
    for number, (name, own) in enumerate(links.items()):
        role = "reflector" if name in reflectors else None if "-leaf" in name else "spine"
        said = f"role: {role}, " if role else ""
        ends = ", ".join(f"{port}: {{peer: {peer}}}" for port, peer in own.items())
        lines.append(f"  {name}: {{{said}address: {UNDERLAY[number + 1]}, interfaces: {{{ends}}}}}")
    write_files(folder, "\n".join(lines) + "\n", tuple(links))


def _spines(rack: str) -> tuple[str, str]:
    return f"{rack}-spine1", f"{rack}-spine2"


def _link(links: dict[str, dict[str, str]], below: str, above: tuple[str, str]) -> None:
    """A cable from one node to each of those above it, from the next free port of each."""
    for upper in above:
        for one, other in ((below, upper), (upper, below)):
            own = links.setdefault(one, {})
            own[f"eno{len(own) + 1}"] = other
