"""The commands that an audit runs on a node, by slug. They only read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.script import Section

if TYPE_CHECKING:
    from overlay.expected import FabricIntent

TEXT_SLUGS = ("bridge_fdb", "ip_link", "bgp_l2vpn_evpn")


@dataclass(frozen=True, slots=True)
class CollectCommand:
    """One command of a snapshot. `suffix` is that of its file; `root` says that it needs root."""

    slug: str
    command: str
    suffix: str = "txt"
    root: bool = False
    bgp: bool = False


def _vtysh(slug: str, command: str, *, suffix: str = "txt") -> CollectCommand:
    return CollectCommand(slug, f"vtysh -c '{command}'", suffix, root=True, bgp=True)


COMMANDS = (
    CollectCommand("bridge_fdb", "bridge fdb show"),
    CollectCommand("ip_link", "ip -d link show"),
    _vtysh("bgp_l2vpn_evpn", "show bgp l2vpn evpn"),
    _vtysh("evpn_summary", "show bgp l2vpn evpn summary json", suffix="json"),
    _vtysh("evpn_vni", "show evpn vni json", suffix="json"),
    CollectCommand("ip_address", "ip -j address show", "json"),
)
BY_SLUG = {command.slug: command for command in COMMANDS}


def commands_for(intent: FabricIntent) -> tuple[CollectCommand, ...]:
    """The commands that this fabric's checks can use: none of BGP where no BGP is intended."""
    return tuple(c for c in COMMANDS if intent.evpn or not c.bgp)


def as_section(command: CollectCommand, *, sudo: bool, timeout: int = 20) -> Section:
    """The command as a section of the joined script, with `sudo -n` where it must be root."""
    prefix = "sudo -n " if command.root and sudo else ""
    return Section(command.slug, prefix + command.command, timeout)
