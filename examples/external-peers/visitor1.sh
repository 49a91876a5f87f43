# Makes a machine of the lab a VTEP that comes and goes: like switch1.sh, but its address is in the
# prefix that the reflector listens to, and no intent names it. `systemctl stop frr` there: it leaves.
set -e
vtep=10.7.0.9

ip link show vmbr0 >/dev/null 2>&1 || ip link add vmbr0 type bridge
ip link set eno1 mtu 1550 master vmbr0 up
ip link set vmbr0 up
ip address flush dev vmbr0
ip address add $vtep/32 dev vmbr0
ip route replace 192.168.0.0/24 dev vmbr0 src $vtep

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
