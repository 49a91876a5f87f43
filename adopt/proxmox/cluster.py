"""A Proxmox cluster's SDN, as `/etc/pve` holds it, read into an intent that observes it."""

from __future__ import annotations

import ipaddress
from collections import Counter
from typing import TYPE_CHECKING, Any

from adopt.infer import Inferred, without_unused
from adopt.infer_targets import targets_as_keys, without_refused
from adopt.proxmox.controllers import add_systems, numbers_of, remark_other
from adopt.proxmox.fabric import SdnFabric, Speaking, sdn_fabric
from adopt.proxmox.overlaps import take_overlaps
from adopt.proxmox.snat import snat_keys
from adopt.proxmox.underlay import ETHERNET, holder_of, underlay_keys
from adopt.proxmox.values import RUNNING, is_on, mapping, number, type_of, words_of
from adopt.running.versions import oldest_frr
from adopt.survey import Remark
from overlay.errors import IntentError
from overlay.intent import FRR_WITH_IPV6_VTEPS, VXLAN_OVERHEAD, Overlay

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adopt.hostfiles import Host

# What an object says that changes nothing in the network itself, or that the intent takes over.
_KNOWN = {
    "zones": {"type", "ipam", "dns", "dnszone", "reversedns", "controller", "vrf-vxlan", "mac",
              "mtu", "exitnodes", "exitnodes-primary", "exitnodes-local-routing", "vxlan-port",
              "nodes", "peers",
              "advertise-subnets", "disable-arp-nd-suppression", "rt-import"},
    "vnets": {"type", "zone", "tag", "alias"},
    "subnets": {"type", "vnet", "gateway", "dnszoneprefix", "dhcp-range", "dhcp-dns-server",
                "snat"},
    "controllers": {"type", "asn", "peers", "fabric"},
}  # fmt: skip
_DEFAULTS = Overlay.model_validate({})
_TAKEN_OFF = VXLAN_OVERHEAD[4]
_UNANSWERED = "disable-arp-nd-suppression"
_LOCAL = "exitnodes-local-routing"
_SOME_MAC = "44:39:39:ff:40:94"


def infer_proxmox(
    running: Mapping[str, Any],
    members: Mapping[str, Any],
    hosts: Mapping[str, Host],
    *,
    name: str,
    scope: str = "observed",
) -> Inferred:
    """The intent of `.running-config`, `.members` and each node's interfaces file that is at hand.

    What an intent cannot say becomes a remark: where, what, and that no audit looks at it. Raises
    IntentError without an evpn or vxlan zone, and where no file says what the underlay is.
    """
    cluster = _Cluster(running, members, hosts)
    fabric = cluster.fabric(name, scope)
    said = without_unused(fabric)
    return Inferred(said, tuple(cluster.remarks), managed=said)


class _Cluster:
    def __init__(
        self, running: Mapping[str, Any], members: Mapping[str, Any], hosts: Mapping[str, Host]
    ) -> None:
        self.remarks: list[Remark] = []
        self._ids = {
            kind: {
                name: mapping(keys)
                for name, keys in mapping(mapping(running.get(kind)).get("ids")).items()
            }
            for kind in ("zones", "vnets", "subnets", "controllers", "fabrics")
        }
        self._hosts = hosts
        self._fabric: SdnFabric | None = None
        listed = mapping(members.get("nodelist"))
        self._members = {n: str(mapping(m).get("ip", "")) for n, m in listed.items()}
        self._members |= {n: "" for n in hosts if n not in self._members}
        for kind in running:
            if kind not in {*self._ids, "version"} and mapping(mapping(running[kind]).get("ids")):
                self._say(kind, "the intent knows no such section, so no audit looks at it")
        zones = self._ids["zones"]
        self.evpn = {z: c for z, c in zones.items() if type_of(c) == "evpn"}
        self.vxlan = {z: c for z, c in zones.items() if type_of(c) == "vxlan"}
        for zone, keys in zones.items():
            if type_of(keys) not in {"evpn", "vxlan"}:
                self._say(f"zones.{zone}", f"a zone of type {type_of(keys)} is left alone")
        if not self.evpn and not self.vxlan:
            raise IntentError(
                f"{RUNNING}: there is no zone of type evpn or vxlan",
                "the intent is about VXLAN; `pvesh get /cluster/sdn/zones` lists the zones",
            )
        if self.evpn:
            for zone in self.vxlan:
                self._say(f"zones.{zone}", "a fabric has one mode, evpn here: it is left out")
            self.vxlan = {}

    def _say(self, where: str, what: str) -> None:
        self.remarks.append(Remark("", RUNNING, 0, f"{where}: {what}"))

    def fabric(self, name: str, scope: str) -> dict[str, Any]:
        """All keys of the intent."""
        zones = self.evpn or self.vxlan
        asn, peers = self._controller()
        peers += list(self._fabric.nodes.values()) if self._fabric else []
        peers += [p for zone in self.vxlan.values() for p in words_of(zone.get("peers"))]
        nodes = self._nodes(peers)
        underlay = self._underlay(nodes)
        networks = [n for zone, keys in sorted(zones.items()) for n in self._networks(zone, keys)]
        overlay = self._overlay(zones, networks, underlay)
        fabric: dict[str, Any] = {
            "name": name,
            "mode": "evpn" if self.evpn else "unicast",
            "routing": "symmetric" if self.evpn else "none",
            "scope": scope,
            "underlay": underlay,
            "overlay": overlay,
        }
        if self.evpn:
            fabric["bgp"] = {"asn": asn}
            if ":" in underlay["prefix"]:
                fabric["bgp"]["frr"] = oldest_frr(
                    self._hosts.values(),
                    FRR_WITH_IPV6_VTEPS,
                    "EVPN over IPv6",
                    lambda node, what: self._say(f"nodes.{node.name}", what),
                )
            device = self._fabric.device if self._fabric else None
            speaking = Speaking(self._hosts, self._ids["controllers"], device, self._say)
            speaking.add_to(fabric["bgp"], nodes)
            add_systems(self._ids["controllers"], nodes, asn)
            fabric["vrfs"] = {
                f"vrf_{zone}": self._vrf(zone, keys, nodes, asn)
                for zone, keys in sorted(zones.items())
            }
            for zone, keys in zones.items():
                if (port := _port(zone, keys)) != overlay.get("dstport", _DEFAULTS.dstport):
                    fabric["vrfs"][f"vrf_{zone}"]["dstport"] = port
            self._without_gateway(zones, networks)
        fabric["networks"] = sorted(networks, key=lambda network: network["vni"])
        fabric["nodes"] = nodes
        take_overlaps(fabric, self._say)
        for refused in without_refused(fabric):
            self._say("zones", refused)
        self._unknown(zones)
        if self._fabric is None and self._ids["fabrics"]:
            self._say("fabrics", "no zone is over one of them, so no audit looks at them")
        return fabric

    def _controller(self) -> tuple[int, list[str]]:
        asn, peers, others = 0, [], {}
        used = {str(keys.get("controller")) for keys in self.evpn.values()}
        for name, keys in self._ids["controllers"].items():
            if type_of(keys) == "evpn" and name in used:
                asn = asn or number(keys.get("asn", 0), "asn", f"controllers.{name}")
                peers += [p for p in words_of(keys.get("peers")) if p not in peers]
                self._fabric = self._fabric or self._routed(name, keys)
            else:
                others[name] = keys
        for name, keys in others.items():
            remark_other(name, keys, self._say)
        return asn, peers

    def _routed(self, controller: str, keys: Mapping[str, Any]) -> SdnFabric | None:
        """The SDN fabric that a controller names its peers by; its nodes are its peers."""
        if not keys.get("fabric"):
            return None
        found = sdn_fabric(self._ids["fabrics"], str(keys["fabric"]))
        if found is None:
            self._say(
                f"controllers.{controller}.fabric",
                f"{keys['fabric']!r} is not a fabric with a prefix and nodes",
            )
            return None
        kind = type_of(self._ids["fabrics"][found.name]).removesuffix("_fabric")
        self._say(
            f"fabrics.{found.name}",
            f"the underlay is routed by {kind}: the intent says the nodes' addresses, and no audit "
            f"looks at the {kind} sessions",
        )
        self._members |= found.nodes
        return found

    def _nodes(self, peers: list[str]) -> dict[str, dict[str, Any]]:
        nodes = {}
        for name, ip in sorted(self._members.items()):
            own = self._hosts[name].addresses if name in self._hosts else set()
            address = next((p for p in peers if p in own or p == ip), None)
            if address is None:
                self._say("nodes", f"{name} is not a peer of a zone, so it was left out")
                continue
            nodes[name] = {"address": address}
            holder = holder_of(self._hosts.get(name), address)
            gateway = holder[0].word("gateway") if holder else None
            nodes[name] |= {"gateway": gateway} if gateway else {}
        known = {node["address"] for node in nodes.values()}
        for peer in peers:
            if peer not in known:
                self._say("peers", f"{peer} is not a member of the cluster: the intent lacks it")
        if not nodes:
            raise IntentError(
                f"{RUNNING}: no member of the cluster is a peer of a zone",
                "lay .members and nodes/NAME/interfaces beside sdn/",
            )
        return nodes

    def _underlay(self, nodes: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        if self._fabric is not None:
            # Each of its links may have its own MTU; what Proxmox reckons with is Ethernet's.
            return {"prefix": self._fabric.prefix, "bridge": self._fabric.device, "mtu": ETHERNET}
        return underlay_keys(self._hosts, nodes, self._say)

    def _overlay(
        self,
        zones: Mapping[str, Mapping[str, Any]],
        networks: list[dict[str, Any]],
        underlay: Mapping[str, Any],
    ) -> dict[str, Any]:
        overhead = VXLAN_OVERHEAD[6 if ":" in underlay["prefix"] else 4]
        # Where a zone says none, Proxmox takes that of IPv4 off the underlay's MTU.
        usual = underlay["mtu"] - overhead
        if overhead > _TAKEN_OFF and not all("mtu" in keys for keys in zones.values()):
            self._say(
                "zones",
                f"Proxmox makes their devices with MTU {underlay['mtu'] - _TAKEN_OFF}, which does "
                f"not fit through IPv6 tunnels: the intent says {usual}, and the audit reports "
                f"each device's. Set the zones' MTU to {usual}",
            )
        mtus = {
            zone: number(keys.get("mtu", usual), "mtu", f"zones.{zone}")
            for zone, keys in zones.items()
        }
        mtu = Counter(mtus.values()).most_common(1)[0][0]
        for network in networks:
            own = mtus[network["zone"]]
            if own != mtu:
                network["mtu"] = own
        keys: dict[str, Any] = {"names": {"device": "vxlan_{name}", "bridge": "{name}"}}
        keys |= {"mtu": mtu} if mtu != _DEFAULTS.mtu else {}
        keys |= self._devices(zones, networks)
        if any("gateways" in network for network in networks):
            macs = [str(zone["mac"]).lower() for zone in zones.values() if zone.get("mac")]
            keys["gateway_mac"] = Counter(macs).most_common(1)[0][0] if macs else _SOME_MAC
            if not macs:
                self._say("zones", f"none has a `mac`; the intent needs one: {_SOME_MAC}")
            for network in networks:
                mac = str(zones[network["vrf"].removeprefix("vrf_")].get("mac", "")).lower()
                if mac and mac != keys["gateway_mac"] and "gateways" in network:
                    network["gateway_mac"] = mac
        return keys

    def _devices(
        self, zones: Mapping[str, Mapping[str, Any]], networks: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Ports and flags of VXLAN devices; what is of one zone alone goes to its networks."""
        # Proxmox leaves flooding as the kernel has it: on.
        keys: dict[str, Any] = {"unicast_flood": True, "multicast_flood": True}
        keys = keys if self.evpn else {"source_address": False}
        ports = {zone: _port(zone, its) for zone, its in zones.items()}
        usual = Counter(ports.values()).most_common(1)[0][0]
        keys |= {"dstport": usual} if usual != _DEFAULTS.dstport else {}
        silent = {zone for zone, its in zones.items() if is_on(its.get(_UNANSWERED))}
        everywhere = silent == set(zones)
        keys |= {"arp_suppression": False} if everywhere else {}
        for zone in sorted(silent) if not everywhere else ():
            self._say(
                f"zones.{zone}.{_UNANSWERED}",
                f"of its L3VNI's device vrfvx_{zone} the intent says what holds of all: the audit "
                "reports that it suppresses no ARP",
            )
        for network in networks:
            zone = network.pop("zone")
            if ports[zone] != usual:
                network["dstport"] = ports[zone]
            if zone in silent and not everywhere:
                network["arp_suppression"] = False
        return keys

    def _vrf(
        self, zone: str, keys: Mapping[str, Any], nodes: Mapping[str, dict[str, Any]], asn: int
    ) -> dict[str, Any]:
        vrf: dict[str, Any] = {
            "l3vni": number(keys.get("vrf-vxlan", 0), "vrf-vxlan", f"zones.{zone}"),
            "bridge": f"vrfbr_{zone}",
            "device": f"vrfvx_{zone}",
        }
        if is_on(keys.get("advertise-subnets")):
            vrf["advertise"] = ["subnets"]
        if imports := tuple(words_of(keys.get("rt-import"))):
            vrf["rt"] = targets_as_keys((imports, ()), vrf["l3vni"], numbers_of(nodes, asn))
        exits = sorted(words_of(keys.get("exitnodes")))
        for name in exits:
            if "gateway" not in nodes.get(name, {}):
                self._say(f"zones.{zone}.exitnodes", f"{name} has no default gateway: left out")
        if exits and is_on(keys.get(_LOCAL)):
            self._say(
                f"zones.{zone}.{_LOCAL}",
                "guests of an exit node reach the outside by it without this, too; that the "
                "node's own services and guests reach each other, the intent does not say",
            )
        exits = [name for name in exits if "gateway" in nodes.get(name, {})]
        vrf |= {"exits": exits} if exits else {}
        vnets = {it for it, vnet in self._ids["vnets"].items() if vnet.get("zone") == zone}
        subnets = {
            it: keys for it, keys in self._ids["subnets"].items() if str(keys.get("vnet")) in vnets
        }
        vrf |= snat_keys(zone, subnets, exits, self._say)
        if len(exits) > 1 and keys.get("exitnodes-primary") in exits:
            vrf["primary"] = keys["exitnodes-primary"]
        return vrf

    def _networks(self, zone: str, keys: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for name, vnet in sorted(self._ids["vnets"].items()):
            if vnet.get("zone") != zone:
                continue
            # Several subnets may have one gateway, which is then one address of the bridge.
            gateways = list(dict.fromkeys(self._gateways(zone, name)))
            vni = number(vnet.get("tag", 0), "tag", f"vnets.{name}")
            network: dict[str, Any] = {"zone": zone, "vni": vni, "name": name}
            network |= {"vrf": f"vrf_{zone}"} if self.evpn else {}
            network |= {"gateways": gateways} if gateways else {}
            nodes = sorted(words_of(keys.get("nodes")))
            yield network | ({"nodes": nodes} if nodes else {})

    def _without_gateway(
        self, zones: Mapping[str, Mapping[str, Any]], networks: list[dict[str, Any]]
    ) -> None:
        """Names what Proxmox gives a bridge that holds no gateway, for the intent gives it none."""
        with_subnet = {str(subnet.get("vnet")) for subnet in self._ids["subnets"].values()}
        for zone, keys in sorted(zones.items()):
            own = (n for n in networks if n["vrf"] == f"vrf_{zone}" and "gateways" not in n)
            bare = [network["name"] for network in own]
            written = {f"hwaddress {keys['mac']}": bare} if keys.get("mac") else {}
            written["arp-accept on"] = [name for name in bare if name in with_subnet]
            for statement, vnets in written.items():
                if vnets:
                    self._say(
                        f"zones.{zone}",
                        f"Proxmox writes `{statement}` for vnets without a gateway "
                        f"({', '.join(vnets)}), too; the intent says it only of those with one, so "
                        "no audit looks at it",
                    )

    def _gateways(self, zone: str, vnet: str) -> Iterator[str]:
        for name, subnet in sorted(self._ids["subnets"].items()):
            if subnet.get("vnet") != vnet or not subnet.get("gateway"):
                continue
            prefix, _, length = name.removeprefix(f"{zone}-").rpartition("-")
            try:
                ipaddress.ip_network(f"{prefix}/{length}", strict=False)
                yield str(ipaddress.ip_interface(f"{subnet['gateway']}/{length}"))
            except ValueError:
                self._say(f"subnets.{name}", "it does not end in a prefix and its length")

    def _unknown(self, zones: Mapping[str, object]) -> None:
        """Names each key that nothing was made of."""
        for kind, known in _KNOWN.items():
            for name, keys in sorted(self._ids[kind].items()):
                if kind == "zones" and name not in zones:
                    continue
                if kind == "controllers" and type_of(keys) != "evpn":
                    continue
                for key in sorted(set(keys) - known):
                    self._say(
                        f"{kind}.{name}.{key}",
                        f"{keys[key]!r} is not said by the intent, so no audit looks at it",
                    )


def _port(zone: str, keys: Mapping[str, Any]) -> int:
    return number(keys.get("vxlan-port", _DEFAULTS.dstport), "vxlan-port", f"zones.{zone}")
