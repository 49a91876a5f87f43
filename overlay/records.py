"""Observed records: what a node's kernel and BGP hold, as the parsers read it.

Every record keeps the very lines that it was read from (`text`), for evidence; the text takes no
part in equality. Addresses are in the canonical form of `ipaddress`, MACs in lower case, numbers
are `int`; a field that the output did not print is `None` (or empty), so absence and a zero differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from overlay.host_records import (
        AddressedLink,
        Adjacency,
        BfdPeer,
        BgpPeers,
        DuplicateAddress,
        DuplicateMac,
        EvpnVni,
        Neighbour,
        Probe,
        Qdisc,
        Route,
        Rule,
        Statement,
        VrrpGroup,
    )
    from overlay.vlan_records import BridgeVlans

CommandStatus = Literal["ok", "failed", "missing", "unparsed", "skipped"]

ALL_ZERO_MAC = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class FdbEntry:
    """One line of `bridge fdb show`.

    `state` is the printed state (`permanent`, `static`, `stale`, …) or "" for a reachable dynamic
    entry; `flags` are the remaining words (`self`, `master` without a device, `extern_learn`,
    `offload`, `sticky`, `router`, …), sorted; historical spellings are folded
    (`external` and `extern_learn` are one flag).
    """

    mac: str
    device: str | None
    dst: str | None = None
    vlan: int | None = None
    vni: int | None = None
    src_vni: int | None = None
    port: str | None = None
    via: str | None = None
    nhid: int | None = None
    link_netnsid: int | None = None
    master: str | None = None
    state: str = ""
    flags: tuple[str, ...] = ()
    used: str | None = None
    text: str = field(default="", compare=False)

    @property
    def is_flood(self) -> bool:
        """True for an all-zero MAC: an entry of the head-end replication (flood) list."""
        return self.mac == ALL_ZERO_MAC


@dataclass(frozen=True, slots=True)
class VxlanDetail:
    """The `vxlan` line of `ip -d link`; `group` is a multicast group, `remote` a unicast one."""

    vni: int | None
    local: str | None = None
    group: str | None = None
    remote: str | None = None
    device: str | None = None
    dstport: int | None = None
    learning: bool = True
    external: bool = False
    ttl: str | None = None
    ageing: int | None = None
    vnifilter: bool = False
    proxy: bool = False


@dataclass(frozen=True, slots=True)
class BridgePort:
    """The `bridge_slave` line of `ip -d link`; `None` for words that this iproute2 lacks."""

    state: str | None = None
    learning: bool | None = None
    flood: bool | None = None
    mcast_flood: bool | None = None
    bcast_flood: bool | None = None
    neigh_suppress: bool | None = None
    isolated: bool | None = None
    hairpin: bool | None = None
    locked: bool | None = None
    vlan_tunnel: bool | None = None


@dataclass(frozen=True, slots=True)
class BridgeDetail:
    """The `bridge` line of `ip -d link` (only what checks need).

    `learnt` is how many MACs it has learnt, `most_learnt` how many it may, 0 for any number.
    """

    stp_state: int | None = None
    vlan_filtering: bool | None = None
    ageing_time: int | None = None
    forward_delay: int | None = None
    learnt: int | None = None
    most_learnt: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One link of `ip -d link show`: its header line and all of its detail lines.

    `kind` is the device type of the detail line (`vxlan`, `bridge`, `vrf`, `veth`, …) or None for a
    plain NIC; `parent` is what follows `@` in the name; `flags` are those between `<` and `>`;
    `macvlan` is the mode of a macvlan or macvtap.
    """

    index: int
    name: str
    parent: str | None = None
    flags: tuple[str, ...] = ()
    mtu: int | None = None
    state: str | None = None
    master: str | None = None
    link_type: str | None = None
    mac: str | None = None
    kind: str | None = None
    port_kind: str | None = None
    altnames: tuple[str, ...] = ()
    vxlan: VxlanDetail | None = None
    bridge: BridgeDetail | None = None
    bridge_port: BridgePort | None = None
    vrf_table: int | None = None
    vlan: int | None = None
    macvlan: str | None = None
    text: str = field(default="", compare=False)

    @property
    def admin_up(self) -> bool:
        return "UP" in self.flags

    @property
    def carrier(self) -> bool:
        return "LOWER_UP" in self.flags and "NO-CARRIER" not in self.flags


@dataclass(frozen=True, slots=True)
class EvpnPath:
    """One path of `show bgp l2vpn evpn`.

    `prefix` is the route as FRR prints it from 7.3 on (`[2]:[0]:[48]:[mac]`, `[3]:[0]:[32]:[ip]`,
    `[5]:[0]:[24]:[net]`), older spellings are brought to it. `route_type` is 1 to 5, `mac`,
    `ip` and `prefix_length` are what the key holds (type 3: the originator's address in `ip`).
    `status` holds the status letters (`*`, `>`, `=`, `i`, …) without blanks. `route_targets` are
    `asn:vni` words, `extended` all other extended communities as printed (`ET:8`, `MM:3`, …).
    `unknown` are words and lines of it that no FRR is known to print: nothing follows from them.
    """

    rd: str
    prefix: str
    route_type: int
    eth_tag: int | None = None
    mac: str | None = None
    ip: str | None = None
    prefix_length: int | None = None
    esi: str | None = None
    status: str = ""
    next_hop: str | None = None
    metric: int | None = None
    local_pref: int | None = None
    weight: int | None = None
    as_path: str = ""
    origin: str | None = None
    route_targets: tuple[str, ...] = ()
    extended: tuple[str, ...] = ()
    rmac: str | None = None
    mobility_sequence: int | None = None
    sticky: bool = False
    unknown: tuple[str, ...] = ()
    text: str = field(default="", compare=False)

    @property
    def best(self) -> bool:
        return ">" in self.status

    @property
    def local(self) -> bool:
        """True for a path that this node originates (FRR gives those weight 32768)."""
        return self.weight == 32768


@dataclass(frozen=True, slots=True)
class EvpnTable:
    """`show bgp l2vpn evpn` as a whole: its paths and the head's router-id.

    `said` is what stood in the place of a table (`No BGP process is configured`, …), if anything;
    `head` is the very line that the router-id was read from; `unknown` are its paths' unknown words
    and lines, each once.
    """

    paths: tuple[EvpnPath, ...] = ()
    router_id: str | None = None
    empty: bool = True
    said: str | None = None
    head: str = field(default="", compare=False)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How one command of a snapshot fared: `entries` records parsed, `error` what failed.

    `unknown` are printed words and lines that the parser kept without knowing them, each once.
    """

    slug: str
    status: CommandStatus
    entries: int = 0
    error: str | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NatRule:
    """One rule that translates addresses, or leaves them alone (`verdict` is snat, accept, …).

    It is about packets that leave by one of `devices`, from `sources`, to `targets`; each of them
    empty where it does not matter. Prefixes are merged and in order. `more` is what else a rule
    says, as nftables' JSON.
    """

    verdict: str
    devices: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    address: str | None = None
    more: tuple[str, ...] = ()
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class NatChain:
    """A chain of our table: `hook` is its type, hook, priority and policy; empty without a hook."""

    name: str
    hook: str
    rules: tuple[NatRule, ...] = ()


@dataclass(frozen=True, slots=True)
class TrafficFilter:
    """A filter of traffic control on a device: `place` is `ingress`, `egress` or `root`.

    `kind` is `bpf`, `flower`, `matchall`, `u32`, …; `narrowed` says that it takes some packets
    alone; `actions` are what it does with those, each as printed.
    """

    device: str
    place: str
    kind: str
    narrowed: bool = False
    actions: tuple[str, ...] = ()
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PacketTest:
    """What a rule asks of a packet: that `field` (`ip saddr`, `meta iifname`) is one of `values`.

    `differs` says that it must be none of them. A question that was not understood has no field.
    """

    field: str = ""
    values: tuple[str, ...] = ()
    differs: bool = False


@dataclass(frozen=True, slots=True)
class PacketRule:
    """A rule of a packet filter: what it asks, and its verdict; `target` is where a jump leads."""

    tests: tuple[PacketTest, ...] = ()
    verdict: str = "continue"
    target: str = ""
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PacketChain:
    """A chain of nftables; one without a `hook` is only jumped to. `devices` are for `netdev`."""

    family: str
    table: str
    name: str
    hook: str = ""
    devices: tuple[str, ...] = ()
    policy: str = "accept"
    rules: tuple[PacketRule, ...] = ()


@dataclass(frozen=True, slots=True)
class IpsecPolicy:
    """A policy of IPsec: packets that it takes, and whether it blocks them.

    `unmet` says that it asks for an association which is not there: they are lost, too. Of several
    policies the one of the lowest `priority` decides. `direction` is `in`, `out` or `fwd`.
    `narrowed` says that it asks for more than addresses, a protocol and the port that they go to;
    `port` and `protocol` are empty where any will do.
    """

    source: str
    target: str
    direction: str
    blocks: bool = False
    unmet: bool = False
    priority: int = 0
    protocol: str = ""
    port: str = ""
    narrowed: bool = False
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class HostState:
    """All that was observed on one node. `error` is set when the node could not be reached.

    A plane is `None` when its command was not collected or could not be parsed: nothing may be
    concluded from it. Neighbours are by address, those of `bgp_families` by FRR's name of the
    family first; VNIs, VRRP groups, links and settings by their number or name. `files` are the
    texts of the managed files by slug, empty for one that is not there.
    `fdb_later` is the forwarding database once more, read after BGP's table: what differs between
    the two was just moving.
    """

    host: str
    error: str | None = None
    commands: dict[str, CommandResult] = field(default_factory=dict)
    links: dict[str, Link] | None = None
    fdb: tuple[FdbEntry, ...] | None = None
    fdb_later: tuple[FdbEntry, ...] | None = None
    evpn: EvpnTable | None = None
    evpn_peers: BgpPeers | None = None
    bgp_families: dict[str, BgpPeers] | None = None
    bfd_peers: tuple[BfdPeer, ...] | None = None
    adjacencies: tuple[Adjacency, ...] | None = None
    vnis: dict[int, EvpnVni] | None = None
    duplicate_macs: tuple[DuplicateMac, ...] | None = None
    duplicate_addresses: tuple[DuplicateAddress, ...] | None = None
    addresses: dict[str, AddressedLink] | None = None
    routes: tuple[Route, ...] | None = None
    ipv6_routes: tuple[Route, ...] | None = None
    rules: tuple[Rule, ...] | None = None
    ipv6_rules: tuple[Rule, ...] | None = None
    neighbours: tuple[Neighbour, ...] | None = None
    vlans: BridgeVlans | None = None
    qdiscs: tuple[Qdisc, ...] | None = None
    filters: tuple[TrafficFilter, ...] | None = None
    packet_chains: tuple[PacketChain, ...] | None = None
    ipsec_policies: tuple[IpsecPolicy, ...] | None = None
    vrrp_groups: dict[int, VrrpGroup] | None = None
    nat_chains: dict[str, NatChain] | None = None
    running_config: frozenset[Statement] | None = None
    settings: dict[str, str] | None = None
    probes: tuple[Probe, ...] | None = None
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawOutput:
    """What one command printed on a node, before it is parsed.

    `rc` is None when the command's end was never seen; `truncated` says that the text is cut,
    by a limit of ours or by a connection that broke. `ended` says in words what of it ended the
    command, if it did not end by itself: which limit, how much it was, and how to raise it.
    """

    text: str
    rc: int | None = 0
    stderr: str = ""
    truncated: bool = False
    ended: str = ""
