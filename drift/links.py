"""The plane of links: VXLAN devices, bridges, VRFs and the underlay port against `ip -d link`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.catalogue import CHECKS
from drift.check import L
from drift.compare import Difference, compare
from drift.draft import About, Draft, draft, lines
from overlay.expected import BridgeRole
from overlay.intent import VXLAN_OVERHEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drift.compare import Record
    from drift.view import HostView
    from overlay.expected import BridgeIntent, NodeIntent, VxlanIntent
    from overlay.records import Link

    Read = Callable[[Link], object]

_MOST_HEADERS = 20

LINK_CHECKS = frozenset(check.id for check in CHECKS.values() if check.needs == (L,)) - {
    "vtep-duplicate",
    "rmac-conflict",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a link: the check it belongs to, its name in messages, how it is read.

    A `printed_late` word is one that older iproute2 does not print: its absence is no drift.
    Of an `at_least` one more than intended is as good.
    """

    check: str
    words: str
    read: Read
    printed_late: bool = False
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """One intended link: what it must be, its fields, and its subject for folding."""

    missing: str
    title: str
    kind: str | None
    fields: Record
    about: About
    identity: str


def _state(link: Link) -> str:
    if not link.admin_up:
        return "down"
    return "up" if link.carrier else "no carrier"


def _of_vxlan(name: str) -> Read:
    return lambda link: getattr(link.vxlan, name, None)


def _of_port(name: str) -> Read:
    return lambda link: getattr(link.bridge_port, name, None)


def _vni(link: Link) -> object:
    if link.vxlan is None:
        return None
    return "external" if link.vxlan.external else link.vxlan.vni


FIELDS: dict[str, Field] = {
    "vni": Field("vxlan-vni", "VNI", _vni, printed_late=True),
    "local": Field("vxlan-local-ip", "local tunnel address", _of_vxlan("local")),
    "dstport": Field("vxlan-dstport", "UDP port", _of_vxlan("dstport"), printed_late=True),
    "learning": Field("vxlan-learning", "learning", _of_vxlan("learning"), printed_late=True),
    "group": Field("vxlan-group", "multicast group", _of_vxlan("group")),
    "physdev": Field("vxlan-group", "physical device", _of_vxlan("device")),
    "state": Field("link-down", "state", _state),
    "mtu": Field("mtu", "MTU", lambda link: link.mtu, printed_late=True),
    "least mtu": Field("mtu", "least MTU", lambda link: link.mtu, printed_late=True, at_least=True),
    "bridge": Field("bridge-membership", "bridge", lambda link: link.master),
    "vrf": Field("vrf-membership", "VRF", lambda link: link.master),
    "mac": Field("gateway-mac", "gateway MAC", lambda link: link.mac),
    "port learning": Field(
        "bridge-port-learning", "bridge port learning", _of_port("learning"), printed_late=True
    ),
    "neigh suppress": Field(
        "bridge-port-neigh-suppress",
        "bridge port neighbour suppression",
        _of_port("neigh_suppress"),
        printed_late=True,
    ),
    "flood": Field(
        "bridge-port-flood", "bridge port unicast flooding", _of_port("flood"), printed_late=True
    ),
    "mcast flood": Field(
        "bridge-port-flood",
        "bridge port multicast flooding",
        _of_port("mcast_flood"),
        printed_late=True,
    ),
    "isolated": Field(
        "bridge-port-isolated", "bridge port isolation", _of_port("isolated"), printed_late=True
    ),
}


def examine_links(view: HostView) -> Iterator[Draft]:
    """Every difference between the intended links of a node and the observed ones."""
    intended = _intended(view)
    wanted = {name: link.fields for name, link in intended.items()}
    found = {
        name: _observe(link, intended[name].fields, lenient_source=not view.intent.evpn)
        for name, link in view.links.items()
        if name in intended and _is_of_kind(link, intended[name])
    }
    for difference in compare(wanted, found):
        if difference.field is None:
            yield _missing(view, difference.key, intended[difference.key])
        else:
            yield _changed(view, difference, intended[difference.key])
    yield from _strangers(view, intended)


def _intended(view: HostView) -> dict[str, Expected]:
    node = view.node
    links = _underlay(node) if node.owns_underlay else _relied_on(node)
    for vrf in node.vrfs:
        about = About(device=vrf.name, vrf=vrf.name)
        links[vrf.name] = Expected("vrf-missing", "VRF", "vrf", {"state": "up"}, about, "present")
    for vxlan in node.vxlans:
        links[vxlan.name] = _vxlan(vxlan)
    for bridge in node.owned_bridges:
        links[bridge.name] = _bridge(view, bridge)
    return links


def _underlay(node: NodeIntent) -> dict[str, Expected]:
    """The underlay port; the bridge above it is a bridge like all others."""
    fields: Record = {
        "state": "up",
        "mtu": node.underlay_mtu,
        "bridge": node.underlay_bridge.name,
        "isolated": False,
    }
    about = About(device=node.underlay_port, bridge=node.underlay_bridge.name, underlay=True)
    return {node.underlay_port: Expected("link-down", "underlay port", None, fields, about, "up")}


def _relied_on(node: NodeIntent) -> dict[str, Expected]:
    """Somebody else's underlay: any kind of interface, up, that tunnelled packets fit through."""
    name = node.underlay_bridge.name
    fields: Record = {"state": "up"}
    if node.vxlans:
        overhead = VXLAN_OVERHEAD[6 if ":" in node.address else 4]
        fields["least mtu"] = max(vxlan.mtu for vxlan in node.vxlans) + overhead
    about = About(device=name, underlay=True)
    return {name: Expected("bridge-missing", "underlay interface", None, fields, about, "present")}


def _vxlan(vxlan: VxlanIntent) -> Expected:
    fields: Record = {
        "vni": vxlan.vni,
        "local": vxlan.local,
        "dstport": vxlan.dstport,
        "learning": vxlan.learning,
        "state": "up",
        "mtu": vxlan.mtu,
        "bridge": vxlan.bridge,
        "port learning": vxlan.flags.learning,
        "neigh suppress": vxlan.flags.neigh_suppress,
        "flood": vxlan.flags.unicast_flood,
        "mcast flood": vxlan.flags.multicast_flood,
        "isolated": False,
    }
    if vxlan.group is not None:
        fields |= {"group": vxlan.group, "physdev": vxlan.physdev}
    about = About(device=vxlan.name, bridge=vxlan.bridge, vni=vxlan.vni)
    identity = f"VNI {vxlan.vni}"
    return Expected("vxlan-missing", "VXLAN device", "vxlan", fields, about, identity)


def _bridge(view: HostView, bridge: BridgeIntent) -> Expected:
    fields: Record = {"state": "up", "mtu": bridge.mtu, "vrf": bridge.vrf}
    if bridge.mac is not None:
        fields["mac"] = bridge.mac
    about = About(
        device=bridge.name,
        vni=view.vni_by_bridge.get(bridge.name),
        vrf=bridge.vrf,
        underlay=bridge.role is BridgeRole.UNDERLAY,
    )
    return Expected("bridge-missing", "bridge", "bridge", fields, about, "present")


def _is_of_kind(link: Link, expected: Expected) -> bool:
    return expected.kind is None or link.kind == expected.kind


def _observe(link: Link, fields: Record, *, lenient_source: bool) -> Record:
    """The observed record with the fields of the expected one."""
    found: Record = {}
    for name, wanted in fields.items():
        field = FIELDS[name]
        value = field.read(link)
        # Without a control plane the kernel may choose the source itself, so only a wrong one is
        # drift; what this iproute2 does not print cannot be judged.
        unsaid = field.printed_late or (name == "local" and lenient_source)
        met = value is None and unsaid
        if field.at_least and isinstance(value, int) and isinstance(wanted, int):
            met = value >= wanted
        found[name] = wanted if met else value
    return found


def _missing(view: HostView, name: str, expected: Expected) -> Draft:
    actual, evidence = None, lines(L, _headers(view, expected.kind))
    impostor = view.links.get(name)
    if impostor is not None:
        actual = f"a device of kind {impostor.kind or 'none'}"
        evidence = lines(L, [impostor.text])
    elif expected.kind == "vxlan":
        carriers = [
            link
            for link in view.links.values()
            if link.kind == "vxlan" and link.vxlan and link.vxlan.vni == expected.about.vni
        ]
        if carriers:
            names = ", ".join(sorted(link.name for link in carriers))
            actual = f"VNI {expected.about.vni} on {names}"
            evidence = lines(L, [link.text for link in carriers])
    return draft(
        expected.missing,
        view.host,
        name,
        "missing",
        expected.identity,
        actual,
        what=expected.title,
        evidence=evidence,
        about=expected.about,
    )


def _headers(view: HostView, kind: str | None) -> list[str]:
    """What there is in place of a missing link: the header lines of its kind, or of all links."""
    kin = [link for link in view.links.values() if link.kind == kind]
    return [link.text.partition("\n")[0] for link in (kin or view.links.values())][:_MOST_HEADERS]


def _changed(view: HostView, difference: Difference[str], expected: Expected) -> Draft:
    field = FIELDS[str(difference.field)]
    return draft(
        field.check,
        view.host,
        difference.key,
        "changed",
        difference.expected,
        difference.actual,
        attribute=field.words,
        evidence=lines(L, [view.links[difference.key].text]),
        about=expected.about,
    )


def _strangers(view: HostView, intended: dict[str, Expected]) -> Iterator[Draft]:
    """VXLAN devices of a VNI that this node has no intent for; an intended VNI is not strange."""
    ours = {vxlan.vni for vxlan in view.node.vxlans}
    for name, link in sorted(view.links.items()):
        if link.kind != "vxlan" or name in intended or link.vxlan is None:
            continue
        vni = link.vxlan.vni
        if vni is None or vni in ours:
            continue
        yield draft(
            "vxlan-unexpected",
            view.host,
            name,
            "extra",
            None,
            f"VNI {vni}",
            what="VXLAN device",
            evidence=lines(L, [link.text]),
            about=About(device=name, vni=vni),
        )
