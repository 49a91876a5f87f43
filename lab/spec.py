"""What ``lab.yaml`` may say, and the lab that follows from it."""

from __future__ import annotations

import hashlib
import ipaddress  # noqa: TC003 (pydantic reads the annotations at run time)
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from pathlib import Path

LAB_FILE = "lab.yaml"
SSH_PORT = 2222
MAX_NODES = 200
_OWN_NIC = "eno1"  # each node has that one

_T = TypeVar("_T")

Release = Literal["bookworm", "trixie", "forky"]
# The release that changes from day to day, and what a node of it runs on a day when it cannot.
TESTING: Release = "forky"
STAND_IN: Release = "trixie"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
InterfaceName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,14}$")]
Mac = Annotated[str, Field(pattern=r"^[0-9A-Fa-f][02468aceACE](:[0-9A-Fa-f]{2}){5}$")]
Memory = Annotated[str, Field(pattern=r"^([1-9][0-9]{2,4}M|[1-9][0-9]?G)$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeEntry(_Strict):
    """One node as a person writes it; ``number`` is its place in the file unless it says so."""

    release: Release
    number: int | None = Field(None, ge=1, le=MAX_NODES)
    memory: Memory = "256M"


class GuestEntry(_Strict):
    """One guest as a person writes it: a namespace with a port in a bridge, in a VLAN of that.

    With ``nics`` in the place of a bridge it is no guest but a machine on a LAN outside, which that
    node has these NICs in.
    """

    node: Name
    bridge: InterfaceName | None = None
    nics: tuple[InterfaceName, ...] = ()
    vlan: int | None = Field(None, ge=2, le=4094)
    addresses: tuple[ipaddress.IPv4Interface | ipaddress.IPv6Interface, ...] = Field(min_length=1)
    gateways: tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...] = ()
    port: InterfaceName | None = None
    mac: Mac | None = None


class LabFile(_Strict):
    """The whole of ``lab.yaml``."""

    nodes: dict[Name, NodeEntry] = Field(min_length=1, max_length=MAX_NODES)
    machines: dict[Name, GuestEntry] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """One node.  ``number`` (from 1) is its own in the lab: its addresses follow from it."""

    name: str
    number: int
    release: Release
    memory: str = "256M"

    @property
    def address(self) -> str:
        """Where this computer reaches the node's sshd, at ``port``."""
        return f"127.77.0.{self.number}"

    @property
    def port(self) -> int:
        """The TCP port of the node's sshd on this computer."""
        return SSH_PORT

    @property
    def mgmt_address(self) -> str:
        """The node's address on the management wire, inside the lab's namespace."""
        return f"10.255.0.{self.number}"

    @property
    def known_host(self) -> str:
        """The name under which OpenSSH looks the node up in ``known_hosts``."""
        return f"[{self.address}]:{self.port}"


@dataclass(frozen=True, slots=True)
class Guest:
    """One guest, every default filled in; ``bridge`` and ``port`` are empty with ``nics``."""

    name: str
    node: str
    bridge: str
    port: str
    mac: str
    addresses: tuple[str, ...]
    gateways: tuple[str, ...]
    vlan: int | None = None
    nics: tuple[str, ...] = ()

    @property
    def segment(self) -> tuple[str, int | None]:
        """Its bridge, and its VLAN there: the network that it is in."""
        return self.bridge, self.vlan


@dataclass(frozen=True, slots=True)
class LabSpec:
    """The lab of one inventory: its nodes and guests, by name, in file order."""

    nodes: Mapping[str, Node]
    guests: Mapping[str, Guest]
    source: Path

    def node(self, name: str) -> Node:
        """The node of that name; LabError names those that exist."""
        return _pick(self.nodes, name, "node", self.source)

    def guest(self, name: str) -> Guest:
        """The guest of that name; LabError names those that exist."""
        return _pick(self.guests, name, "guest", self.source)


def load_lab(inventory: Path) -> LabSpec:
    """Read ``lab.yaml`` of an inventory folder; LabError lists every problem with its key."""
    path = inventory / LAB_FILE
    if path.is_fifo():
        raise LabError(f"{path}: it is a FIFO, not a file", "put a file in its place")
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except FileNotFoundError as error:
        raise LabError(
            f"{path}: there is no such file, so this inventory has no lab",
            "use an inventory that has one, or write it (`nodes: {node1: {release: bookworm}}`)",
        ) from error
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", "make the file readable") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        detail = " ".join(str(error).split())
        raise LabError(
            f"{path}: not valid YAML: {detail}", "correct the file at that line"
        ) from error
    return parse_lab(raw, path)


def parse_lab(raw: object, source: Path) -> LabSpec:
    """Validate the content of a ``lab.yaml``; ``source`` only serves the messages."""
    try:
        entry = LabFile.model_validate(raw if raw is not None else {})
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}"
            for item in error.errors()
        ]
        raise LabError(f"{source}: {'; '.join(problems)}", "correct these keys") from error
    nodes = {
        name: Node(name, node.number or place, node.release, node.memory)
        for place, (name, node) in enumerate(entry.nodes.items(), start=1)
    }
    _cross_check(entry, source)
    return LabSpec(nodes, _derive_guests(entry.machines), source)


def stable_mac(*parts: str) -> str:
    """A locally administered unicast MAC that depends on the names alone."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def _cross_check(entry: LabFile, source: Path) -> None:
    problems: list[str] = []
    ports: dict[tuple[str, str], str] = {}
    macs: dict[str, str] = {}
    numbers: dict[int, str] = {}
    for place, (name, node) in enumerate(entry.nodes.items(), start=1):
        other = numbers.setdefault(node.number or place, name)
        if other != name:
            problems.append(f"nodes.{name}.number: {node.number or place} is already {other}'s")
    for name, guest in entry.machines.items():
        if guest.node not in entry.nodes:
            problems.append(f"machines.{name}.node: there is no node {guest.node!r} in `nodes`")
        if (guest.bridge is None) is not bool(guest.nics):
            problems.append(f"machines.{name}: name either its `bridge` or its `nics`")
        if guest.nics and guest.port is not None:
            problems.append(f"machines.{name}.port: it has `nics` instead")
        if _OWN_NIC in guest.nics:
            problems.append(f"machines.{name}.nics: {_OWN_NIC} is the underlay's")
        for port in (guest.port, *guest.nics):
            if port is not None and ports.setdefault((guest.node, port), name) != name:
                other = ports[guest.node, port]
                key = "nics" if guest.nics else "port"
                problems.append(f"machines.{name}.{key}: {port} is already that of {other}")
        if guest.mac is not None:
            other = macs.setdefault(guest.mac.lower(), name)
            if other != name:
                problems.append(f"machines.{name}.mac: {guest.mac} is already that of {other}")
        problems.extend(
            f"machines.{name}.gateways: {gateway} is in no network of its addresses"
            for gateway in guest.gateways
            if not any(gateway in address.network for address in guest.addresses)
        )
    if problems:
        raise LabError(f"{source}: {'; '.join(problems)}", "correct these keys")


def _derive_guests(entries: Mapping[str, GuestEntry]) -> dict[str, Guest]:
    taken = {(entry.node, entry.port) for entry in entries.values() if entry.port is not None}
    guests = {}
    for name, entry in entries.items():
        port = entry.port or ("" if entry.nics else _free_port(entry.node, name, taken))
        taken.add((entry.node, port))
        guests[name] = Guest(
            name=name,
            node=entry.node,
            bridge=entry.bridge or "",
            port=port,
            # The word stays: MACs of labs and recordings hang on it.
            mac=(entry.mac or stable_mac("machine", name)).lower(),
            addresses=tuple(str(address) for address in entry.addresses),
            gateways=tuple(str(gateway) for gateway in entry.gateways),
            vlan=entry.vlan,
            nics=entry.nics,
        )
    return guests


def _free_port(node: str, name: str, taken: set[tuple[str, str]]) -> str:
    """A port name in Proxmox's form: ``vm12`` takes its own number, other names a derived one."""
    digits = re.search(r"([1-9][0-9]{1,5})$", name)
    digest = hashlib.sha256(name.encode()).digest()
    number = int(digits[1]) if digits else 100 + int.from_bytes(digest[:4], "big") % 900_000
    while (node, f"tap{number}i0") in taken:
        number += 1
    return f"tap{number}i0"


def _pick(known: Mapping[str, _T], name: str, kind: str, source: Path) -> _T:
    try:
        return known[name]
    except KeyError:
        choice = ", ".join(known) or "none"
        raise LabError(
            f"{source}: there is no {kind} {name!r}", f"choose one of: {choice}"
        ) from None


class _UniqueKeyLoader(yaml.SafeLoader):
    """A SafeLoader that refuses a key given twice, where YAML would silently keep the last."""

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 (PyYAML's signature)
    ) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _value in node.value:
            key = key_node.value
            if isinstance(key, str) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key if isinstance(key, str) else id(key_node))
        return super().construct_mapping(node, deep=deep)


def address_of(spec: LabSpec, target: str) -> str:
    """The first address of a guest, or `target` itself when it names none."""
    if target not in spec.guests:
        return target
    return str(spec.guest(target).addresses[0]).partition("/")[0]
