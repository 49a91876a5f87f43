"""The words that a fabric is described with, and what the sections share."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import IPvAnyAddress

VXLAN_OVERHEAD = {4: 50, 6: 70}
# FRR knew IPv4 VTEPs only: zebra kept a VXLAN device's tunnel source as `struct in_addr vtep_ip`.
# 10.6.0 is the first release with "BGP IPv6 VTEP support" in its notes (FRRouting/frr pull requests
# 19498 and 19721).
FRR_WITH_IPV6_VTEPS = "10.6"
# The oldest that was tried with one VXLAN device for all VNIs. 8.4 takes it for VNI 0.
FRR_WITH_SINGLE_DEVICE = "10.3"


class Mode(StrEnum):
    """How a VTEP learns the other VTEPs and the MACs behind them."""

    MULTICAST = "multicast"
    UNICAST = "unicast"
    EVPN = "evpn"


class Routing(StrEnum):
    """Where traffic between two VNIs is routed."""

    NONE = "none"
    ASYMMETRIC = "asymmetric"
    SYMMETRIC = "symmetric"


class Devices(StrEnum):
    """How many VXLAN devices a node has."""

    PER_VNI = "per-vni"
    SINGLE = "single"


class Role(StrEnum):
    """What a node is in the fabric."""

    VTEP = "vtep"
    REFLECTOR = "reflector"
    SPINE = "spine"
    ROUTER = "router"
    EXTERNAL = "external"


class Scope(StrEnum):
    """Which part of a node's network configuration is ours."""

    WHOLE = "whole"
    OVERLAY = "overlay"
    OBSERVED = "observed"


def multicast(value: IPvAnyAddress | None) -> IPvAnyAddress | None:
    if value is not None and not value.is_multicast:
        raise ValueError(f"{value} is not a multicast address (224.0.0.0/4 or ff00::/8)")
    return value


def section_or_switch(value: object) -> object:
    """`true` for a section with all defaults, `false` for none."""
    return ({} if value else None) if isinstance(value, bool) else value
