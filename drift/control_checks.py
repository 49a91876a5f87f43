"""The catalogue's checks of the control plane (BGP EVPN)."""

from __future__ import annotations

from drift.check import (
    CRITICAL,
    SUMMARY,
    VNIS,
    WARNING,
    B,
    Check,
    session_slugs,
    with_evpn,
    with_evpn_vnis,
    with_exits,
    with_l3vni,
    with_sessions,
)

EVPN = (
    Check(
        "evpn-empty",
        CRITICAL,
        "no EVPN table",
        "The node has an EVPN table with routes, and so has a reflector of a fabric with VNIs.",
        "FRR is down or has no EVPN: the node neither hears nor is heard.",
        (B,),
        concerns=with_evpn,
        confirm="systemctl status frr; vtysh -c 'show bgp l2vpn evpn summary'",
        mend="`systemctl reset-failed frr; systemctl restart frr`; `journalctl -u frr` says why "
        "it ended. /etc/frr/daemons needs `bgpd=yes`, and frr.conf its `router bgp`: `plan` "
        "shows what is missing.",
    ),
    Check(
        "imet-not-originated",
        CRITICAL,
        "IMET route not originated",
        "The node originates a type-3 route for each of its L2 VNIs.",
        "Without it no other node floods to this one (advertise-all-vni, or a VNI FRR ignores).",
        (B,),
        by_vni=True,
        concerns=with_evpn_vnis,
        confirm="vtysh -c 'show evpn vni' -c 'show bgp l2vpn evpn route type multicast'",
        mend="If all VNIs are concerned: `vtysh -c 'configure terminal' -c 'router bgp 1234' -c "
        "'address-family l2vpn evpn' -c 'advertise-all-vni'`. If `show evpn vni` lacks just "
        "this one, zebra sees no VXLAN device for it that is up and in a bridge: mend the "
        "device.",
    ),
    Check(
        "imet-missing",
        CRITICAL,
        "IMET route missing",
        "A type-3 route is received from every intended VTEP of each shared VNI.",
        "This node does not flood to that VTEP.",
        (B,),
        by_vni=True,
        concerns=with_evpn_vnis,
        confirm="vtysh -c 'show bgp l2vpn evpn route type multicast'",
        mend="Run `vtysh -c 'show evpn vni'` on the VTEP that is named: without the VNI there, "
        "mend it there. With it, look at the BGP sessions between the two, or with the "
        "reflectors.",
    ),
    Check(
        "imet-unexpected",
        WARNING,
        "IMET route not intended",
        "Each type-3 route is of a VNI and from a VTEP that the intent names together.",
        "Somebody joined the network who is not part of it.",
        (B,),
        by_vni=True,
        concerns=with_evpn,
        confirm="vtysh -c 'show bgp l2vpn evpn route type multicast'",
        mend="Go to the VTEP that is named and delete its VXLAN device of that VNI. If it is "
        "wanted, the intent must name it.",
    ),
    Check(
        "route-target",
        CRITICAL,
        "wrong route target",
        "Routes that the node originates carry the route targets of their VNI (the AS is not "
        "judged: import matches *:VNI).",
        "Others import by route target: with another one the routes land elsewhere or nowhere.",
        (B,),
        by_vni=True,
        concerns=with_evpn_vnis,
        confirm="vtysh -c 'show bgp l2vpn evpn vni 2'",
        mend="Somebody has set it by hand; without that FRR derives AS:VNI: `vtysh -c 'configure "
        "terminal' -c 'router bgp 1234' -c 'address-family l2vpn evpn' -c 'no vni 2'`.",
    ),
    Check(
        "rd-duplicate",
        CRITICAL,
        "RD used twice",
        "No two originators use one route distinguisher.",
        "A reflector passes on only one of two routes that have the same RD and prefix.",
        (B,),
        concerns=with_evpn,
        confirm="vtysh -c 'show bgp l2vpn evpn vni'",
        mend="On the node where it was set by hand: `vtysh -c 'configure terminal' -c 'router "
        "bgp 1234' -c 'address-family l2vpn evpn' -c 'no vni 2'`. FRR derives an RD from "
        "the router-id: where two nodes share that, mend it first.",
    ),
    Check(
        "type5-missing",
        CRITICAL,
        "type-5 default route missing",
        "Every node of a VRF has a default route (type-5, IPv4 and IPv6) of each of its exits.",
        "This node does not use that exit; without any, the VRF has no way out from here.",
        (B,),
        by_vni=True,
        concerns=with_exits,
        confirm="vtysh -c 'show bgp l2vpn evpn route type prefix'",
        mend="On the exit: `vtysh -c 'configure terminal' -c 'router bgp 1234 vrf vrf1' -c "
        "'address-family l2vpn evpn' -c 'default-originate ipv4' -c 'default-originate "
        "ipv6'`.",
    ),
    Check(
        "type5-unexpected",
        WARNING,
        "type-5 route not intended",
        "Each type-5 route of an intended VRF is the default route of one of its exits.",
        "It draws traffic of the VRF to a node that should not route it.",
        (B,),
        by_vni=True,
        concerns=with_evpn,
        confirm="vtysh -c 'show bgp l2vpn evpn route type prefix'",
        mend="On the node that it comes from, take `default-originate`, `advertise ipv4 unicast` "
        "or `advertise ipv6 unicast` out of its `router bgp 1234 vrf vrf1`. A new exit "
        "belongs under `exits:` of the VRF in fabric.yaml.",
    ),
    Check(
        "mac-mobility",
        WARNING,
        "MAC moves, or is in two places",
        "No MAC is behind several VTEPs, unless its mobility sequence numbers (one migration adds "
        "1) say that it is just moving: they differ and are below 5. None is at 20 or more.",
        "Two guests share a MAC, or a loop throws it about: frames go to one place, then another.",
        (B,),
        by_vni=True,
        concerns=with_evpn_vnis,
        confirm="vtysh -c 'show evpn mac vni 2 mac 02:00:00:00:00:77'",
        mend="`bridge fdb show | grep 02:00:00:00:00:77` on each VTEP that is named shows its "
        "ports: give one of the two guests another MAC, delete a static entry, or break the "
        "loop. A MAC that FRR has frozen as a duplicate is freed by `vtysh -c 'clear evpn "
        "dup-addr vni 2 mac 02:00:00:00:00:77'`.",
    ),
    Check(
        "router-id",
        CRITICAL,
        "wrong router-id",
        "The BGP router-id is the intended one, and no other node uses it.",
        "Two speakers with one router-id build no session, and their RDs collide.",
        (B,),
        concerns=with_evpn,
        confirm="vtysh -c 'show bgp l2vpn evpn summary'",
        mend="`vtysh -c 'configure terminal' -c 'router bgp 1234' -c 'bgp router-id "
        "192.168.0.1'`. All its sessions start anew.",
    ),
    Check(
        "session-down",
        CRITICAL,
        "BGP session down",
        "Each intended peer is Established and activated for its address families: EVPN within "
        "the fabric, IPv4 and IPv6 between an exit and a router outside.",
        "No routes are exchanged with it.",
        (SUMMARY,),
        needs_on=session_slugs,
        concerns=with_sessions,
        confirm="vtysh -c 'show bgp l2vpn evpn summary' -c 'show bgp neighbors 192.168.0.2'",
        mend="`Last reset` says why. `Idle (Admin)`: `vtysh -c 'configure terminal' -c 'router "
        "bgp 1234' -c 'no neighbor 192.168.0.2 shutdown'`. `Active` or `Connect`: ping the "
        "peer's address, and let TCP port 179 pass. `NoNeg`: activate the peer in the "
        "address family.",
    ),
    Check(
        "session-unexpected",
        WARNING,
        "BGP peer not intended",
        "Each peer is one that the intent names.",
        "A stranger can inject and receive routes.",
        (SUMMARY,),
        needs_on=session_slugs,
        concerns=with_sessions,
        confirm="vtysh -c 'show bgp l2vpn evpn summary'",
        mend="`vtysh -c 'configure terminal' -c 'router bgp 1234' -c 'no neighbor 192.0.2.222'`. "
        "If the peer is wanted, the intent must name it.",
    ),
    Check(
        "l3vni",
        CRITICAL,
        "L3VNI not in place",
        "Each L3VNI is of type L3 in zebra, and in its VRF.",
        "Routed traffic of the VRF does not leave the node.",
        (VNIS,),
        concerns=with_l3vni,
        confirm="vtysh -c 'show evpn vni 4000'",
        mend="`vtysh -c 'configure terminal' -c 'vrf vrf1' -c 'vni 4000'`. vxlan4000 must be up "
        "in vmbr4000, and that bridge up in the VRF.",
    ),
)
