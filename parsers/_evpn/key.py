"""EVPN route keys as FRR prints them, of every version → one canonical form and its fields.

    [1]:[EthTag]:[ESI]:[IPlen]:[VTEP-IP]:[Frag-id]      Frag-id from 8.3 on
    [2]:[EthTag]:[MAClen]:[MAC]:[IPlen]:[IP]            up to 7.2 with a further [0] in front
    [3]:[EthTag]:[IPlen]:[OrigIP]
    [4]:[ESI]:[IPlen]:[OrigIP]
    [5]:[EthTag]:[IPlen]:[IP]                           in 2017 with a further [0] in front

In 2017 lengths were in bytes, and builds without Cumulus' patches left lengths and tag out
(`[2]:[mac]/224`); lengths of addresses are therefore derived, never read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from parsers._text import address, number

_FIELD = re.compile(r"\[([^\[\]\s]*)\]")
_KEY = re.compile(r"\[[0-9]+\](?::?\[[^\[\]\s]*\])*(?:/[0-9]+)?")
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)
_ESI = re.compile(r"(?:[0-9a-f]{2}:){9}[0-9a-f]{2}", re.IGNORECASE)
_UNSUPPORTED = re.compile(r"\(unsupported route type ([0-9]+)\)")


@dataclass(frozen=True, slots=True)
class Key:
    """What an EVPN route key holds; `text` is its canonical form."""

    text: str
    route_type: int
    eth_tag: int | None = None
    mac: str | None = None
    ip: str | None = None
    prefix_length: int | None = None
    esi: str | None = None


def parse_key(text: str) -> Key:
    """Read one route key. Raises ValueError for what is none; unknown types stay as printed."""
    if not _KEY.fullmatch(text):
        return _unsupported(text)
    fields: list[str] = _FIELD.findall(text)
    route_type, rest = number(fields[0]), fields[1:]
    if route_type not in _READERS:
        return Key(text, route_type)
    return _READERS[route_type](rest)


def _unsupported(text: str) -> Key:
    """`Unsupported EVPN prefix` and `(unsupported route type 7)` stand where FRR knows no key."""
    if text == "Unsupported EVPN prefix":
        return Key(text, 0)
    unsupported = _UNSUPPORTED.fullmatch(text)
    if unsupported is None:
        raise ValueError(f"{text!r} is not an EVPN route key")
    return Key(text, number(unsupported[1]))


def _ethernet_segment_discovery(fields: list[str]) -> Key:
    esi = _the_esi(fields)
    at = fields.index(esi)
    ip = address(fields[at + 2] if at + 2 < len(fields) else fields[-1])
    tag = number(fields[at - 1]) if at else 0
    fragment = number(fields[at + 3]) if at + 3 < len(fields) else 0
    text = f"[1]:[{tag}]:[{esi.lower()}]:[{_bits(ip)}]:[{ip}]:[{fragment}]"
    return Key(text, 1, eth_tag=tag, ip=ip, esi=esi.lower())


def _mac_ip(fields: list[str]) -> Key:
    printed = next((word for word in fields if _MAC.fullmatch(word)), None)
    if printed is None:
        raise ValueError("a type-2 route without a MAC")
    at = fields.index(printed)
    mac = printed.lower()
    ip = address(fields[-1]) if at + 1 < len(fields) else None
    tag = number(fields[at - 2]) if at >= 2 else 0
    text = f"[2]:[{tag}]:[48]:[{mac}]" + (f":[{_bits(ip)}]:[{ip}]" if ip else "")
    return Key(text, 2, eth_tag=tag, mac=mac, ip=ip)


def _inclusive_multicast(fields: list[str]) -> Key:
    ip = address(fields[-1])
    tag = number(fields[0]) if len(fields) > 1 else 0
    return Key(f"[3]:[{tag}]:[{_bits(ip)}]:[{ip}]", 3, eth_tag=tag, ip=ip)


def _ethernet_segment(fields: list[str]) -> Key:
    esi = _the_esi(fields).lower()
    ip = address(fields[-1])
    return Key(f"[4]:[{esi}]:[{_bits(ip)}]:[{ip}]", 4, ip=ip, esi=esi)


def _ip_prefix(fields: list[str]) -> Key:
    network, _, length = fields[-1].partition("/")
    before = fields[:-1]
    if not length:
        length = before.pop()
    ip, bits = address(network), number(length)
    if not 0 <= bits <= _bits(ip):
        raise ValueError(f"{bits} is not a prefix length of {ip}")
    tag = number(before[-1]) if before else 0
    return Key(f"[5]:[{tag}]:[{bits}]:[{ip}]", 5, eth_tag=tag, ip=ip, prefix_length=bits)


_READERS = {
    1: _ethernet_segment_discovery,
    2: _mac_ip,
    3: _inclusive_multicast,
    4: _ethernet_segment,
    5: _ip_prefix,
}


def _the_esi(fields: list[str]) -> str:
    esi = next((word for word in fields if _ESI.fullmatch(word)), None)
    if esi is None:
        raise ValueError("a route of an Ethernet segment without an ESI")
    return esi


def _bits(ip: str) -> int:
    return 128 if ":" in ip else 32
