"""A VTEP that is not ours (`role: external`), configured by hand as a switch by somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.live.tools.probes import on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.live.conftest import Lab

_UNDERLAY = """
ip link add vmbr0 type bridge
ip link set eno1 mtu 1550 master vmbr0 up
ip link set vmbr0 up
sed -i 's/^bgpd=.*/bgpd=yes/' /etc/frr/daemons
"""
_ADDRESS = """
ip address flush dev vmbr0
ip address add {0} dev vmbr0
ip route replace 192.168.0.0/24 dev vmbr0 src {0}
"""
_SEGMENT = """
ip link add vxlan{0} type vxlan id {0} dstport 4789 local {1} nolearning
ip link add vmbr{0} type bridge
ip link set vxlan{0} mtu 1500 master vmbr{0} up
bridge link set dev vxlan{0} learning off
ip link set vmbr{0} up
"""
_FRR = """frr defaults datacenter
route-map OUR-OWN-MACS deny 10
 match evpn route-type macip
exit
route-map OUR-OWN-MACS permit 20
exit
router bgp {asn}
 bgp router-id 192.168.0.200
 no bgp default ipv4-unicast
{neighbours}
 address-family l2vpn evpn
{activated}
  advertise-all-vni
 exit-address-family
exit
"""


def plug_in(lab: Lab, switch: str) -> None:
    """Gives it its underlay's bridge, and FRR its bgpd."""
    on(lab, switch, _UNDERLAY)


def carry(lab: Lab, switch: str, vni: int, address: str) -> None:
    """Has it carry a VNI from that VTEP address."""
    on(lab, switch, _SEGMENT.format(vni, address))


def come(
    lab: Lab,
    switch: str,
    address: str,
    neighbours: Sequence[str],
    *,
    asn: int = 1234,
    deaf: bool = False,
) -> None:
    """Has it carry VNI 2 from that VTEP address, with sessions to those neighbours of AS 1234.

    `deaf`: of routes that are received it takes none of a MAC.
    """
    on(lab, switch, "ip link delete vxlan2; ip link delete vmbr2; :")
    on(lab, switch, _ADDRESS.format(address))
    carry(lab, switch, 2, address)
    filtered = "\n  neighbor {0} route-map OUR-OWN-MACS in" if deaf else ""
    text = _FRR.format(
        asn=asn,
        neighbours="\n".join(_neighbour(n, ours=asn == 1234) for n in neighbours),
        activated="\n".join(f"  neighbor {n} activate" + filtered.format(n) for n in neighbours),
    )
    on(lab, switch, f"cat > /etc/frr/frr.conf <<'END'\n{text}END")
    on(lab, switch, "systemctl reset-failed frr; systemctl restart frr")


def _neighbour(address: str, *, ours: bool) -> str:
    line = f" neighbor {address} remote-as 1234"
    # Else its own FRR would wait for a neighbour within its network.
    return line if ours else f"{line}\n neighbor {address} ebgp-multihop 2"


def unplug(lab: Lab, switch: str) -> None:
    """Takes away all that was made here, but for files."""
    on(lab, switch, "systemctl stop frr")
    links = "vxlan3 vmbr3 vxlan2 vmbr2 vmbr0"
    on(lab, switch, f"for d in {links}; do ip link delete $d; done || :")
