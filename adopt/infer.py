"""Hosts' files → the intent that they were written for, as far as an intent can say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adopt.externals import external_nodes
from adopt.infer_control import bgp_keys, isolation_keys, vip_keys, vrf_keys
from adopt.infer_flags import FlagsFound
from adopt.infer_names import NamesFound
from adopt.infer_networks import network_keys, overlay_keys, room_for_guests
from adopt.infer_sessions import SessionsFound
from adopt.infer_systems import asn_of, numbers_of
from adopt.infer_targets import without_refused
from adopt.infer_underlay import Underlay, forwards, roles
from adopt.running.frr import remark_running
from adopt.running.kernel import remark_state
from adopt.running.state import with_vtep
from adopt.tenants.snat import snat_keys
from adopt.tenants.vrfs import route_vrfs
from adopt.underlay.routed import routed_underlay
from adopt.vnis import Vnis
from overlay.crosscheck.fabric import contradictions
from overlay.derive import derive
from overlay.errors import IntentError
from overlay.intent import Fabric
from overlay.unused.unused_keys import unused_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adopt.hostfiles import Host, Unread
    from adopt.survey import Remark, Survey


@dataclass(frozen=True, slots=True)
class Inferred:
    """An intent as the keys of `fabric.yaml`, and what a person must know of it.

    `managed` is the same intent in the scopes that the files allow, where it only observes them.
    `unread` are statements that were not understood at all.
    """

    fabric: dict[str, Any]
    remarks: tuple[Remark, ...] = ()
    unread: tuple[Unread, ...] = ()
    managed: dict[str, Any] = field(default_factory=dict)


def infer(hosts: Sequence[Host], name: str, *, observe: bool = False) -> Inferred:
    """The intent of these hosts: what most say, with a remark wherever one says otherwise.

    Where it only is to observe them its scope is `observed`, whatever the files allow.
    Raises IntentError where the files do not say what every intent needs: the underlay's prefix,
    and an address of each node in it.
    """
    completed = [with_vtep(host) for host in hosts]
    survey = roles([host for host, _ in completed])
    survey.remarks += [remark for _, remark in completed if remark]
    if not survey.vteps:
        raise IntentError(
            "none of these hosts has a VXLAN device or speaks EVPN",
            "name the folder that holds the VTEPs' files, as DIR/HOST/etc/network/interfaces",
        )
    place = routed_underlay(survey) or Underlay(survey)
    underlay = place.as_keys()
    vnis = Vnis(survey)
    evpn = any(host.main and host.main.has_evpn for host in survey.vteps)
    mode = "evpn" if evpn else "multicast" if vnis.groups() else "unicast"
    flags = FlagsFound(survey, vnis, learns=not evpn)
    overlay = flags.overlay | overlay_keys(survey, vnis, room_for_guests(underlay))
    found = NamesFound(survey, vnis)
    overlay |= {"names": found.patterns} if found.patterns else {}
    bgp = bgp_keys(survey, underlay["prefix"]) if evpn else None
    numbers = numbers_of(survey)
    networks = [
        network_keys(survey, vnis, found, overlay, flags, vni, numbers) for vni in vnis.networks
    ]
    vrfs = vrf_keys(survey, found, flags, numbers)
    route_vrfs(survey, vrfs, networks)
    snat_keys(survey, vrfs, networks)
    isolation_keys(survey, vrfs, underlay["prefix"])
    symmetric = any("l3vni" in vrf for vrf in vrfs.values())
    routed = any("gateways" in network for network in networks)
    routing = "symmetric" if symmetric else "asymmetric" if routed else "none"
    forwarding = None
    if "protocol" not in underlay:  # the nodes of a routed one forward whatever they route
        routing, forwarding = _forwarding(survey, routing, evpn=evpn)
    external = external_nodes(survey, place, underlay["prefix"], numbers[0])
    sessions = SessionsFound(survey, place, external)
    nodes, scope = _nodes(survey, place, underlay.get("port"), sessions)
    fabric: dict[str, Any] = {"name": name, "mode": mode, "routing": routing}
    fabric |= {"scope": scope} if scope != "whole" else {}
    fabric["underlay"] = underlay | ({} if forwarding is None else {"forwarding": forwarding})
    fabric |= {"overlay": overlay} if overlay else {}
    if bgp:
        if "protocol" in underlay and sessions.fabric.get("update_source") is True:
            del sessions.fabric["update_source"]  # what is the default over a routed underlay
        fabric["bgp"] = bgp | ({"session": sessions.fabric} if sessions.fabric else {})
    fabric |= {"vrfs": vrfs} if vrfs else {}
    fabric["networks"] = networks
    vips = vip_keys(survey, place)
    fabric |= {"vips": vips} if vips else {}
    fabric["nodes"] = nodes | {
        one: keys | ({"session": own} if (own := sessions.of(one)) else {})
        for one, keys in external.items()
    }
    remark_running(survey)
    remark_state(survey)
    for refused in without_refused(fabric):
        survey.remark(None, refused)
    unread = tuple(note for host in hosts for note in host.unread)
    managed = without_unused(fabric)
    fabric = without_unused(_observed(managed)) if observe else managed
    return Inferred(fabric, tuple(survey.remarks), unread, managed)


def _observed(fabric: dict[str, Any]) -> dict[str, Any]:
    """The same intent for hosts that are only observed."""
    head = {key: fabric[key] for key in ("name", "mode", "routing")}
    nodes = {
        name: {key: value for key, value in node.items() if key != "scope"}
        for name, node in fabric["nodes"].items()
    }
    return head | {"scope": "observed"} | (fabric | head | {"scope": "observed", "nodes": nodes})


def without_unused(fabric: dict[str, Any]) -> dict[str, Any]:
    """The keys without those that nothing is derived from, which `validate` would refuse.

    An intent with contradictions is left as it is: a wrong key makes right ones look unused.
    """
    try:
        model = Fabric.model_validate(fabric)
    except ValidationError:
        return fabric
    if any(contradictions(model)):
        return fabric
    for key, _, _ in reversed(list(unused_keys(model, derive(model).nodes))):
        place: Any = fabric
        for part in key[:-1]:
            place = place[part]
        del place[key[-1]]
    return {key: value for key, value in fabric.items() if value or key == "networks"}


def _nodes(
    survey: Survey, place: Underlay, usual_port: str | None, sessions: SessionsFound
) -> tuple[dict[str, dict[str, Any]], str]:
    """`nodes:` of the intent, and the scope of most of them."""
    scopes = {host.name: place.scope(host) for host in survey.hosts}
    usual = max(scopes.values(), key=list(scopes.values()).count)
    nodes = {}
    usual_as = numbers_of(survey)[0]
    for host in survey.hosts:
        keys = place.node(host, usual_port)
        if host in survey.reflectors:
            keys["role"] = "reflector"
        elif host in survey.reflecting:
            keys["reflector"] = True
        if host in survey.spines:
            keys["role"] = "spine"
        if host in survey.routers:
            keys["role"] = "router"
        if (asn := asn_of(host)) is not None and (host in survey.routers or asn != usual_as):
            keys["asn"] = asn
        if scopes[host.name] != usual:
            keys["scope"] = scopes[host.name]
        if own := sessions.of(host.name):
            keys["session"] = own
        nodes[host.name] = keys
    return nodes, usual


def _forwarding(survey: Survey, routing: str, *, evpn: bool) -> tuple[str, bool | None]:
    """`routing` and `underlay.forwarding`; None where each role's default is what the hosts do.

    Nodes that forward, none of which routes a network yet, are those of a symmetric fabric where
    the reflectors do not forward too.
    """
    said = {
        host.name: (role, known)
        for role, hosts in (
            ("vtep", survey.vteps),
            ("reflector", survey.reflectors),
            ("router", survey.routers),
        )
        for host in hosts
        if (known := forwards(host)) is not None
    }
    choices: list[tuple[str, bool | None]] = [(routing, None), (routing, True)]
    if routing == "none":
        choices += [(routing, False), *([("symmetric", None)] if evpn else [])]

    def differing(choice: tuple[str, bool | None]) -> int:
        return sum(known != _expected(role, choice) for role, known in said.values())

    best = min(choices, key=differing)
    for host in survey.hosts:
        role, known = said.get(host.name, ("", None))
        if known is not None and known != _expected(role, best):
            survey.remark(
                host,
                f"it {'forwards' if known else 'does not forward'} IP, and the intent has it "
                f"{'not ' if known else ''}do so",
            )
    return best


def _expected(role: str, choice: tuple[str, bool | None]) -> bool:
    routing, forwarding = choice
    if forwarding is not None:
        return forwarding
    return role == "router" or (role == "vtep" and routing != "none")
