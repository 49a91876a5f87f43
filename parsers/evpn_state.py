"""EVPN as zebra's JSON shows it: its VNIs, and what it holds to be a duplicate."""

from __future__ import annotations

from typing import Any, Required

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from overlay.host_records import DuplicateAddress, DuplicateMac, EvpnVni
from parsers._json import KEEP, Place, check, entry, read_json, wrong
from parsers._text import address, is_mac, number

VNIS = "show evpn vni json"
DUPLICATE_MACS = "show evpn mac vni all duplicate json"
DUPLICATE_ADDRESSES = "show evpn arp-cache vni all duplicate json"

# What zebra prints for a device that it does not know.
_NONE = frozenset({"-", "None", "unknown"})


@with_config(KEEP)
class _Vni(TypedDict, total=False):
    type: Required[str]
    tenantVrf: Required[str]
    vxlanIf: str
    bridge: str
    vlan: int
    remoteVteps: list[str]


@with_config(KEEP)
class _Mac(TypedDict, total=False):
    type: Required[str]
    intf: str
    remoteVtep: str
    remoteEs: str
    detectionCount: int


@with_config(KEEP)
class _MacsOfVni(TypedDict, total=False):
    numMacs: Required[int]
    macs: dict[str, _Mac]


@with_config(KEEP)
class _Address(TypedDict, total=False):
    type: Required[str]
    mac: Required[str]
    remoteVtep: str
    remoteEs: str
    detectionCount: int


@with_config(KEEP)
class _Count(TypedDict):
    numArpNd: int


_VNIS = TypeAdapter(dict[str, _Vni])
_MACS = TypeAdapter(dict[str, _MacsOfVni])
_ADDRESSES = TypeAdapter(dict[str, dict[str, Any]])
_ADDRESS = TypeAdapter(_Address)
_COUNT = TypeAdapter(_Count)


def parse_evpn_vnis(text: str) -> dict[int, EvpnVni]:
    """The VNIs that zebra knows, by number; none while it has no EVPN. Raises ParseError."""
    vnis = {}
    for key, shown in read_json(VNIS, _said(text), _VNIS).items():
        vni = _vni(VNIS, key)
        place: Place = (key, "remoteVteps")
        vnis[vni] = EvpnVni(
            vni=vni,
            type=shown["type"],
            vrf=shown["tenantVrf"],
            device=_known(shown.get("vxlanIf")),
            bridge=_known(shown.get("bridge")),
            vlan=shown.get("vlan"),
            remote_vteps=tuple(
                _address_at(VNIS, place, vtep) for vtep in shown.get("remoteVteps", ())
            ),
            text=entry(key, shown),
        )
    return vnis


def parse_duplicate_macs(text: str) -> tuple[DuplicateMac, ...]:
    """The MACs that zebra's duplicate address detection caught, of all VNIs. Raises ParseError.

    A VNI may say that it has more than it shows: FRR counts those too that are on neither side.
    """
    found = []
    for key, shown in read_json(DUPLICATE_MACS, _said(text), _MACS).items():
        vni = _vni(DUPLICATE_MACS, key)
        for mac, row in shown.get("macs", {}).items():
            if not is_mac(mac):
                raise wrong(DUPLICATE_MACS, (key, "macs"), "not a MAC", mac)
            place: Place = (key, "macs", mac)
            found.append(
                DuplicateMac(
                    vni=vni,
                    mac=mac.lower(),
                    local=_is_local(DUPLICATE_MACS, place, row["type"]),
                    device=row.get("intf"),
                    vtep=_vtep(DUPLICATE_MACS, place, row.get("remoteVtep")),
                    es=row.get("remoteEs"),
                    moves=row.get("detectionCount"),
                    text=f"VNI {vni} {entry(mac, row)}",
                )
            )
    return tuple(found)


def parse_duplicate_addresses(text: str) -> tuple[DuplicateAddress, ...]:
    """The addresses that zebra's duplicate address detection caught, of all VNIs.

    Raises ParseError, also where a VNI shows other than as many as it says that it has.
    """
    command = DUPLICATE_ADDRESSES
    found: list[DuplicateAddress] = []
    for key, shown in read_json(command, _said(text), _ADDRESSES).items():
        vni, before = _vni(command, key), len(found)
        count = check(command, (key,), shown, _COUNT)["numArpNd"]
        for name, row in shown.items():
            if name != "numArpNd":
                found.append(_duplicate_address(vni, key, name, row))
        if len(found) - before != count:
            raise wrong(command, (key,), f"{len(found) - before} of {count} addresses", shown)
    return tuple(found)


def _duplicate_address(vni: int, key: str, name: str, row: object) -> DuplicateAddress:
    command, place = DUPLICATE_ADDRESSES, (key, name)
    known, text = _address_at(command, (key,), name), f"VNI {vni} {entry(name, row)}"
    if row is None or row == {}:  # on neither side: FRR prints an empty row, or `null`
        return DuplicateAddress(vni, known, text=text)
    shown = check(command, place, row, _ADDRESS)
    if not is_mac(shown["mac"]):
        raise wrong(command, (*place, "mac"), "not a MAC", shown["mac"])
    return DuplicateAddress(
        vni=vni,
        address=known,
        local=_is_local(command, place, shown["type"]),
        mac=shown["mac"].lower(),
        vtep=_vtep(command, place, shown.get("remoteVtep")),
        es=shown.get("remoteEs"),
        moves=shown.get("detectionCount"),
        text=text,
    )


def _said(text: str) -> str:
    """The text, or what FRR since 10.0 prints in its place: before, nothing while EVPN is off."""
    return text if text.strip() else "{}"


def _vni(command: str, key: str) -> int:
    try:
        return number(key)
    except ValueError:
        raise wrong(command, (), "not a VNI", key) from None


def _known(device: str | None) -> str | None:
    return None if device in _NONE else device


def _is_local(command: str, place: Place, kind: str) -> bool:
    if kind not in {"local", "remote"}:
        raise wrong(command, (*place, "type"), "neither local nor remote", kind)
    return kind == "local"


def _vtep(command: str, place: Place, shown: str | None) -> str | None:
    return None if shown is None else _address_at(command, (*place, "remoteVtep"), shown)


def _address_at(command: str, place: Place, shown: str) -> str:
    try:
        return address(shown)
    except ValueError:
        raise wrong(command, place, "not an IP address", shown) from None
