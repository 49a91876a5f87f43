"""`bgp`: the EVPN control plane."""

from __future__ import annotations

from ipaddress import IPv4Address  # noqa: TC003 (pydantic reads the annotations at run time)
from typing import Annotated

from pydantic import BeforeValidator, Field, IPvAnyNetwork

from overlay.keys.kinds import section_or_switch
from overlay.sessions.keys import FabricSession
from overlay.values import Asn, FrrVersion, Strict


class Timers(Strict):
    """After how long a BGP neighbour that is silent counts as gone, in seconds."""

    keepalive: int = Field(3, ge=1, le=65535, description="Seconds between two keepalives.")
    hold: int = Field(
        9, ge=3, le=65535, description="Seconds without a keepalive until a neighbour is down."
    )
    connect: int = Field(
        10,
        ge=1,
        le=65535,
        description="Seconds between two attempts to connect to a neighbour that is down.",
    )


class Bfd(Strict):
    """Probes beside a protocol that notice within a second that a neighbour is gone (bfdd)."""

    interval: int = Field(
        300, ge=50, le=60000, description="Milliseconds between two BFD packets, each way."
    )
    multiplier: int = Field(
        3,
        ge=2,
        le=255,
        description="Number of consecutive lost packets after which the neighbour is down.",
    )


class Listen(Strict):
    """Peers that come and go, of which only the prefix is known; an audit misses none of them."""

    range: IPvAnyNetwork = Field(description="The prefix that they peer from.")
    vteps: bool = Field(
        True, description="Whether they may be VTEPs, of any network, with that address."
    )


BfdSwitch = Annotated[
    Bfd | None,
    BeforeValidator(section_or_switch, json_schema_input_type=bool | Bfd | None),
]
"""`bfd: true`, or a section of that name."""


class Bgp(Strict):
    """The EVPN control plane (FRR)."""

    asn: Asn = Field(
        description="The fabric's AS number. Nodes and groups can have another one: "
        "then nodes of one AS peer by iBGP, and those of different ones by eBGP."
    )
    coalesce_time: int = Field(
        1000,
        ge=0,
        le=4294967295,
        description="Milliseconds for which FRR collects updates before it sends them.",
    )
    cluster_id: IPv4Address | None = Field(
        None,
        description="Cluster of the route reflectors, the same on each of them; needed for those "
        "of role `reflector`. Without it each one that is a VTEP is a cluster of its own.",
    )
    timers: Timers = Field(
        default_factory=lambda: Timers.model_validate({}),
        description="Timers that decide when a silent neighbour is down.",
    )
    bfd: BfdSwitch = Field(
        None, description="BFD with each neighbour: true, or a section; default none."
    )
    listen: tuple[Listen, ...] = Field(
        (),
        description="Peers that come and go: those whom VTEPs peer with, the reflectors or the "
        "VTEPs themselves, take a session from each. Reflectors take those of the underlay anyway.",
    )
    session: FabricSession = Field(
        default_factory=lambda: FabricSession.model_validate({}),
        description="Passwords and further options of the sessions.",
    )
    frr: FrrVersion | None = Field(
        None,
        description="The oldest FRR on any of the nodes, in quotes ('10.7'); a node can name its "
        "own. Needed for EVPN over an IPv6 underlay, which takes 10.6; where BFD "
        "watches BGP sessions, `validate` warns of releases that do not go together.",
    )
