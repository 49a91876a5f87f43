"""Observed records of a host's daemons, addresses, routes and configuration.

Like those of `overlay.records`: addresses are in the canonical form of `ipaddress`, MACs in lower
case; a field that was not printed is `None` (or empty). `text` is what the record was read from,
for evidence, and takes no part in equality.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Statement = tuple[str, ...]
"""One FRR statement behind the blocks that it stands in: `("router bgp 1", "neighbor …")`."""


@dataclass(frozen=True, slots=True)
class FrrLine:
    """One line of a FRR configuration, in the context that FRR reads it in; `line` counts from 1.

    A line that opens a block (`router bgp 1`) has itself at the end of its `statement`, like any.
    """

    statement: Statement
    line: int

    @property
    def words(self) -> list[str]:
        """Its own words, without the blocks around it."""
        return self.statement[-1].split()

    @property
    def blocks(self) -> Statement:
        """The blocks that it stands in."""
        return self.statement[:-1]


@dataclass(frozen=True, slots=True)
class BgpPeer:
    """One neighbour of a BGP summary, in one address family (`l2VpnEvpn`, `ipv4Unicast`, …).

    `address` is the interface's name for an unnumbered neighbour; `state` is FRR's word
    (`Established`, `Active`, `Idle (Admin)`, …); `received` and `sent` count prefixes.
    """

    address: str
    state: str
    family: str = "l2VpnEvpn"
    remote_as: str | None = None
    local_as: str | None = None
    dynamic: bool = False
    received: int | None = None
    sent: int | None = None
    text: str = field(default="", compare=False)

    @property
    def established(self) -> bool:
        return self.state == "Established"


BgpPeers = dict[str, BgpPeer]
"""The neighbours of one address family, by address."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a node has asked a VTEP in an audit with `--probe`, and how that ended.

    A path is asked with IP packets of `size` bytes that may not be fragmented: `ok`, `lost` (small
    ones, too) or `short`, where `passed` is the largest size that comes through. The tunnel is
    asked in a `vni`: `ok`, `lost` (the answer would have gone to `mac`), or `untried` and `why`.
    """

    address: str
    answer: str
    size: int | None = None
    vni: int | None = None
    passed: int | None = None
    mac: str | None = None
    why: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class BfdPeer:
    """One session of `show bfd peers json`: `status` is up, down, init or shutdown.

    Intervals are in milliseconds. `configured` is False for a session that a protocol asked for,
    None where FRR does not say (before 9.1).
    """

    address: str
    status: str
    local: str | None = None
    vrf: str | None = None
    interface: str | None = None
    multihop: bool = False
    configured: bool | None = None
    diagnostic: str | None = None
    multiplier: int | None = None
    receive_interval: int | None = None
    transmit_interval: int | None = None
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Adjacency:
    """One neighbour of the protocol that routes the underlay.

    `state` is FRR's word: `Full` for OSPF, `Up` for IS-IS and OpenFabric, others on the way there.
    `neighbour` is its router-id in OSPF, its host name (or system id) in IS-IS and OpenFabric.
    """

    interface: str
    neighbour: str
    state: str
    address: str | None = None
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class EvpnVni:
    """One VNI as zebra knows it (`show evpn vni json`); `type` is L2 or L3.

    `bridge` and `vlan` are printed by versions after FRR 10.3.
    """

    vni: int
    type: str
    vrf: str
    device: str | None = None
    bridge: str | None = None
    vlan: int | None = None
    remote_vteps: tuple[str, ...] = ()
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class DuplicateMac:
    """A MAC that zebra holds to be a duplicate; it is frozen where the configuration says so.

    `local` says which side zebra has it on: `device` is then its port, else `vtep` (or `es`, an
    Ethernet segment) is where it is. `moves` is the count that made zebra call it a duplicate.
    """

    vni: int
    mac: str
    local: bool
    device: str | None = None
    vtep: str | None = None
    es: str | None = None
    moves: int | None = None
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class DuplicateAddress:
    """An IP address that zebra holds to be a duplicate, as DuplicateMac.

    `local` and `mac` are None for one that zebra has on neither side at the moment.
    """

    vni: int
    address: str
    local: bool | None = None
    mac: str | None = None
    vtep: str | None = None
    es: str | None = None
    moves: int | None = None
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class VrrpFamily:
    """One family of a VRRP group: `status` is Master, Backup or Initialize."""

    status: str
    priority: int
    addresses: tuple[str, ...] = ()
    device: str | None = None


@dataclass(frozen=True, slots=True)
class VrrpGroup:
    """One group of `show vrrp json`. `priority` is the configured one (FRR 9.1 and later)."""

    id: int
    interface: str
    shutdown: bool
    priority: int | None
    ipv4: VrrpFamily
    ipv6: VrrpFamily
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """One IPv4 or IPv6 address: `interface` with its length; `flags` such as `dadfailed`."""

    interface: str
    scope: str | None = None
    flags: tuple[str, ...] = ()

    @property
    def ip(self) -> str:
        return self.interface.partition("/")[0]


@dataclass(frozen=True, slots=True)
class AddressedLink:
    """A link of `ip -j address show` and the addresses on it, in the order of the kernel."""

    name: str
    addresses: tuple[InterfaceAddress, ...] = ()
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class NextHop:
    """One way of a route; `alive` is False where the kernel calls it dead or its link down."""

    gateway: str | None = None
    device: str | None = None
    alive: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the kernel, of any table and type (`unicast`, `unreachable`, `blackhole`, …).

    `prefix` always has its length: a default is `0.0.0.0/0` or `::/0`, a host's is `/32` or `/128`.
    `table` is its name, or its number where it has none. Several `hops` are ECMP. `mtu` is the
    route's own, where it has one.
    """

    table: str
    prefix: str
    type: str = "unicast"
    metric: int = 0
    protocol: str | None = None
    hops: tuple[NextHop, ...] = ()
    mtu: int | None = None

    @property
    def text(self) -> str:
        """The route as `ip route` prints it, for evidence."""
        words = [] if self.type == "unicast" else [self.type]
        words.append(self.prefix)
        for hop in self.hops:
            words += ["nexthop"] if len(self.hops) > 1 else []
            words += ["via", hop.gateway] if hop.gateway else []
            words += ["dev", hop.device] if hop.device else []
        words += [] if self.table == "main" else ["table", self.table]
        words += ["proto", self.protocol] if self.protocol else []
        words += ["metric", str(self.metric)] if self.metric else []
        words += ["mtu", str(self.mtu)] if self.mtu is not None else []
        return " ".join(words)

    def carries(self, size: int) -> bool:
        """False where the route has an MTU of its own, and that is smaller."""
        return self.mtu is None or self.mtu >= size


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy routing rule (`ip rule`): whom it takes, and to which table, or what else it does.

    `source` and `target` are None for everybody, as is `device`, the interface that a packet came
    in by. `narrowed` says that it asks for a mark, a user or an outgoing interface. `action` is
    `lookup` for a `table`; `to_vrf` for that of the packet's own VRF (`l3mdev`), without one.
    """

    priority: int
    action: str = "lookup"
    table: str | None = None
    source: str | None = None
    target: str | None = None
    device: str | None = None
    to_vrf: bool = False
    narrowed: bool = False
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Qdisc:
    """What a device's packets go through (`tc qdisc`): queues, or the place of filters (`clsact`).

    `root` is False for one below another, and for that of filters. `burst` is that of a `tbf`, in
    bytes.
    """

    device: str
    kind: str
    root: bool = False
    burst: int | None = None
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One entry of `ip -j neigh show`: an address on a device, and the MAC that it resolves to.

    `states` are the kernel's words (`REACHABLE`, `STALE`, `NOARP`, `PERMANENT`, `FAILED`, …), none
    for an entry that is just being made; `flags` are `extern_learn`, `router`, `proxy`, ….
    """

    address: str
    device: str
    mac: str | None = None
    states: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    protocol: str | None = None

    @property
    def text(self) -> str:
        """The entry as `ip neigh` prints it, for evidence."""
        words = [self.address, "dev", self.device]
        words += ["lladdr", self.mac] if self.mac else []
        words += [*self.flags, *self.states]
        words += ["proto", self.protocol] if self.protocol else []
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Stanza:
    """One `iface` stanza of an interfaces file; `options` are its lines as (key, value), in order.

    A name that a file defines twice has two stanzas (ifupdown2 merges them). `line` counts from 1;
    `lines` are those of the options, one each, for messages.
    """

    name: str
    family: str | None = None
    method: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    line: int = 0
    lines: tuple[int, ...] = field(default=(), compare=False)

    def values(self, *keys: str) -> tuple[str, ...]:
        """The values of all lines with one of these keys."""
        return tuple(value for key, value in self.options if key in keys)


@dataclass(frozen=True, slots=True)
class InterfacesFile:
    """An interfaces file: its stanzas, the names that start by themselves, the files it reads.

    `strange` are the lines, with their numbers, whose meaning is not known. `starts` are the names
    of `auto` with their lines, for messages.
    """

    stanzas: tuple[Stanza, ...] = ()
    auto: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    strange: tuple[tuple[int, str], ...] = ()
    starts: tuple[tuple[int, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines of an interfaces file that belong together, as written, with the comments around them.

    `keyword` is the one that they begin with (`iface`, `auto`, `source`, …), which stands at
    `lines[at]`, and `names` are the words behind it that name a device or a file.
    """

    keyword: str
    names: tuple[str, ...]
    lines: tuple[str, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class DeviceStatement:
    """One statement of an interfaces file; its `key` is `iface` where the device itself is meant.

    `device` is empty for what stands in no stanza. `line` counts from 1.
    """

    device: str
    key: str
    value: str
    line: int

    def __str__(self) -> str:
        said = f"{self.key} {self.value}".strip()
        if not self.device or self.key == "iface":
            return said
        return f"iface {self.device}: {said}"


@dataclass(frozen=True, slots=True)
class StatementElsewhere:
    """An `iface` or `source` line of one of several files: `keyword`, and the word behind it."""

    path: str
    keyword: str
    name: str
