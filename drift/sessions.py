"""BGP sessions, as FRR's JSON shows them: EVPN within the fabric, unicast with routers outside."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from drift.check import SUMMARY, UNICAST
from drift.compare import compare
from drift.draft import About, Draft, bounded, draft, excerpt, lines
from overlay.intent import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.compare import Record
    from drift.findings import Evidence
    from drift.view import HostView
    from overlay.expected import NodeIntent

    Peers = dict[str, dict[str, Any]]

SESSION_CHECKS = frozenset({"session-down", "session-unexpected"})

ESTABLISHED = "Established"
_FAMILIES = {"ipv4Unicast": "IPv4", "ipv6Unicast": "IPv6"}


def peers_of(summary: object) -> Peers | None:
    """The EVPN peers in `show bgp l2vpn evpn summary json` by address; None if it is no summary.

    FRR puts `peers` at the top, or below the VRF's name and the address family; an instance
    without a neighbour prints `{}`. Dynamic peers may be marked with `*`.
    """
    if not isinstance(summary, dict):
        return None
    peers = summary.get("peers")
    if isinstance(peers, dict):
        return {_address(name): peer for name, peer in peers.items() if isinstance(peer, dict)}
    for part in ("default", "l2VpnEvpn"):
        if part in summary:
            return peers_of(summary[part])
    return {}


def families_of(summary: object) -> dict[str, Peers] | None:
    """The peers of IPv4 and IPv6 unicast in `show bgp summary json`, by the family's name.

    None if it is no summary; a family without a peer is not printed.
    """
    if not isinstance(summary, dict):
        return None
    if "default" in summary:
        return families_of(summary["default"])
    return {name: peers_of(summary.get(key, {})) or {} for key, name in _FAMILIES.items()}


def _address(name: str) -> str:
    text = name.strip().lstrip("*")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text  # an unnumbered neighbour is named by its interface


def established_peers(view: HostView) -> set[str] | None:
    """The intended EVPN peers that are Established; None when no summary was read."""
    states = evpn_sessions(view)
    return None if states is None else {peer for peer in states if states[peer] == ESTABLISHED}


def evpn_sessions(view: HostView) -> dict[str, str | None] | None:
    """The state of each intended EVPN peer (None: not listed); None when no summary was read."""
    peers = peers_of(view.state.json.get(SUMMARY))
    return None if peers is None else {peer: _state(peers, peer) for peer in _evpn_peers(view)}


def outside_sessions(view: HostView) -> dict[str, str | None] | None:
    """The same of its eBGP peers: the state of a family that is not up, if there is one."""
    families = families_of(view.state.json.get(UNICAST))
    if families is None:
        return None
    found: dict[str, str | None] = {}
    for address in _outside_peers(view.node) or ():
        states = [_state(peers, address) for peers in families.values()]
        found[address] = next((it for it in states if it != ESTABLISHED), ESTABLISHED)
    return found


def examine_sessions(view: HostView) -> Iterator[Draft]:
    """Intended peers against the summaries; one that is not activated is not in them."""
    if view.node.bgp is not None:
        yield from _evpn_sessions(view)
    outside = _outside_peers(view.node)
    if outside is not None:
        yield from _unicast_sessions(view, outside)


def _evpn_peers(view: HostView) -> list[str]:
    """The addresses of its iBGP peers; every VTEP comes to a reflector by itself."""
    bgp = view.node.bgp
    if bgp is None:
        return []
    if bgp.reflector is None:
        return list(bgp.peers)
    return [node.address for node in view.intent.nodes.values() if node.role is Role.VTEP]


def _evpn_sessions(view: HostView) -> Iterator[Draft]:
    peers = peers_of(view.state.json[SUMMARY])
    if peers is None:
        return
    # In a full mesh each session carries its own peer's routes only; reflectors carry everybody's.
    reflected = any(node.role is Role.REFLECTOR for node in view.intent.nodes.values())
    dynamic = view.node.role is Role.REFLECTOR
    alone = reflected and view.node.role is Role.VTEP and not established_peers(view)
    wanted: dict[str, Record] = {peer: {"state": ESTABLISHED} for peer in _evpn_peers(view)}
    found: dict[str, Record] = {address: {"state": _state(peers, address)} for address in peers}
    for difference in compare(wanted, found):
        address = difference.key
        evidence = lines(SUMMARY, [excerpt(address, peers)])
        if difference.kind == "extra":
            state = str(found[address]["state"])
            yield _unexpected(view, address, state, "EVPN session", evidence=evidence)
        else:
            # One kind for both: a peer that flaps between Active and unlisted is one fact.
            yield draft(
                "session-down",
                view.host,
                f"neighbor {address}",
                "changed",
                ESTABLISHED,
                difference.actual,
                attribute="EVPN session",
                evidence=evidence,
                about=About(peer=address) if dynamic else _about(address, alone=alone),
            )


def _outside_peers(node: NodeIntent) -> list[str] | None:
    """The addresses of its eBGP peers: routers of an exit, exits of a router; None without."""
    if node.router is not None:
        return list(node.router.exits) if node.router.asn is not None else None
    if node.bgp is None or not node.bgp.upstreams:
        return None
    return [upstream.address for upstream in node.bgp.upstreams]


def _unicast_sessions(view: HostView, wanted: list[str]) -> Iterator[Draft]:
    families = families_of(view.state.json[UNICAST])
    if families is None:
        return
    for address in wanted:
        states = {name: _state(peers, address) for name, peers in families.items()}
        down = [name for name, state in states.items() if state != ESTABLISHED]
        if down:
            shown = [excerpt(address, families[name]) for name in down]
            said = sorted({state for name in down if (state := states[name]) is not None})
            yield draft(
                "session-down",
                view.host,
                f"neighbor {address}",
                "changed",
                ESTABLISHED,
                ", ".join(said) or None,
                attribute="BGP session",
                what=f"{' and '.join(down)} unicast session",
                evidence=lines(UNICAST, shown),
                about=_about(address),
            )
    strangers = {address: name for name, peers in families.items() for address in peers}
    for address in sorted(strangers.keys() - set(wanted)):
        name = strangers[address]
        state, shown = _state(families[name], address), [excerpt(address, families[name])]
        yield _unexpected(
            view, address, state, f"{name} unicast session", evidence=lines(UNICAST, shown)
        )


def _unexpected(
    view: HostView, address: str, state: str | None, what: str, *, evidence: tuple[Evidence, ...]
) -> Draft:
    return draft(
        "session-unexpected",
        view.host,
        f"neighbor {address}",
        "extra",
        None,
        state,
        what=what,
        evidence=evidence,
        about=_about(address),
    )


def _about(address: str, *, alone: bool = False) -> About:
    return About(peer=address, alone=alone, topics=frozenset({("neighbor", address)}))


def _state(peers: Peers, address: str) -> str | None:
    return bounded(peers[address].get("state")) if address in peers else None
