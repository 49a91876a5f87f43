"""The catalogue's checks of the host: its addresses, routes, settings and files."""

from __future__ import annotations

from drift.check import (
    ADDRESSES,
    CRITICAL,
    FILES,
    GROUPS,
    INTERFACES,
    ROUTES,
    RUNNING,
    SETTINGS,
    WARNING,
    Check,
    files_on,
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
        confirm="ip address show dev vmbr2",
        mend="`ip address replace 10.0.2.254/24 dev vmbr2`, or `ifup vmbr2`.",
    ),
    Check(
        "underlay-address",
        CRITICAL,
        "VTEP address missing",
        "The VTEP address is on the underlay interface.",
        "Tunnels and BGP sessions of this node have no endpoint.",
        (ADDRESSES,),
        confirm="ip address show dev vmbr0",
        mend="`ip address replace 192.168.0.1/24 dev vmbr0`, or `ifup vmbr0`: on the console, if "
        "that address was the way in.",
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
        confirm="ip route show default; ip route show vrf vrf1 default",
        mend="On an exit: `ip route replace default via 192.168.0.254 dev vmbr0` with its "
        "`gateway:`, or mend its BGP session with the router outside. A router without its "
        "way back lacks the static route in frr.conf or its session with the exit: `vtysh "
        "-c 'show ip route'`.",
    ),
    Check(
        "vrrp",
        CRITICAL,
        "floating address not held as intended",
        "Each VRRP group runs with its intended address and priority, and has one master.",
        "Nobody answers at the floating address, or two nodes do.",
        (GROUPS,),
        concerns=with_vips,
        confirm="vtysh -c 'show vrrp'",
        mend="`vtysh -c 'configure terminal' -c 'interface vmbr0' -c 'vrrp 1 priority 100'` with "
        "the intended priority. Two masters do not hear each other: let IP protocol 112 "
        "pass to 224.0.0.18 and ff02::12. Without any group: /etc/frr/daemons needs "
        "`vrrpd=yes`.",
    ),
    Check(
        "sysctl",
        CRITICAL,
        "kernel setting differs",
        "Forwarding and reverse-path filtering are as the topology needs.",
        "The kernel drops packets that it should route.",
        (SETTINGS,),
        concerns=with_sysctls,
        confirm="sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding "
        "net.ipv4.conf.all.rp_filter",
        mend="`sysctl --load /etc/sysctl.d/90-evpn-fleet.conf`. If it comes back, something else "
        "sets it too: `grep -rs rp_filter /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d "
        "/usr/lib/sysctl.d`.",
    ),
    Check(
        "config-file",
        WARNING,
        "managed file edited",
        "Each managed file on disk is what the intent renders to, byte for byte.",
        "The next reload or reboot brings up something else than the intent.",
        (INTERFACES, *FILES),
        by_render=True,
        confirm="python run.py plan --limit node1",
        mend="`deploy` puts the rendered file back. What was edited for good belongs into "
        "fabric.yaml.",
        needs_on=files_on,
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
        confirm="/usr/lib/frr/frr-reload.py --test /etc/frr/frr.conf",
        mend="`/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf` takes it back, if that "
        "file is as rendered (`plan` is empty). What should stay belongs into fabric.yaml.",
    ),
)
