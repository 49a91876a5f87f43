"""The commands that an audit runs on a node, by slug. They only read."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tasks.files import MANAGED_FILES, ManagedFile, files_of
from tasks.script import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from overlay.expected import FabricIntent, NodeIntent

    Applies = Callable[[NodeIntent], bool]

TEXT_SLUGS = ("bridge_fdb", "ip_link", "bgp_l2vpn_evpn")


def _everywhere(_node: NodeIntent) -> bool:
    return True


def _speaks_evpn(node: NodeIntent) -> bool:
    return node.bgp is not None


def _speaks_outside(node: NodeIntent) -> bool:
    """An exit with a router outside, and such a router: they peer in IPv4 and IPv6 unicast."""
    if node.router is not None:
        return node.router.asn is not None
    return node.bgp is not None and bool(node.bgp.upstreams)


def _has_l3vni(node: NodeIntent) -> bool:
    return node.bgp is not None and any(vxlan.is_l3vni for vxlan in node.vxlans)


def _routes_outside(node: NodeIntent) -> bool:
    return node.forwards


def _floats(node: NodeIntent) -> bool:
    return bool(node.vips)


def _runs_frr(node: NodeIntent) -> bool:
    return node.bgp is not None or node.router is not None or bool(node.vips)


def _sets_sysctls(node: NodeIntent) -> bool:
    return bool(node.sysctls)


@dataclass(frozen=True, slots=True)
class CollectCommand:
    """One command of a snapshot. `suffix` is that of its file; `root` says that it needs root.

    `applies` says on which nodes some check can use it; `path` is the file that it reads, if any.
    """

    slug: str
    command: str
    suffix: str = "txt"
    root: bool = False
    applies: Applies = _everywhere
    path: str | None = None


def _vtysh(slug: str, command: str, applies: Applies, *, suffix: str = "json") -> CollectCommand:
    return CollectCommand(slug, f"vtysh -c '{command}'", suffix, root=True, applies=applies)


def file_slug(path: str) -> str:
    """The slug of a managed file's text: `/etc/frr/frr.conf` is `file_frr_conf`."""
    return "file_" + re.sub(r"\W", "_", path.rpartition("/")[2])


def _file(file: ManagedFile) -> CollectCommand:
    """Reads a managed file; one that is not there is an empty text, not a failed command."""
    quoted = shlex.quote(file.path)
    read = shlex.quote(f"[ ! -e {quoted} ] || cat {quoted}")
    return CollectCommand(
        file_slug(file.path),
        f"sh -c {read}",
        root=file.is_frr,
        applies=lambda node: file in files_of(node),
        path=file.path,
    )


COMMANDS = (
    CollectCommand("bridge_fdb", "bridge fdb show"),
    CollectCommand("ip_link", "ip -d link show"),
    _vtysh("bgp_l2vpn_evpn", "show bgp l2vpn evpn", _speaks_evpn, suffix="txt"),
    _vtysh("evpn_summary", "show bgp l2vpn evpn summary json", _speaks_evpn),
    _vtysh("evpn_vni", "show evpn vni json", _has_l3vni),
    _vtysh("bgp_summary", "show bgp summary json", _speaks_outside),
    CollectCommand("ip_address", "ip -j address show", "json"),
    CollectCommand("ip_route", "ip -j route show table all", "json", applies=_routes_outside),
    _vtysh("vrrp", "show vrrp json", _floats),
    CollectCommand("sysctl", "sysctl -e", applies=_sets_sysctls),
    _vtysh("running_config", "show running-config", _runs_frr, suffix="txt"),
    # Once more, after BGP's table: a MAC that moves meanwhile is no drift.
    CollectCommand("bridge_fdb_later", "bridge fdb show", applies=_speaks_evpn),
    *map(_file, MANAGED_FILES),
)
BY_SLUG = {command.slug: command for command in COMMANDS}


def commands_for(
    intent: FabricIntent, node: NodeIntent | None = None
) -> tuple[CollectCommand, ...]:
    """The commands that a node's checks can use: none of BGP where no BGP is intended.

    Without a node, those that any node of the fabric is asked.
    """
    nodes = tuple(intent.nodes.values()) if node is None else (node,)
    return tuple(
        _with_keys(command, nodes) for command in COMMANDS if any(map(command.applies, nodes))
    )


def _with_keys(command: CollectCommand, nodes: Iterable[NodeIntent]) -> CollectCommand:
    """`sysctl` with the keys that the intent sets; of other settings nothing is asked."""
    if command.slug != "sysctl":
        return command
    keys = sorted({shlex.quote(key) for node in nodes for key, _ in node.sysctls})
    return replace(command, command=" ".join([command.command, *keys]))


def as_section(command: CollectCommand, *, sudo: bool, timeout: int = 20) -> Section:
    """The command as a section of the joined script, with `sudo -n` where it must be root.

    Each `sudo` runs one program with arguments that never change, no shell: sudoers can name it.
    """
    text = command.command
    if command.root and sudo:
        text = " || ".join(f"sudo -n {words}" for words in privileged(command))
    return Section(command.slug, text, timeout)


def privileged(command: CollectCommand) -> tuple[str, ...]:
    """What a command runs as root: each is tried when the one before it failed."""
    if not command.root:
        return ()
    if command.path is None:
        return (command.command,)
    # Who may not ask whether it is there fails at both: a file is never taken for absent by that.
    quoted = shlex.quote(command.path)
    return (f"test ! -e {quoted}", f"cat {quoted}")
