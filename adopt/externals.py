"""Neighbours whose files are not at hand: nodes of the intent that are not ours, or a remark."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from adopt.bgp import EVPN
from adopt.hostfiles import FRR_CONF
from overlay.values import NodeName

if TYPE_CHECKING:
    from collections.abc import Collection

    from adopt.bgp import Neighbor
    from adopt.hostfiles import Host
    from adopt.infer_underlay import Underlay
    from adopt.survey import Survey

_NAME = TypeAdapter[str](NodeName)


def external_nodes(
    survey: Survey, place: Underlay, prefix: str, asn: int
) -> dict[str, dict[str, Any]]:
    """The entries of neighbours that the intent can have as `role: external`, by their names.

    So it can where each host that an external node would peer with has an EVPN session within the
    AS with that address: then the intent derives all of them. Any other stranger is a remark.
    """
    known = set(place.addresses.values())
    peering = [host for host in survey.reflecting or survey.vteps if host.main]
    told = [_strangers(host, known, prefix, asn) for host in peering]
    everywhere = set.intersection(*map(set, told)) if told else set()
    # VTEPs that do not name each other have their routes from whom they all name.
    meshed = any(n.is_address and n.name in known for host in peering for n in _sessions(host))
    reflects = not survey.reflecting and len(peering) > 1 and not meshed
    taken = {host.name for host in survey.hosts}
    nodes: dict[str, dict[str, Any]] = {}
    for address in sorted(everywhere, key=ipaddress.ip_address):
        name = _name(address, [found[address] for found in told], taken | nodes.keys())
        nodes[name] = {"role": "external", "address": address}
        nodes[name] |= {"reflector": True} if reflects else {}
        _remark_assumed(survey, name, address, reflects=reflects)
    _remark_others(survey, known | everywhere)
    return nodes


def _sessions(host: Host) -> list[Neighbor]:
    return host.main.sessions() if host.main else []


def _strangers(host: Host, known: Collection[str], prefix: str, asn: int) -> dict[str, Neighbor]:
    """Its EVPN neighbours in the underlay and the AS that are none of the hosts, by address."""
    network = ipaddress.ip_network(prefix)
    return {
        one.name: one
        for one in _sessions(host)
        if one.is_address
        and one.name not in known
        and ipaddress.ip_address(one.name) in network
        and host.main is not None
        and host.main.active_in(one, EVPN)
        and host.main.remote_as(one) in {"internal", str(asn)}
    }


def _name(address: str, neighbors: list[Neighbor], taken: Collection[str]) -> str:
    """What all describe it as, where that can be a node's name; else one that has its address."""
    told = {
        " ".join(line.words[3:])
        for one in neighbors
        for line in one.options
        if line.words[2:3] == ["description"]
    }
    if len(told) == 1 and (name := told.pop()) not in taken:
        try:
            return _NAME.validate_python(name)
        except ValidationError:
            pass  # a description may be any text
    return f"external-{address.replace('.', '-').replace(':', '-')}"


def _remark_assumed(survey: Survey, name: str, address: str, *, reflects: bool) -> None:
    what = (
        "a reflector, since they do not peer with each other"
        if reflects
        else "a VTEP. What it carries no file says: name its VNIs under `vnis`, or the audit has "
        "each as `imet-unexpected`"
    )
    survey.remark(
        None,
        f"{name}: all hosts that it would peer with have a session with {address}, and it is none "
        f"of these hosts. The intent takes it for one that is not ours (`role: external`), {what}",
    )


def _remark_others(survey: Survey, known: Collection[str]) -> None:
    for host in survey.hosts:
        for neighbor in _sessions(host):
            if neighbor.is_address and neighbor.name not in known:
                survey.remark(
                    host,
                    f"its neighbour {neighbor.name} is none of these hosts: lay its files beside "
                    "them, or say `role: external` of it; else the intent has no such node",
                    FRR_CONF,
                    neighbor.line,
                )
