# Makes a machine of the lab the switch of somebody else, as it would be configured without evpn-fleet:
# an address in the underlay, a VXLAN device and a bridge for VNI 2, and FRR, which peers with the reflector.
# Again on a machine where it has run: the same.
set -e
vtep=192.168.0.200

ip link show vmbr0 >/dev/null 2>&1 || ip link add vmbr0 type bridge
ip link set eno1 mtu 1550 master vmbr0 up
ip link set vmbr0 up
ip address flush dev vmbr0
ip address add $vtep/24 dev vmbr0
ip route replace 10.7.0.0/24 dev vmbr0 src $vtep

ip link show vmbr2 >/dev/null 2>&1 || ip link add vmbr2 type bridge
ip link delete vxlan2 2>/dev/null || :
ip link add vxlan2 type vxlan id 2 dstport 4789 local $vtep nolearning
ip link set vxlan2 mtu 1500 master vmbr2 up
bridge link set dev vxlan2 learning off
ip link set vmbr2 up

sed -i 's/^bgpd=.*/bgpd=yes/' /etc/frr/daemons
cat > /etc/frr/frr.conf <<END
frr defaults datacenter
router bgp 1234
 bgp router-id $vtep
 no bgp default ipv4-unicast
 neighbor 192.168.0.201 remote-as 1234
 address-family l2vpn evpn
  neighbor 192.168.0.201 activate
  advertise-all-vni
 exit-address-family
exit
END
systemctl reset-failed frr || :
systemctl restart frr
