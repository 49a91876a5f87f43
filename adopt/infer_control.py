"""The control plane: AS, VRFs and their exits, what ends there, reflectors, floating addresses."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from adopt.bgp import EVPN, is_number
from adopt.hostfiles import FRR_CONF
from adopt.infer_detection import detection_keys
from adopt.infer_systems import usual_asn
from adopt.infer_targets import of_vrf
from adopt.running.versions import oldest_frr
from adopt.survey import Word, word
from overlay.expected import EVERYTHING
from overlay.intent import FRR_WITH_IPV6_VTEPS, FRR_WITH_SINGLE_DEVICE
from overlay.values import UNDERLAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adopt.hostfiles import Host
    from adopt.infer_flags import FlagsFound
    from adopt.infer_names import NamesFound
    from adopt.infer_underlay import Underlay
    from adopt.survey import Survey

# FRR's own defaults.
COALESCE_TIME = 1000
PRIORITY = 100
# A static route with this distance or more gives way to what BGP tells (200 within an AS).
_GIVES_WAY = 200
_PREFERRED = 100
_UNREACHABLE = re.compile(r"\bunreachable (default|[0-9a-fA-F.:]+/\d+)\b")


def bgp_keys(survey: Survey, prefix: str) -> dict[str, Any] | None:
    """`bgp:` of the intent, None without an instance that speaks EVPN; `prefix`: the underlay."""
    speakers = [host for host in (*survey.vteps, *survey.reflectors) if host.main]
    if not speakers:
        return None
    keys: dict[str, Any] = {"asn": usual_asn(speakers)}
    times = [
        word_at(host, int(value), line.line)
        for host in survey.vteps
        for line in (host.main.said("coalesce-time") if host.main else ())
        for value in line.words[1:2]
        if is_number(value)
    ]
    coalesce = survey.most("coalesce-time", times, COALESCE_TIME)
    if coalesce != COALESCE_TIME:
        keys["coalesce_time"] = coalesce
    clusters = [
        word_at(host, value, host.main.line)
        for host in survey.reflecting
        if host.main
        for value in host.main.values("bgp", "cluster-id")
    ]
    cluster = survey.most("the reflectors' cluster", clusters, None)
    reflectors = [it for it in survey.reflectors if it.main and it.main.reflects]
    if cluster is None and reflectors:
        cluster = next(iter(_router_ids(reflectors[0])), "1.1.1.1")
        survey.remark(
            reflectors[0],
            f"it reflects routes without `bgp cluster-id`: the intent takes {cluster} for all",
            FRR_CONF,
        )
    keys |= {"cluster_id": cluster} if cluster else {}
    keys |= _listening(survey, prefix)

    def too_old(host: Host, what: str) -> None:
        survey.remark(host, what, FRR_CONF)

    if ":" in prefix:
        keys["frr"] = oldest_frr(speakers, FRR_WITH_IPV6_VTEPS, "EVPN over IPv6", too_old)
    elif any(host.singles for host in survey.vteps):
        keys["frr"] = oldest_frr(
            survey.vteps, FRR_WITH_SINGLE_DEVICE, "one VXLAN device for all VNIs", too_old
        )
    return keys | detection_keys(survey)


def _listening(survey: Survey, prefix: str) -> dict[str, Any]:
    """`listen` of the intent: from where reflectors take more than clients, or VTEPs anybody."""
    takers = survey.reflecting or survey.vteps
    words = [
        word_at(host, tuple(ranges), host.main.line)
        for host in takers
        if host.main
        for ranges in [host.main.values("bgp", "listen", "range")]
    ]
    nowhere: tuple[str, ...] = ()
    found = survey.most("the prefixes that it listens to", words, nowhere)
    beside = [text for text in found if not (survey.reflecting and text == prefix)]
    return {"listen": [{"range": text} for text in beside]} if beside else {}


def word_at(host: Host, value: object, line: int) -> Word:
    """What a host's frr.conf says in a line."""
    return Word(host, value, FRR_CONF, line)


def _router_ids(host: Host) -> list[str]:
    return host.main.values("bgp", "router-id") if host.main else []


def vrf_keys(
    survey: Survey, found: NamesFound, flags: FlagsFound, numbers: tuple[int, ...]
) -> dict[str, dict[str, Any]]:
    """`vrfs:` of the intent: every VRF that a device or FRR's configuration names."""
    names: dict[str, dict[str, Any]] = {}
    for host in survey.vteps:
        for device in host.devices.values():
            if device.kind == "vrf":
                names.setdefault(device.name, {})
            elif vrf := device.word("vrf"):
                names.setdefault(vrf, {})
    l3vnis = defaultdict(list)
    for host in survey.vteps:
        for vni, (vrf, line) in host.l3vnis().items():
            l3vnis[vrf].append(word_at(host, vni, line.line))
    for vrf, words in l3vnis.items():
        names.setdefault(vrf, {})["l3vni"] = survey.most(f"VRF {vrf}: its L3VNI", words, 0)
    for vrf, keys in names.items():
        keys.update(found.of(keys.get("l3vni", 0), transit=True))
        keys.update(found.vlan_of(keys.get("l3vni", 0)))
        keys.update(flags.of(keys.get("l3vni", 0)))
        keys.update(of_vrf(survey, vrf, keys["l3vni"], numbers) if "l3vni" in keys else {})
        _exits(survey, vrf, keys)
    order = sorted(names, key=lambda name: (names[name].get("l3vni", 0), name))
    return {name: names[name] for name in order}


def _exits(survey: Survey, vrf: str, keys: dict[str, Any]) -> None:
    exits = []
    backups = []
    for host in survey.vteps:
        instance = host.instance(vrf)
        if instance is None or not instance.said("default-originate", family=EVPN):
            continue
        exits.append(host.name)
        if _gives_way(host, vrf) or _is_unloved(host, _known_by(keys)):
            backups.append(host.name)
    if not exits:
        return
    keys["exits"] = exits
    first = [name for name in exits if name not in backups]
    if backups and len(first) == 1:
        keys["primary"] = first[0]
    elif backups:
        survey.remark(
            None,
            f"VRF {vrf}: of its exits {', '.join(exits)} these give way: {', '.join(backups)}; the "
            "intent knows one primary exit, and names none here",
        )


def _gives_way(host: Host, vrf: str) -> bool:
    """Whether the VRF's static default gives way to the default of another exit."""
    return any(
        line.blocks[:1] == (f"vrf {vrf}",)
        and line.words[1:3] in (["route", "0.0.0.0/0"], ["route", "::/0"])
        and is_number(line.words[-1])
        and int(line.words[-1]) >= _GIVES_WAY
        for line in host.frr
    )


def _known_by(keys: dict[str, Any]) -> tuple[str, ...]:
    """What the route targets of a VRF's routes end in."""
    return tuple(keys.get("rt", {}).get("export", ())) or (f":{keys.get('l3vni')}",)


def _is_unloved(host: Host, known_by: tuple[str, ...]) -> bool:
    """Whether a route-map tells the others to prefer another exit, by the VRF's route target."""
    lists = {
        line.words[3]
        for line in host.frr
        if line.words[:3] == ["bgp", "extcommunity-list", "standard"]
        and any(w.endswith(known_by) for w in line.words[4:])
    }
    maps = {
        line.blocks[0]
        for line in host.frr
        if line.words[:2] == ["match", "extcommunity"] and line.blocks and lists & {*line.words[2:]}
    }
    return any(
        line.blocks[:1] and line.blocks[0] in maps and int(line.words[2]) < _PREFERRED
        for line in host.frr
        if line.words[:2] == ["set", "local-preference"]
        and line.words[2:3]
        and is_number(line.words[2])
    )


def vip_keys(survey: Survey, underlay: Underlay) -> list[dict[str, Any]]:
    """`vips:` of the intent, from `vrrp` lines and from those of the daemon that is gone."""
    found: dict[int, dict[str, Any]] = {}
    for host in survey.vteps:
        device, interface = underlay.holders.get(host.name, (None, None))
        if device is None or interface is None:
            continue
        groups = [(a.value.split(), a) for a in device.all("vrrp")]
        said = [(w[0], w[1]) for w, _ in groups if len(w) > 1]
        old = device.word("vrrp-id"), device.word("vrrp-virtual-ip")
        said += [(old[0], old[1])] if old[0] and old[1] else []
        for group, address in said:
            if not is_number(group):
                continue
            if "/" not in address:
                address = f"{address}/{interface.network.prefixlen}"  # noqa: PLW2901
            priority = _priority(host, device.name, group)
            if priority is None:
                priority = device.number("vrrp-priority") or PRIORITY
            vip = found.setdefault(
                int(group), {"address": address, "id": int(group), "priorities": {}}
            )
            vip["priorities"][host.name] = priority
            if vip["address"] != address:
                survey.remark(
                    host,
                    f"group {group} has {address} here and {vip['address']} elsewhere",
                    device.file,
                    device.line,
                )
    return [found[group] for group in sorted(found)]


def _priority(host: Host, device: str, group: str) -> int | None:
    said = [
        line.words[3]
        for line in host.frr
        if line.blocks[:1] == (f"interface {device}",)
        and line.words[:3] == ["vrrp", group, "priority"]
        and line.words[3:4]
    ]
    return int(said[-1]) if said and is_number(said[-1]) else None


def isolation_keys(survey: Survey, vrfs: Mapping[str, dict[str, Any]], prefix: str) -> None:
    """Adds `unreachable:` to the VRFs with exits whose files end their lookups otherwise.

    `prefix` is the underlay's.  An exit without any such route says nothing: the intent's default
    stands, and the import shows what a deployment would add.
    """
    for vrf, keys in vrfs.items():
        exits = keys.get("exits", ())
        words = _ended((host for host in survey.vteps if host.name in exits), vrf, prefix)
        found = survey.most(f"VRF {vrf}: what its exits make unreachable", words, (UNDERLAY,))
        if found != (UNDERLAY,):
            keys["unreachable"] = list(found)


def _ended(hosts: Iterable[Host], vrf: str, underlay: str) -> Iterable[Word]:
    for host in hosts:
        device = host.devices.get(vrf)
        commands = device.all("up", "post-up") if device else ()
        ended = [match[1] for line in commands for match in _UNREACHABLE.finditer(line.value)]
        if device is None or not ended:
            continue
        beside = (one for one in dict.fromkeys(ended) if one not in (*EVERYTHING, "default"))
        value = tuple(UNDERLAY if one == underlay else one for one in beside)
        yield word(host, value, device)
