"""Cases of packet filters: nftables, what iptables writes into it, and policies of IPsec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift.model import WARNING, Severity
from tests.drift import worlds
from tests.drift.cases.case import Case
from tests.drift.worlds import both, json, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent
    from tests.drift.worlds import Mutation

    Rule = list[dict[str, Any]]

DROP: dict[str, Any] = {"drop": None}
ACCEPT: dict[str, Any] = {"accept": None}


def asks(kind: str, key: str, right: object, op: str = "==") -> dict[str, Any]:
    """A match: `meta iifname vrf1`, `ip saddr 10.0.2.0/24`."""
    left: dict[str, Any] = {kind: {"key": key}}
    if kind not in {"meta", "ct"}:
        left = {"payload": {"protocol": kind, "field": key}}
    return {"match": {"op": op, "left": left, "right": right}}


def prefix(address: str, length: int) -> dict[str, Any]:
    return {"prefix": {"addr": address, "len": length}}


def chain(
    family: str,
    hook: str | None,
    *rules: Rule,
    policy: str = "accept",
    name: str = "c",
    table: str = "lab",
    **more: object,
) -> list[dict[str, Any]]:
    """A chain and its rules, as `nft -j list ruleset` prints them."""
    place = {"family": family, "table": table}
    base = {"type": "filter", "hook": hook, "prio": 0, "policy": policy} if hook else {}
    found: list[dict[str, Any]] = [{"chain": place | {"name": name, "handle": 1} | base | more}]
    return found + [
        {"rule": place | {"chain": name, "handle": 9, "expr": expressions}} for expressions in rules
    ]


def filters(*chains: list[dict[str, Any]]) -> Mutation:
    """node1's kernel has these chains, beside nothing else."""
    entries = [entry for one in chains for entry in one]
    return json("node1", "packet_filters", lambda _: {"nftables": [{"metainfo": {}}, *entries]})


def policies(*printed: str) -> Mutation:
    return text("node1", "ipsec_policies", lambda _: "".join(printed))


def _case(
    mutation: Mutation,
    says: str,
    where: str = "inet lab c",
    severity: Severity | None = None,
    fabric: Callable[[], FabricIntent] = worlds.symmetric,
) -> Case:
    kind = "" if where.startswith("IPsec") else "nftables "
    return Case(mutation, "node1", kind + where, says, severity=severity, fabric=fabric)


ESTABLISHED = [asks("ct", "state", ["established", "related"], "in"), ACCEPT]
NEW_VMAP = [
    {
        "vmap": {
            "key": {"ct": {"key": "state"}},
            "data": {"set": [["established", ACCEPT], ["new", {"jump": {"target": "new"}}]]},
        }
    }
]
VXLAN = asks("udp", "dport", 4789)
PING = asks("icmp", "type", "echo-request")
BRIDGED = text("node1", "sysctl", lambda said: said + "net.bridge.bridge-nf-call-iptables = 1\n")
LOST_BY_ROUTING = "what guests of vmbr2 send to other networks"
LOST_ON_BRIDGE = "frames of guests of vmbr2 to other nodes"
LOST_TUNNELS = "VXLAN packets from other VTEPs"
BLOCKED = (
    "src 192.168.0.0/24 dst 192.168.0.0/24 proto udp dport 4789 \n"
    "\tdir out action block priority 0 ptype main \n"
)
ASKED = (
    "src 192.168.0.0/24 dst 192.168.0.0/24 proto udp dport 4789 \n"
    "\tdir out priority 0 ptype main \n"
    "\ttmpl src 0.0.0.0 dst 0.0.0.0\n\t\tproto esp reqid 0 mode transport\n"
)

_ROUTED: dict[tuple[str, str], Case] = {
    ("packet-filter", "what is forwarded, by its policy"): _case(
        filters(chain("ip", "forward", policy="drop", table="filter", name="FORWARD")),
        f"drops - Expected: absent Actual: {LOST_BY_ROUTING}",
        "ip filter FORWARD",
    ),
    ("packet-filter", "what is forwarded, but for sessions that are there"): _case(
        filters(chain("inet", "forward", ESTABLISHED, policy="drop")), LOST_BY_ROUTING
    ),
    ("packet-filter", "what is forwarded, but for what is translated, as firewalld does"): _case(
        filters(
            chain(
                "inet",
                "forward",
                [asks("ct", "status", "dnat", "in"), ACCEPT],
                [asks("ct", "state", ["invalid"], "in"), DROP],
                [{"jump": {"target": "zones"}}],
                [{"reject": {"type": "icmpx", "expr": "admin-prohibited"}}],
            ),
            chain(
                "inet",
                None,
                [asks("meta", "iifname", "eno9"), {"goto": {"target": "public"}}],
                name="zones",
            ),
            chain("inet", None, [ACCEPT], name="public"),
        ),
        LOST_BY_ROUTING,
    ),
    ("packet-filter", "what comes from a VRF"): _case(
        filters(chain("inet", "forward", [asks("meta", "iifname", "vrf1"), DROP])), LOST_BY_ROUTING
    ),
    ("packet-filter", "what leaves by a bridge"): _case(
        filters(chain("inet", "forward", [asks("meta", "oifname", "vmbr2"), {"reject": {}}])),
        "drops - Expected: absent Actual: what other networks send to guests of vmbr2",
    ),
    ("packet-filter", "a network, in a chain that is jumped to"): _case(
        filters(
            chain("ip", "forward", NEW_VMAP),
            chain("ip", None, [asks("ip", "saddr", prefix("10.0.0.0", 16)), DROP], name="new"),
        ),
        LOST_BY_ROUTING,
        "ip lab c",
    ),
    ("packet-filter", "some addresses of a network"): _case(
        filters(chain("ip", "forward", [asks("ip", "daddr", prefix("10.0.2.0", 28)), DROP])),
        "may drop, or drops some of, - Expected: absent Actual: what guests of vmbr3 send to "
        "other networks, what other networks send to guests of vmbr2",
        "ip lab c",
        WARNING,
    ),
    ("packet-filter", "pings alone"): _case(
        filters(chain("inet", "forward", [PING, DROP])), LOST_BY_ROUTING, severity=WARNING
    ),
    ("packet-filter", "all that a rule which is not understood lets pass or not"): _case(
        filters(chain("inet", "forward", [asks("ip", "saddr", "@known"), ACCEPT], policy="drop")),
        LOST_BY_ROUTING,
        severity=WARNING,
    ),
    ("packet-filter", "what a gateway is asked over IPv6"): _case(
        filters(
            chain("inet", "input", [asks("meta", "l4proto", "ipv6-icmp"), DROP]),
        ),
        "drops - Expected: absent Actual: neighbour discovery of guests of vmbr2",
    ),
    ("packet-filter", "IPsec, what is forwarded"): _case(
        policies("src 10.0.0.0/8 dst 10.0.0.0/8 \n\tdir fwd action block priority 0 ptype main \n"),
        "blocks - Expected: absent Actual: what guests send to other networks",
        "IPsec policy fwd src 10.0.0.0/8 dst 10.0.0.0/8",
    ),
    ("packet-filter", "IPsec, what one guest is sent"): _case(
        policies("src 10.0.3.7/32 dst 10.0.0.0/8 \n\tdir fwd action block priority 0 \n"),
        "blocks",
        "IPsec policy fwd src 10.0.3.7/32 dst 10.0.0.0/8",
        WARNING,
    ),
}
_TUNNELS: dict[tuple[str, str], Case] = {
    ("packet-filter", "VXLAN, by its port"): _case(
        filters(chain("inet", "input", [VXLAN, DROP])),
        f"drops - Expected: absent Actual: {LOST_TUNNELS}",
    ),
    ("packet-filter", "VXLAN, by a policy with holes for others"): _case(
        filters(
            chain(
                "inet",
                "input",
                ESTABLISHED,
                [asks("tcp", "dport", {"set": [22, 179]}), ACCEPT],
                [asks("meta", "l4proto", {"set": ["icmp", "ipv6-icmp"]}), ACCEPT],
                policy="drop",
            )
        ),
        f"Actual: {LOST_TUNNELS}",
    ),
    ("packet-filter", "VXLAN, of one VTEP"): _case(
        filters(chain("ip", "prerouting", [asks("ip", "saddr", "192.168.0.3"), DROP])),
        LOST_TUNNELS,
        "ip lab c",
    ),
    ("packet-filter", "VXLAN, on its way out"): _case(
        filters(chain("inet", "output", [VXLAN, DROP])), "VXLAN packets to other VTEPs"
    ),
    ("packet-filter", "all that comes in by the NIC"): _case(
        filters(chain("netdev", "ingress", policy="drop", dev="eno1")),
        "drops - Expected: absent Actual: all from eno1",
        "netdev lab c",
    ),
    ("packet-filter", "all that comes in by a device that is not said"): _case(
        filters(chain("netdev", "ingress", policy="drop")),
        "all from a device that nft does not name",
        "netdev lab c",
        WARNING,
    ),
    ("packet-filter", "ARP of the gateways"): _case(
        filters(chain("arp", "input", [asks("meta", "iifname", "vmbr2"), DROP])),
        "drops - Expected: absent Actual: ARP of vmbr2",
        "arp lab c",
    ),
    ("packet-filter", "IPsec, VXLAN"): _case(
        policies(BLOCKED),
        "blocks - Expected: absent Actual: VXLAN packets to other VTEPs",
        "IPsec policy out src 192.168.0.0/24 dst 192.168.0.0/24",
    ),
    ("packet-filter", "IPsec, an association that is not there"): _case(
        policies(ASKED),
        "asks for an association, which is not there, of - Expected: absent Actual: VXLAN packets "
        "to other VTEPs",
        "IPsec policy out src 192.168.0.0/24 dst 192.168.0.0/24",
    ),
}
_FRAMES: dict[tuple[str, str], Case] = {
    ("packet-filter", "what passes bridges, by its policy"): _case(
        filters(chain("bridge", "forward", policy="drop")),
        f"drops - Expected: absent Actual: {LOST_ON_BRIDGE}",
        "bridge lab c",
    ),
    ("packet-filter", "what comes from one tunnel"): _case(
        filters(chain("bridge", "prerouting", [asks("meta", "iifname", "vxlan2"), DROP])),
        "Actual: frames of other nodes to guests of vmbr2",
        "bridge lab c",
        fabric=worlds.bridged,
    ),
    ("packet-filter", "what comes from the guests"): _case(
        filters(chain("bridge", "prerouting", [asks("meta", "iifname", "tap*"), DROP])),
        LOST_ON_BRIDGE,
        "bridge lab c",
    ),
    ("packet-filter", "what one bridge passes"): _case(
        filters(chain("bridge", "forward", [asks("meta", "ibrname", "vmbr2"), DROP])),
        LOST_ON_BRIDGE,
        "bridge lab c",
    ),
    ("packet-filter", "what is for the gateways"): _case(
        filters(chain("bridge", "input", [asks("meta", "protocol", "ip"), DROP])),
        "frames of guests to the gateway vmbr2",
        "bridge lab c",
    ),
    ("packet-filter", "what the node routes into an L3VNI"): _case(
        filters(chain("bridge", "output", [asks("meta", "oifname", "vxlan4000"), DROP])),
        "drops - Expected: absent Actual: routed frames to L3VNI 4000",
        "bridge lab c",
    ),
    ("packet-filter", "frames that pass the filter of IP"): _case(
        both(
            BRIDGED,
            filters(
                chain(
                    "ip",
                    "forward",
                    [asks("meta", "iifname", "vmbr2"), asks("meta", "oifname", "vmbr2"), DROP],
                )
            ),
        ),
        "drops - Expected: absent Actual: frames between guests of vmbr2 and other nodes",
        "ip lab c",
    ),
}
PACKET_FILTERS = _ROUTED | _TUNNELS | _FRAMES

# What Docker and libvirt write for their own bridges, a filter of Proxmox for single guests, one
# that knows the overlay, and what counts or translates.
UNDERSTOOD = [
    [asks("udp", "dport", 4789), asks("ip", "saddr", prefix("192.168.0.0", 24)), ACCEPT],
    [asks("tcp", "dport", 179), ACCEPT],
    [asks("icmpv6", "type", {"set": ["nd-neighbor-solicit", "nd-neighbor-advert"]}), ACCEPT],
]
HARMLESS: dict[str, Mutation] = {
    "Docker": filters(
        chain(
            "ip",
            "forward",
            [{"counter": {"packets": 1, "bytes": 60}}, {"jump": {"target": "DOCKER-USER"}}],
            [asks("meta", "iifname", "docker0"), asks("meta", "oifname", "docker0", "!="), ACCEPT],
            [asks("meta", "oifname", "docker0"), {"xt": None}, {"jump": {"target": "DOCKER"}}],
            table="filter",
            name="FORWARD",
        ),
        chain("ip", None, [{"return": None}], table="filter", name="DOCKER-USER"),
        chain(
            "ip",
            None,
            [asks("meta", "iifname", "docker0", "!="), asks("meta", "oifname", "docker0"), DROP],
            table="filter",
            name="DOCKER",
        ),
    ),
    "libvirt": filters(
        chain("ip", "forward", [{"jump": {"target": "in"}}], table="libvirt_network"),
        chain(
            "ip",
            None,
            [asks("meta", "oifname", "virbr0"), {"reject": {"type": "icmp"}}],
            table="libvirt_network",
            name="in",
        ),
    ),
    "single guests of Proxmox": filters(
        chain(
            "bridge",
            "prerouting",
            [{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": "@vm-map-out"}}],
            [asks("ether", "saddr", "02:00:00:00:00:99"), DROP],
            table="proxmox-firewall-guests",
        ),
    ),
    "a firewall that knows the overlay": filters(
        chain("inet", "input", ESTABLISHED, *UNDERSTOOD, policy="drop"),
        chain(
            "inet", "forward", [asks("meta", "iifname", "vrf*"), ACCEPT], policy="drop", name="f"
        ),
    ),
    "what is invalid, and floods": filters(
        chain(
            "inet",
            "forward",
            [asks("ct", "state", "invalid"), DROP],
            [asks("tcp", "dport", 25), DROP],
            [asks("ip", "saddr", prefix("10.77.0.0", 16)), DROP],
            [asks("ip", "protocol", "icmp"), {"limit": {"rate": 9, "per": "second"}}, DROP],
        )
    ),
    "counters": filters(
        chain("inet", "input", [VXLAN, {"counter": {"packets": 1, "bytes": 60}}]),
        chain("inet", None, [DROP], name="nobody"),
    ),
    "frames that do not pass the filter of IP": filters(
        chain(
            "ip",
            "forward",
            [asks("meta", "oifname", "vmbr2"), asks("meta", "iifname", "vmbr2"), DROP],
        )
    ),
    "IPsec that lets pass": policies(
        "src 192.168.0.0/24 dst 192.168.0.0/24 \n\tdir out priority 0 ptype main \n"
        "\ttmpl src 192.168.0.1 dst 192.168.0.2\n\t\tproto esp reqid 1 mode transport\n",
        "src 0.0.0.0/0 dst 0.0.0.0/0 \n\tdir out action block priority 9 ptype main \n",
        "src 0.0.0.0/0 dst 0.0.0.0/0 \n\tdir out priority 1 ptype main \n",
        "src 10.99.0.0/24 dst 10.98.0.0/24 \n\tdir fwd action block priority 0 ptype main \n",
        "src 0.0.0.0/0 dst 0.0.0.0/0 \n\tsocket in priority 0 ptype main \n",
        "src 192.168.0.1 dst 192.168.0.2\n\tproto esp spi 0xc0de reqid 1 mode transport\n",
    ),
}
