"""`vrfs.X.routes` and `vrfs.X.leak`, and what `vrfs.X.advertise` can name."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import BeforeValidator, Field

from overlay.values import InterfaceName, Strict

# Words for what the nodes of a VRF announce as type-5 routes.
SUBNETS = "subnets"
CONNECTED = "connected"
STATIC = "static"
# The next hop of a route that drops what has no better one.
BLACKHOLE = "blackhole"


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text))


def _prefix(value: object) -> str:
    try:
        return _network(str(value))
    except ValueError as error:
        raise ValueError(f"{str(value)!r} is not a prefix: {error}") from None


def _announced(value: object) -> str:
    text = str(value)
    if text in (SUBNETS, CONNECTED, STATIC):
        return text
    try:
        return _network(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is none of `{SUBNETS}`, `{CONNECTED}` and `{STATIC}`, nor a prefix: {error}"
        ) from None


def _next_hop(value: object) -> str:
    text = str(value)
    if text == BLACKHOLE:
        return text
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is neither an address nor `{BLACKHOLE}`") from None


Prefix = Annotated[str, BeforeValidator(_prefix)]
Announced = Annotated[str, BeforeValidator(_announced)]
NextHop = Annotated[str, BeforeValidator(_next_hop)]


class VrfRoute(Strict):
    """A static route of a VRF; several to one prefix are used at once (ECMP)."""

    prefix: Prefix = Field(description="Where it leads, such as 10.9.0.0/16.")
    via: NextHop = Field(
        description="The next hop: an address in a subnet of the VRF, such as a firewall's, or "
        "`blackhole`, which drops what has no better route (for a prefix that sums up others)."
    )
    nodes: tuple[str, ...] = Field(
        (),
        description="Nodes that have it, as globs; default every node with a gateway in the "
        "subnet of `via`, and with `blackhole` every node of the VRF.",
    )


class Leak(Strict):
    """Prefixes of another VRF that this one's guests reach; the way back is a leak of its own."""

    source: InterfaceName = Field(
        alias="from",
        description="The VRF that has them. It is then on each node of this one.",
    )
    prefixes: tuple[Prefix, ...] = Field(
        min_length=1, description="What of it is reached: its subnets, or parts of them."
    )
