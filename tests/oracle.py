"""The JSON forms of the three commands as observed records: what the text parsers must equal.

The JSON of the same moment is an independent witness: it shares no code and no text with TTP. The
records carry no `text`, which takes no part in equality. Used on recordings and on the live lab.
"""

from __future__ import annotations

from typing import Any

from overlay.records import (
    BridgeDetail,
    BridgePort,
    EvpnPath,
    EvpnTable,
    FdbEntry,
    Link,
    VxlanDetail,
)

Json = dict[str, Any]

_ORIGINS = {"IGP": "i", "EGP": "e", "incomplete": "?"}


def fdb_from_json(document: list[Json]) -> tuple[FdbEntry, ...]:
    """`bridge -j fdb show`."""
    return tuple(_fdb_entry(entry) for entry in document)


def _fdb_entry(entry: Json) -> FdbEntry:
    used = f"{entry['used']}/{entry['updated']}" if "used" in entry else None
    via = f"ifindex {entry['viaIfIndex']}" if "viaIfIndex" in entry else entry.get("viaIf")
    flags = [*entry["flags"], *(name for name in ("activity_notify", "inactive") if name in entry)]
    return FdbEntry(
        mac=entry["mac"],
        device=entry.get("ifname"),
        dst=entry.get("dst"),
        vlan=entry.get("vlan"),
        vni=entry.get("vni"),
        src_vni=entry.get("src_vni"),
        port=str(entry["port"]) if "port" in entry else None,
        via=via,
        nhid=entry.get("nhid"),
        link_netnsid=entry.get("linkNetNsId"),
        master=entry.get("master"),
        state=entry["state"],
        flags=tuple(sorted(flags)),
        used=used,
    )


def links_from_json(document: list[Json]) -> tuple[Link, ...]:
    """`ip -d -j link show`."""
    return tuple(_link(link) for link in document if link)


def _link(link: Json) -> Link:
    info = link.get("linkinfo", {})
    kind, data = info.get("info_kind"), info.get("info_data", {})
    port_kind, port = info.get("info_slave_kind"), info.get("info_slave_data", {})
    address = link.get("address", "")
    return Link(
        index=link["ifindex"],
        name=link["ifname"],
        parent=_parent(link),
        flags=tuple(link["flags"]),
        mtu=link["mtu"],
        state=link["operstate"],
        master=link.get("master"),
        link_type=link["link_type"],
        mac=address if ":" in address and link["link_type"] in {"ether", "loopback"} else None,
        kind=kind,
        port_kind=port_kind,
        altnames=tuple(link.get("altnames", ())),
        vxlan=_vxlan(data) if kind == "vxlan" else None,
        bridge=_bridge(data) if kind == "bridge" else None,
        bridge_port=_bridge_port(port) if port_kind == "bridge" else None,
        vrf_table=data.get("table") if kind == "vrf" else None,
        vlan=data.get("id") if kind == "vlan" else None,
        macvlan=data.get("mode") if kind in {"macvlan", "macvtap"} else None,
    )


def _parent(link: Json) -> str | None:
    if "link" in link:
        return link["link"] or "NONE"
    return f"if{link['link_index']}" if "link_index" in link else None


def _vxlan(data: Json) -> VxlanDetail:
    # `ttl inherit` has no JSON form; 0 is printed `auto`.
    ttl = data.get("ttl")
    return VxlanDetail(
        vni=data.get("id"),
        local=data.get("local", data.get("local6")),
        group=data.get("group", data.get("group6")),
        remote=data.get("remote", data.get("remote6")),
        device=data.get("link"),
        dstport=data.get("port"),
        learning=data["learning"],
        external=bool(data.get("external")),
        ttl=None if ttl is None else str(ttl or "auto"),
        ageing=data.get("ageing"),
        vnifilter=bool(data.get("vnifilter")),
    )


def _bridge(data: Json) -> BridgeDetail:
    return BridgeDetail(
        stp_state=data["stp_state"],
        vlan_filtering=bool(data["vlan_filtering"]),
        ageing_time=data["ageing_time"],
        forward_delay=data["forward_delay"],
        learnt=data.get("fdb_n_learned"),
        most_learnt=data.get("fdb_max_learned"),
    )


def _bridge_port(port: Json) -> BridgePort:
    return BridgePort(
        state=port["state"],
        learning=port.get("learning"),
        flood=port.get("flood"),
        mcast_flood=port.get("mcast_flood"),
        bcast_flood=port.get("bcast_flood"),
        neigh_suppress=port.get("neigh_suppress"),
        isolated=port.get("isolated"),
        hairpin=port.get("hairpin"),
        locked=port.get("locked"),
        vlan_tunnel=port.get("vlan_tunnel"),
    )


def evpn_from_json(document: Json) -> EvpnTable:
    """`show bgp l2vpn evpn json` (FRR 8.4 on), in its order."""
    paths = tuple(
        _path(rd, route["prefix"], path)
        for rd, table in document.items()
        if isinstance(table, dict) and "rd" in table
        for key, route in table.items()
        if key.startswith("[")
        for path in _flat(route["paths"])
    )
    return EvpnTable(paths=paths, router_id=document.get("bgpLocalRouterId"), empty=not paths)


def _flat(paths: list[Any]) -> list[Json]:
    """Older versions wrap every path in a list of its own."""
    return [part for path in paths for part in (path if isinstance(path, list) else [path])]


def _path(rd: str, prefix: str, path: Json) -> EvpnPath:
    words = path.get("extendedCommunity", {}).get("string", "").split()
    route_type = path["routeType"]
    mobility = next((word for word in words if word.startswith("MM:")), None)
    return EvpnPath(
        rd=rd,
        prefix=prefix,
        route_type=route_type,
        eth_tag=path.get("ethTag"),
        mac=path.get("mac"),
        ip=path.get("ip"),
        prefix_length=path.get("ipLen") if route_type == 5 else None,
        esi=path.get("esi"),
        status=_status(path),
        next_hop=path["nexthops"][0]["ip"],
        metric=path.get("metric"),
        local_pref=path.get("locPrf"),
        weight=path["weight"],
        as_path=path["path"],
        origin=_ORIGINS[path["origin"]],
        route_targets=tuple(w.removeprefix("RT:") for w in words if w.startswith("RT:")),
        extended=_other_communities(words),
        rmac=next((w.removeprefix("Rmac:") for w in words if w.startswith("Rmac:")), None),
        mobility_sequence=int(mobility[3:].rstrip(",")) if mobility else None,
        sticky="sticky" in words,
    )


def _other_communities(words: list[str]) -> tuple[str, ...]:
    """All but the route targets; the few that hold a blank are put together again."""
    line = " ".join(word for word in words if not word.startswith("RT:"))
    for phrase in ("Default Gateway", "ND:Router Flag", ", sticky MAC"):
        line = line.replace(phrase, phrase.replace(" ", "\0"))
    return tuple(word.replace("\0", " ") for word in line.split())


def _status(path: Json) -> str:
    """The letters that the table shows for the same path."""
    marks = [("removed", "R"), ("stale", "S"), ("suppressed", "s"), ("valid", "*")]
    first = next((letter for name, letter in marks if path.get(name)), "")
    marks = [("history", "h"), ("unsorted", "u"), ("damped", "d"), ("bestpath", ">")]
    second = next(
        (letter for name, letter in marks if path.get(name)), "=" if path.get("multipath") else ""
    )
    return first + second + ("i" if path.get("pathFrom") == "internal" else "")
