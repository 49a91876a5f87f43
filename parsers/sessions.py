"""BGP summaries and BFD sessions, as FRR's JSON shows them."""

from __future__ import annotations

from typing import Required

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from overlay.host_records import BfdPeer, BgpPeer, BgpPeers
from parsers._json import KEEP, OBJECT, Place, check, entry, printed, read_json, wrong
from parsers._text import address

EVPN_SUMMARY = "show bgp l2vpn evpn summary json"
BGP_SUMMARY = "show bgp summary json"
BFD_PEERS = "show bfd peers json"

_EVPN = "l2VpnEvpn"


@with_config(KEEP)
class _BgpPeer(TypedDict, total=False):
    state: Required[str]
    localAs: int | str
    remoteAs: int | str  # a text where the AS is shown in dotted form
    dynamicPeer: bool
    pfxRcd: int
    pfxSnt: int


# With dashes, so it cannot be written as a class.
_BfdPeer = TypedDict(
    "_BfdPeer",
    {
        "peer": Required[str],
        "status": Required[str],
        "local": str,
        "vrf": str,
        "interface": str,
        "multihop": bool,
        "type": str,
        "diagnostic": str,
        "detect-multiplier": int,
        "receive-interval": int,
        "transmit-interval": int,
    },
    total=False,
)
with_config(KEEP)(_BfdPeer)

_BGP = TypeAdapter(dict[str, _BgpPeer])
_BFD = TypeAdapter(list[_BfdPeer])


def parse_evpn_summary(text: str) -> BgpPeers:
    """The EVPN neighbours of a node, by address; none of an instance that has none (`{}`).

    FRR puts `peers` at the top; before 8.0 below the VRF's name and the family's, too. Raises
    ParseError.
    """
    place: Place = ()
    document = read_json(EVPN_SUMMARY, text, OBJECT)
    for part in ("default", _EVPN):
        if part in document and "peers" not in document:
            place = (*place, part)
            document = check(EVPN_SUMMARY, place, document[part], OBJECT)
    return _table(EVPN_SUMMARY, place, _EVPN, document)


def parse_bgp_summary(text: str) -> dict[str, BgpPeers]:
    """The neighbours of each address family, by FRR's name of it (`ipv4Unicast`, `l2VpnEvpn`, …).

    A family without a neighbour is not printed. Raises ParseError.
    """
    place: Place = ()
    families = read_json(BGP_SUMMARY, text, OBJECT)
    if "default" in families:
        place = ("default",)
        families = check(BGP_SUMMARY, place, families["default"], OBJECT)
    return {
        family: _table(BGP_SUMMARY, (*place, family), family, table)
        for family, table in families.items()
    }


def _table(command: str, place: Place, family: str, table: object) -> BgpPeers:
    """The neighbours of one family's summary."""
    document = check(command, place, table, OBJECT)
    if not document:
        return {}
    if "peers" not in document:
        raise wrong(command, (*place, "peers"), "this key is missing", document)
    place = (*place, "peers")
    peers: BgpPeers = {}
    for name, shown in check(command, place, document["peers"], _BGP).items():
        # A dynamic neighbour may be marked with a star.
        known = _address(name.strip().lstrip("*"))
        if known in peers:
            raise wrong(command, (*place, name), "a second neighbour of this address", shown)
        peers[known] = BgpPeer(
            address=known,
            state=shown["state"],
            family=family,
            remote_as=_text_of(shown.get("remoteAs")),
            local_as=_text_of(shown.get("localAs")),
            dynamic=shown.get("dynamicPeer", "*" in name),
            received=shown.get("pfxRcd"),
            sent=shown.get("pfxSnt"),
            text=entry(known, shown),
        )
    return peers


def _text_of(asn: int | str | None) -> str | None:
    return None if asn is None else str(asn)


def _address(name: str) -> str:
    try:
        return address(name)
    except ValueError:
        return name  # an unnumbered neighbour is named by its interface


def parse_bfd_peers(text: str) -> tuple[BfdPeer, ...]:
    """The BFD sessions of a node; none of a bfdd that has none (`[]`). Raises ParseError."""
    return tuple(
        BfdPeer(
            address=_address(shown["peer"]),
            status=shown["status"],
            local=_address(shown["local"]) if "local" in shown else None,
            vrf=shown.get("vrf"),
            interface=shown.get("interface"),
            multihop=shown.get("multihop", False),
            configured=shown["type"] == "configured" if "type" in shown else None,
            diagnostic=shown.get("diagnostic"),
            multiplier=shown.get("detect-multiplier"),
            receive_interval=shown.get("receive-interval"),
            transmit_interval=shown.get("transmit-interval"),
            text=printed(shown),
        )
        for shown in read_json(BFD_PEERS, text, _BFD)
    )
