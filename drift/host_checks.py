"""The catalogue's checks of the host: its addresses, routes, settings and files."""

from __future__ import annotations

from drift.check import (
    ADDRESSES,
    CRITICAL,
    FILES,
    GROUPS,
    ROUTES,
    RUNNING,
    SETTINGS,
    WARNING,
    Check,
    with_frr,
    with_gateways,
    with_sysctls,
    with_vips,
    with_way_out,
)

HOST = (
    Check(
        "gateway-address",
        CRITICAL,
        "gateway address missing",
        "Each anycast gateway's address and prefix are on its bridge.",
        "Guests have no gateway here.",
        (ADDRESSES,),
        concerns=with_gateways,
    ),
    Check(
        "underlay-address",
        CRITICAL,
        "VTEP address missing",
        "The VTEP address is on the underlay interface.",
        "Tunnels and BGP sessions of this node have no endpoint.",
        (ADDRESSES,),
    ),
    Check(
        "exit-route",
        CRITICAL,
        "no way out, or none back",
        "An exit has a default route of its own that does not lead back into the overlay (on a "
        "backup exit it may), and a router outside has a route to each network of the exits.",
        "Traffic to the outside is lost, or goes round in a loop between exits.",
        (ROUTES,),
        concerns=with_way_out,
    ),
    Check(
        "vrrp",
        CRITICAL,
        "floating address not held as intended",
        "Each VRRP group runs with its intended address and priority, and has one master.",
        "Nobody answers at the floating address, or two nodes do.",
        (GROUPS,),
        concerns=with_vips,
    ),
    Check(
        "sysctl",
        CRITICAL,
        "kernel setting differs",
        "Forwarding and reverse-path filtering are as the topology needs.",
        "The kernel drops packets that it should route.",
        (SETTINGS,),
        concerns=with_sysctls,
    ),
    Check(
        "config-file",
        WARNING,
        "managed file edited",
        "Each managed file on disk is what the intent renders to, byte for byte.",
        "The next reload or reboot brings up something else than the intent.",
        FILES,
        by_render=True,
    ),
    Check(
        "config-running",
        WARNING,
        "FRR's running configuration differs",
        "FRR runs the statements of the rendered frr.conf and no others, whatever their order.",
        "What was typed into vtysh is lost at the next restart, and until then is not intended.",
        (RUNNING,),
        by_render=True,
        concerns=with_frr,
    ),
)
