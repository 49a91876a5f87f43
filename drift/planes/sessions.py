"""BGP sessions: EVPN within the fabric, unicast with routers outside."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from drift.applies import session_slugs, with_sessions
from drift.causes import Broken, between, peer_of
from drift.compare import compare_values
from drift.evidence import bounded, lines
from drift.model import CRITICAL, WARNING, About, Check, Depth, Pairwise
from drift.plane import Plane
from overlay.outputs import BGP_SUMMARY, EVPN_SUMMARY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Evidence, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import NodeIntent
    from overlay.host_records import BgpPeers
    from overlay.records import HostState

ESTABLISHED = "Established"
_FAMILIES = {"ipv4Unicast": "IPv4", "ipv6Unicast": "IPv6"}


def stops_exchange(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    """Two nodes do not hear of each other; one that is alone hears of nobody."""
    yield between(raw.finding.host, peer_of(raw, owner))
    if raw.about.alone:
        yield Broken.ALONE, raw.finding.host


def from_either_end(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield Broken.PATH, *sorted((peer_of(raw, owner), raw.finding.host))
    yield Broken.REFUSED, *sorted((peer_of(raw, owner), raw.finding.host))
    for host in (peer_of(raw, owner), raw.finding.host):
        yield Broken.UNDERLAY, host
        yield Broken.BGP, host
        yield Broken.ROUTER_ID, host


SESSION_DOWN = Check(
    "session-down",
    CRITICAL,
    "BGP session down",
    "Each intended peer is Established and activated for its address families: EVPN within "
    "the fabric, IPv4 and IPv6 between an exit and a router outside.",
    "No routes are exchanged with it.",
    (EVPN_SUMMARY,),
    needs_on=session_slugs,
    applies=with_sessions,
    confirm="vtysh -c 'show bgp l2vpn evpn summary' -c 'show bgp neighbors 192.168.0.2'",
    remedy="`Last reset` says why. `Idle (Admin)`: `vtysh -c 'configure terminal' -c 'router "
    "bgp 1234' -c 'no neighbor 192.168.0.2 shutdown'`. `Active` or `Connect`: ping the "
    "peer's address, and let TCP port 179 pass. If the ping is answered, the two ends may have "
    "different passwords, or one has none: `nstat -az 'TcpExtTCPMD5*'` counts refused packets "
    "there; `plan` shows whose file differs, "
    "`/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf` has FRR take its own. `PfxCt`: the "
    "peer sent more than `maximum_prefix`. `NoNeg`: activate the peer in the address family.",
    explains=stops_exchange,
    follows=from_either_end,
    depth=Depth.SESSION,
    pairwise=Pairwise.SESSION,
    with_others=True,
)

SESSION_UNEXPECTED = Check(
    "session-unexpected",
    WARNING,
    "BGP peer not intended",
    "Each peer is one that the intent names, `frr_extra` included.",
    "A stranger can inject and receive routes.",
    (EVPN_SUMMARY,),
    needs_on=session_slugs,
    applies=with_sessions,
    confirm="vtysh -c 'show bgp l2vpn evpn summary'",
    remedy="`vtysh -c 'configure terminal' -c 'router bgp 1234' -c 'no neighbor 192.0.2.222'`. "
    "If the peer is wanted, the intent must name it.",
)


def established_peers(view: HostView) -> set[str] | None:
    """The intended EVPN peers that are Established; None when no summary was read."""
    states = evpn_sessions(view)
    return None if states is None else {peer for peer in states if states[peer] == ESTABLISHED}


def is_alone(view: HostView) -> bool:
    """Whether a VTEP has no session left that would carry everybody's routes, as reflectors' do.

    In a full mesh each session carries its own peer's routes only.
    """
    return bool(view.intent.reflectors) and view.node.carries and not established_peers(view)


def evpn_sessions(view: HostView) -> dict[str, str | None] | None:
    """The state of each intended EVPN peer (None: not listed); None when no summary was read."""
    peers = view.state.evpn_peers
    if peers is None:
        return None
    return {peer: _state(peers, peer) for peer in view.intent.evpn_peers(view.node)}


def outside_sessions(view: HostView) -> dict[str, str | None] | None:
    """The same of its eBGP peers: the state of a family that is not up, if there is one."""
    if view.state.bgp_families is None:
        return None
    families = _unicast_families(view.state)
    found: dict[str, str | None] = {}
    for address in outside_peers(view.node) or ():
        states = [_state(peers, address) for peers in families.values()]
        found[address] = next((it for it in states if it != ESTABLISHED), ESTABLISHED)
    return found


def examine_sessions(view: HostView) -> Iterator[RawFinding]:
    """Intended peers against the summaries; one that is not activated is not in them."""
    if view.node.bgp is not None:
        yield from _evpn_sessions(view)
    outside = outside_peers(view.node)
    if outside is not None:
        yield from _unicast_sessions(view, outside)


def _evpn_sessions(view: HostView) -> Iterator[RawFinding]:
    peers = view.state.evpn_peers or {}
    alone = is_alone(view)
    clients = frozenset(view.intent.clients(view.node))
    wanted = dict.fromkeys(view.intent.evpn_peers(view.node), ESTABLISHED)
    found = {
        address: _state(peers, address)
        for address in peers
        if address in wanted or not (address in view.node.peers_by_hand or _visits(view, address))
    }
    for difference in compare_values(wanted, found):
        address = difference.key
        evidence = lines(EVPN_SUMMARY, [_text(peers, address)])
        if difference.kind == "extra":
            yield _unexpected(view, address, difference.actual, "EVPN session", evidence=evidence)
        else:
            # One kind for both: a peer that flaps between Active and unlisted is one fact.
            yield SESSION_DOWN.found(
                view.host,
                f"neighbor {address}",
                "changed",
                ESTABLISHED,
                difference.actual,
                attribute="EVPN session",
                evidence=evidence,
                about=About(peer=address, alone=alone)
                if address in clients
                else _about(address, alone=alone, by_hand=_by_hand(difference.actual)),
            )


def outside_peers(node: NodeIntent) -> list[str] | None:
    """The addresses of its eBGP peers: routers of an exit, exits of a router; None without."""
    if node.router is not None:
        return list(node.router.exits) if node.router.asn is not None else None
    if node.bgp is None or not node.bgp.upstreams:
        return None
    return [upstream.address for upstream in node.bgp.upstreams]


def _unicast_sessions(view: HostView, wanted: list[str]) -> Iterator[RawFinding]:
    families = _unicast_families(view.state)
    for address in wanted:
        states = {name: _state(peers, address) for name, peers in families.items()}
        down = [name for name, state in states.items() if state != ESTABLISHED]
        if down:
            shown = [_text(families[name], address) for name in down]
            said = sorted({state for name in down if (state := states[name]) is not None})
            yield SESSION_DOWN.found(
                view.host,
                f"neighbor {address}",
                "changed",
                ESTABLISHED,
                ", ".join(said) or None,
                attribute="BGP session",
                what=f"{' and '.join(down)} unicast session",
                evidence=lines(BGP_SUMMARY, shown),
                about=_about(address, by_hand=_by_hand(", ".join(said) or None)),
            )
    strangers = {address: name for name, peers in families.items() for address in peers}
    for address in sorted(strangers.keys() - set(wanted) - view.node.peers_by_hand):
        name = strangers[address]
        state, shown = _state(families[name], address), [_text(families[name], address)]
        yield _unexpected(
            view, address, state, f"{name} unicast session", evidence=lines(BGP_SUMMARY, shown)
        )


def _visits(view: HostView, address: str) -> bool:
    """True for a session of one that comes and goes."""
    bgp = view.intent.fabric.bgp
    try:
        peer = ip_address(address)
    except ValueError:
        return False  # it is named by its interface
    return bgp is not None and any(peer in one.range for one in bgp.listen)


def _unexpected(
    view: HostView, address: str, state: str | None, what: str, *, evidence: tuple[Evidence, ...]
) -> RawFinding:
    return SESSION_UNEXPECTED.found(
        view.host,
        f"neighbor {address}",
        "extra",
        None,
        state,
        what=what,
        evidence=evidence,
        about=_about(address),
    )


def _about(address: str, *, alone: bool = False, by_hand: bool = False) -> About:
    topics = frozenset({("neighbor", address), *([("bgp", "shutdown")] if by_hand else [])})
    return About(peer=address, alone=alone, by_hand=by_hand, topics=topics)


def _by_hand(state: str | None) -> bool:
    """True for a session that was shut, or that is not configured at all."""
    return state is None or "Admin" in state


def _unicast_families(state: HostState) -> dict[str, BgpPeers]:
    """The neighbours of IPv4 and IPv6 unicast; a family without any is not printed."""
    shown = state.bgp_families or {}
    return {name: shown.get(key, {}) for key, name in _FAMILIES.items()}


def _state(peers: BgpPeers, address: str) -> str | None:
    return bounded(peers[address].state) if address in peers else None


def _text(peers: BgpPeers, address: str) -> str:
    return peers[address].text if address in peers else ""


PLANE = Plane(examine_sessions, (SESSION_DOWN, SESSION_UNEXPECTED))
