"""What people write, value by value: MACs, addresses, names, versions; a wrong one is explained."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

FOR_PEOPLE = "for people"
"""Marks a key that only people read: nothing has to be derived from it."""
IFNAMSIZ = 15
# Words for what a VRF's guests do not reach through its exits.
UNDERLAY = "underlay"
OTHER_VRFS = "vrfs"
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_NODE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
_IFNAME = re.compile(r"[A-Za-z0-9_.-]+")
_FRR = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,3})?")


class Strict(BaseModel):
    """A model that refuses unknown keys and cannot be changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _mac(value: object) -> str:
    text = str(value).lower().replace("-", ":")
    if not _MAC.fullmatch(text):
        raise ValueError(
            f"{value!r} is not a MAC address: write six pairs of hex digits in quotes, "
            "such as '44:39:39:ff:40:94'"
        )
    if int(text[:2], 16) & 1:
        raise ValueError(f"{value!r} is a multicast MAC: a gateway needs an even first byte")
    return text


def _ifname(value: str) -> str:
    if not value or len(value) > IFNAMSIZ:
        raise ValueError(
            f"{value!r} is not an interface name: Linux allows 1 to {IFNAMSIZ} characters"
        )
    if not _IFNAME.fullmatch(value):
        raise ValueError(f"{value!r} is not an interface name: use letters, digits, '_', '.', '-'")
    return value


def _node_name(value: str) -> str:
    # It becomes a folder of snapshots and rendered files, and FRR's `hostname` statement.
    if not _NODE_NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a node's name: begin with a letter or digit and use letters, "
            "digits, '_', '.', '-'"
        )
    return value


def _frr_version(value: object) -> str:
    if not isinstance(value, str):
        # YAML reads 10.10 without quotes as the number 10.1.
        raise ValueError(f"{value!r} is not a version: write it in quotes, such as '10.7'")  # noqa: TRY004 (pydantic's)
    if not _FRR.fullmatch(value):
        raise ValueError(f"{value!r} is not a version of FRR, such as '10.7' or '10.7.1'")
    return value


def version_of(text: str) -> tuple[int, ...]:
    """A version's numbers, so that 10.10 is newer than 10.7; what stands behind them is dropped."""
    return tuple(int(part) for part in re.findall(r"\d+", text))


def _interface(value: object) -> str:
    text = str(value)
    if "/" not in text:
        raise ValueError(
            f"{text!r} lacks its prefix length: write address/length, as 10.0.2.254/24"
        )
    try:
        parsed = ipaddress.ip_interface(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not an address with a prefix length: {error}") from None
    if parsed.network.prefixlen < parsed.max_prefixlen - 1:
        if parsed.ip == parsed.network.network_address:
            raise ValueError(f"{text!r} is the network's own address, not one a gateway can have")
        if parsed.version == 4 and parsed.ip == parsed.network.broadcast_address:
            raise ValueError(f"{text!r} is the broadcast address, not one a gateway can have")
    return str(parsed)


def _unreachable(value: object) -> str:
    text = str(value)
    if text in (UNDERLAY, OTHER_VRFS):
        return text
    try:
        prefix = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is neither `{UNDERLAY}` nor `{OTHER_VRFS}` nor a prefix: {error}"
        ) from None
    if prefix.prefixlen == 0:
        raise ValueError(f"{text!r} is everything: for a VRF without a way out, omit `exits`")
    return str(prefix)


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a regular expression: {error}") from None
    if re.search(r"\s", value):
        raise ValueError(f"{value!r} holds white space, and ifupdown2 would split it there")
    return value


def _name_pattern(value: str) -> str:
    strange = set(re.findall(r"\{[^{}]*\}?|\}", value)) - {"{vni}", "{name}"}
    if strange:
        raise ValueError(
            f"{value!r} holds {', '.join(sorted(strange))}: a name's pattern knows {{vni}} and "
            "{name}"
        )
    return value


MacAddress = Annotated[str, BeforeValidator(_mac)]
NodeName = Annotated[str, AfterValidator(_node_name)]
InterfaceName = Annotated[str, AfterValidator(_ifname)]
GatewayAddress = Annotated[str, BeforeValidator(_interface)]
NamePattern = Annotated[str, AfterValidator(_name_pattern)]
Unreachable = Annotated[str, BeforeValidator(_unreachable)]
Pattern = Annotated[str, AfterValidator(_regex)]
FrrVersion = Annotated[str, BeforeValidator(_frr_version)]
Vni = Annotated[int, Field(ge=1, le=16777215)]
# 1 is where a bridge puts what has no VLAN, 4095 is reserved.
Vlan = Annotated[int, Field(ge=2, le=4094)]
Asn = Annotated[int, Field(ge=1, le=4294967295)]
