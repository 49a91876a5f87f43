"""A simulated node's records as the node prints them: what a snapshot of it holds."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from overlay.records import RawOutput
from tests.simulated.outputs import PrintedState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from overlay.records import BridgePort, EvpnPath, EvpnTable, FdbEntry, HostState, Link

_INDENT = " " * 20
_LEGEND = """\
Status codes: s suppressed, d damped, h history, * valid, > best, i - internal
Origin codes: i - IGP, e - EGP, ? - incomplete
EVPN type-1 prefix: [1]:[EthTag]:[ESI]:[IPlen]:[VTEP-IP]:[Frag-id]
EVPN type-2 prefix: [2]:[EthTag]:[MAClen]:[MAC]:[IPlen]:[IP]
EVPN type-3 prefix: [3]:[EthTag]:[IPlen]:[OrigIP]
EVPN type-4 prefix: [4]:[ESI]:[IPlen]:[OrigIP]
EVPN type-5 prefix: [5]:[EthTag]:[IPlen]:[IP]

   Network          Next Hop            Metric LocPrf Weight Path
"""


def outputs_of(state: HostState) -> dict[str, RawOutput]:
    """Every output of a state of `tests.simulated`, by slug, as its commands print it."""
    assert isinstance(state, PrintedState)
    texts = {
        "ip_link": "".join(map(_link, (state.links or {}).values())),
        "bridge_fdb": "".join(map(_fdb, state.fdb or ())),
        **{
            slug: said if isinstance(said, str) else _as_json(said)
            for slug, said in state.printed.items()
        },
        **state.files,
    }
    texts["bridge_fdb_later"] = texts["bridge_fdb"]
    if state.evpn is not None:
        texts["bgp_l2vpn_evpn"] = _table(state.evpn)
    return {slug: RawOutput(text) for slug, text in texts.items()}


def _as_json(said: object) -> str:
    """As iproute2 and FRR print it: without blanks, and of a route first what it leads to."""
    if isinstance(said, list) and any("dst" in one for one in said):
        said = [_as_iproute2(place, one) for place, one in enumerate(said)]
    return json.dumps(said, separators=(",", ":"))


def _as_iproute2(place: int, said: dict[str, object]) -> dict[str, object]:
    first = {key: said[key] for key in ("type", "dst") if key in said}
    # Each node counts its next hops by itself.
    return first | ({"nhid": 7 + place} if "gateway" in said else {}) | said


def _fdb(entry: FdbEntry) -> str:
    words = [entry.mac, "dev", str(entry.device)]
    if entry.dst:
        words += ["dst", entry.dst]
    if entry.vlan:
        words += ["vlan", str(entry.vlan)]
    if entry.src_vni:
        words += ["src_vni", str(entry.src_vni)]
    words += sorted(entry.flags)
    if entry.master:
        words += ["master", entry.master]
    return " ".join([*words, entry.state]).rstrip() + " \n"


def _link(link: Link) -> str:
    master = f" master {link.master}" if link.master else ""
    name = f"{link.name}@{link.parent}" if link.parent else link.name
    head = f"{link.index}: {name}: <{','.join(link.flags)}> mtu {link.mtu}"
    lines = [
        f"{head} qdisc noqueue{master} state UP mode DEFAULT group default qlen 1000",
        f"    link/ether {link.mac or '02:00:00:00:00:00'} brd ff:ff:ff:ff:ff:ff promiscuity 0 ",
    ]
    if link.vxlan is not None:
        its = link.vxlan
        where = f" group {its.group}" if its.group else ""
        where += f" local {its.local}" if its.local else ""
        where += f" dev {its.device}" if its.device else ""
        learning = "learning" if its.learning else "nolearning"
        more = "external vnifilter " if its.external else ""
        lines.append(
            f"    vxlan id {its.vni}{where} srcport 0 0 dstport {its.dstport} {more}{learning} "
            "ttl auto "
        )
    elif link.bridge is not None:
        its_vlans = int(link.bridge.vlan_filtering or 0)
        lines.append(
            f"    bridge forward_delay 0 stp_state {link.bridge.stp_state} "
            f"vlan_filtering {its_vlans} "
        )
    elif link.kind == "vlan":
        lines.append(f"    vlan protocol 802.1Q id {link.vlan} <REORDER_HDR> ")
    elif link.kind == "vrf":
        lines.append(f"    vrf table {link.vrf_table} ")
    elif link.kind:
        lines.append(f"    {link.kind} ")
    else:
        lines.append("    tun type tap ")
    if link.bridge_port is not None:
        lines.append(f"    bridge_slave {_port(link.bridge_port)} ")
    return "\n".join(lines) + "\n"


def _port(port: BridgePort) -> str:
    words = [f"state {port.state}"] if port.state else []
    for word in ("learning", "flood", "mcast_flood", "neigh_suppress", "isolated", "vlan_tunnel"):
        value = getattr(port, word)
        if value is not None:
            words.append(f"{word} {'on' if value else 'off'}")
    return " ".join(words)


def _table(table: EvpnTable) -> str:
    if table.said is not None:
        return f"{table.said}\n"
    head = f"BGP table version is 5, local router ID is {table.router_id}\n{_LEGEND}"
    ordered = sorted(table.paths, key=lambda path: path.rd)
    prefixes = len({(path.rd, path.prefix) for path in ordered})
    foot = f"\nDisplayed {prefixes} out of {len(ordered)} total prefixes\n"
    return head + "".join(_blocks(ordered)) + foot


def _blocks(paths: Iterable[EvpnPath]) -> Iterator[str]:
    for rd, own in itertools.groupby(paths, key=lambda path: path.rd):
        yield f"Route Distinguisher: {rd}\n"
        for path in own:
            mine = path.weight == 32768
            said = [f"RT:{target}" for target in path.route_targets]
            said += list(path.extended)
            said += [f"Rmac:{path.rmac}"] if path.rmac else []
            numbers = f"{'':17}{32768:>7}" if mine else f"{'':10}{100:>7}{0:>7}"
            yield (
                f"{path.status}{' ' if mine else 'i'}{path.prefix}\n"
                f"{_INDENT}{path.next_hop:<16}{numbers} i\n"
                f"{_INDENT}{' '.join(said)}\n"
            )
