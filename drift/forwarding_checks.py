"""The catalogue's checks of the kernel's forwarding database."""

from __future__ import annotations

from drift.check import CRITICAL, WARNING, B, Check, F, with_evpn_vnis, with_vnis

FORWARDING = (
    Check(
        "flood-missing",
        CRITICAL,
        "VTEP missing from the flood list",
        "Each VTEP that the intent (unicast) or a received IMET route names is in the flood list.",
        "Broadcast, ARP and unknown unicast do not reach that VTEP.",
        (F,),
        (B,),
        by_vni=True,
        concerns=with_vnis,
        confirm="bridge fdb show dev vxlan2 | grep 00:00:00:00:00:00; vtysh -c 'show evpn vni 2'",
        mend="With EVPN zebra puts it back within seconds, unless it hangs: `systemctl restart "
        "frr`. By hand: `bridge fdb append 00:00:00:00:00:00 dev vxlan2 dst 192.168.0.2`. "
        "Without EVPN `ifup vxlan2` does it.",
    ),
    Check(
        "flood-unexpected",
        WARNING,
        "unknown VTEP in the flood list",
        "Each address in the flood list is named by the intent or by a received IMET route.",
        "Copies of broadcast traffic go to a host that is not part of the network.",
        (F,),
        (B,),
        by_vni=True,
        concerns=with_vnis,
        confirm="bridge fdb show dev vxlan2 | grep 00:00:00:00:00:00; vtysh -c 'show evpn vni 2'",
        mend="`bridge fdb del 00:00:00:00:00:00 dev vxlan2 dst 192.0.2.99`. zebra leaves alone "
        "what it did not add.",
    ),
    Check(
        "fdb-stale",
        WARNING,
        "MAC without a route",
        "Each remote MAC in the forwarding database has a type-2 route behind it.",
        "Frames for it go to a VTEP that no longer, or never, has it.",
        (F, B),
        by_vni=True,
        concerns=with_evpn_vnis,
        confirm="bridge fdb show dev vxlan2; vtysh -c 'show evpn mac vni 2'",
        mend="`bridge fdb del 02:00:00:00:00:99 dev vxlan2 self`.",
    ),
    Check(
        "fdb-missing",
        CRITICAL,
        "route without a MAC",
        "Each best type-2 route of a local VNI is in the forwarding database, and on an L3VNI's "
        "device the router MAC (RMAC) of each VTEP that its VRF has a type-2 or type-5 route to.",
        "BGP knows where the MAC is, the kernel does not, and frames for it are lost; without a "
        "VTEP's RMAC, all that is routed to that VTEP.",
        (F, B),
        by_vni=True,
        concerns=with_evpn_vnis,
        confirm="bridge fdb show dev vxlan2; vtysh -c 'show evpn mac vni 2'; "
        "bridge fdb show dev vxlan4000; vtysh -c 'show evpn rmac vni 4000'",
        mend="`bridge fdb replace 02:00:00:00:00:99 dev vxlan2 dst 192.168.0.2 self "
        "extern_learn`. zebra does not do it by itself before the route comes again. An RMAC that "
        "`show evpn rmac vni 4000` lacks, too, was lost by FRR itself (8.4 may, when routes "
        "change): on the node that lacks it, `vtysh -c 'clear bgp 192.168.0.1'` with the address "
        "of that VTEP has its routes come again.",
    ),
    Check(
        "fdb-wrong-vtep",
        CRITICAL,
        "MAC behind the wrong VTEP",
        "Each remote MAC points at the next hop of its best type-2 route, and each router MAC "
        "(RMAC) on an L3VNI's device at a VTEP whose routes carry it.",
        "Frames for it go to the wrong node.",
        (F, B),
        by_vni=True,
        concerns=with_evpn_vnis,
        confirm="bridge fdb show dev vxlan2; vtysh -c 'show evpn mac vni 2'; "
        "bridge fdb show dev vxlan4000; vtysh -c 'show evpn rmac vni 4000'",
        mend="`bridge fdb replace 02:00:00:00:00:99 dev vxlan2 dst 192.168.0.2 self "
        "extern_learn` with the next hop of the best route. Where `show evpn rmac vni 4000` has "
        "the wrong VTEP, too: `systemctl restart frr` on this node.",
    ),
)
