"""The commands that an audit runs on a node, by slug. They only read."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from overlay import outputs
from overlay.redaction import redact
from overlay.snat.intended import TABLE
from tasks.files import MANAGED_FILES, ManagedFile
from tasks.ssh.script import Section

if TYPE_CHECKING:
    from collections.abc import Collection

    from overlay.expected import NodeIntent
    from overlay.records import RawOutput


@dataclass(frozen=True, slots=True)
class HostCapture:
    """What was collected on one host: raw outputs by slug, or why there are none."""

    host: str
    outputs: dict[str, RawOutput]
    error: str | None = None


TEXT_SLUGS = (outputs.BRIDGE_FDB, outputs.IP_LINK, outputs.EVPN_TABLE)


@dataclass(frozen=True, slots=True)
class CollectCommand:
    """One command of a snapshot. `suffix` is that of its file; `root` says that it needs root.

    `path` is the file that it reads, if any; where the command fails, `otherwise` is run,
    one after the other.
    """

    slug: str
    command: str
    suffix: str = "txt"
    root: bool = False
    path: str | None = None
    otherwise: tuple[str, ...] = ()


def _vtysh(slug: str, command: str, *, suffix: str = "json") -> CollectCommand:
    return CollectCommand(slug, f"vtysh -c '{command}'", suffix, root=True)


def _file(file: ManagedFile) -> CollectCommand:
    """Reads a managed file; one that is not there is an empty text, not a failed command."""
    quoted = shlex.quote(file.path)
    slug = outputs.file_slug(file.path)
    read = f"[ ! -e {quoted} ] || cat {quoted}"
    return CollectCommand(slug, read, root=file.is_frr, path=file.path)


# tc shows the filters of one place at a time, and few devices have one. Each line begins with the
# device and the place.
_FILTERS = (
    r"tc qdisc show | sed -n 's/^qdisc \([a-z_]*\) .* dev \([^ ]*\) .*/\1 \2/p' | "
    "while read -r kind dev; do case $kind in "
    "clsact) places='ingress egress';; ingress) places=ingress;; "
    "drr|ets|hfsc|htb|multiq|prio|qfq) places=root;; *) continue;; esac; "
    'for place in $places; do tc filter show dev "$dev" ${place#root} | '
    'while IFS= read -r line; do printf \'%s %s %s\\n\' "$dev" $place "$line"; done; done; done'
)
# In the order in which a node is asked; one start of vtysh answers those of it that stand together.
# Which of them a node is asked, its checks say.
COMMANDS = (
    CollectCommand(outputs.BRIDGE_FDB, "bridge fdb show"),
    CollectCommand(outputs.IP_LINK, "ip -d link show"),
    _vtysh(outputs.EVPN_TABLE, "show bgp l2vpn evpn", suffix="txt"),
    _vtysh(outputs.EVPN_SUMMARY, "show bgp l2vpn evpn summary json"),
    _vtysh(outputs.EVPN_VNI, "show evpn vni json"),
    _vtysh(outputs.EVPN_DUPLICATE_MACS, "show evpn mac vni all duplicate json"),
    _vtysh(outputs.EVPN_DUPLICATE_ADDRESSES, "show evpn arp-cache vni all duplicate json"),
    _vtysh(outputs.BGP_SUMMARY, "show bgp summary json"),
    _vtysh(outputs.BFD_PEERS, "show bfd peers json"),
    _vtysh(outputs.OSPF_NEIGHBORS, "show ip ospf neighbor json"),
    _vtysh(outputs.ISIS_NEIGHBORS, "show isis neighbor json"),
    _vtysh(outputs.OPENFABRIC_NEIGHBORS, "show openfabric neighbor json"),
    _vtysh(outputs.VRRP, "show vrrp json"),
    _vtysh(outputs.RUNNING_CONFIG, "show running-config", suffix="txt"),
    # Each prints its JSON on a line, `[]` where there is nothing.
    CollectCommand(
        outputs.BRIDGE_VLANS,
        "bridge -j vlan show && bridge -j vlan tunnelshow && bridge -j vni show",
    ),
    # Where our table is gone nft fails; that it is gone, the list of tables shows.
    CollectCommand(
        outputs.NAT,
        f"nft -j list table inet {TABLE}",
        "json",
        root=True,
        otherwise=("nft -j list tables inet",),
    ),
    CollectCommand(outputs.IP_ADDRESS, "ip -j address show", "json"),
    CollectCommand(outputs.IP_ROUTE, "ip -j route show table all", "json"),
    CollectCommand(outputs.IP6_ROUTE, "ip -6 -j route show table all", "json"),
    CollectCommand(outputs.IP_RULE, "ip -j rule show", "json"),
    CollectCommand(outputs.IP6_RULE, "ip -6 -j rule show", "json"),
    # As the routes, after BGP's table: what that has just told zebra is in the kernel by now.
    CollectCommand(outputs.IP_NEIGH, "ip -j neigh show nud all", "json"),
    CollectCommand(outputs.TC_QDISC, "tc -j qdisc show", "json"),
    CollectCommand(outputs.TC_FILTER, _FILTERS),
    # Where its module is not loaded nobody has a rule or a policy, and to ask would load it.
    CollectCommand(
        outputs.PACKET_FILTERS,
        "test ! -e /sys/module/nf_tables",
        "json",
        root=True,
        otherwise=("nft -j list ruleset",),
    ),
    # Of associations never the keys.
    CollectCommand(
        outputs.IPSEC_POLICIES,
        "test ! -e /sys/module/xfrm_user",
        root=True,
        otherwise=("ip xfrm policy show", "ip xfrm state list nokeys"),
    ),
    CollectCommand(outputs.SYSCTL, "sysctl -e"),
    # Once more, after BGP's table: a MAC that moves meanwhile is not drift.
    CollectCommand(outputs.BRIDGE_FDB_LATER, "bridge fdb show"),
    *map(_file, MANAGED_FILES),
    # Only with `--probe`, and then as `tasks.probes.command` says.
    CollectCommand(outputs.PROBE, "python3"),
)
BY_SLUG = {command.slug: command for command in COMMANDS}


def without_secrets(slug: str, output: RawOutput) -> RawOutput:
    """An output as it is kept and compared: a configuration may hold passwords, others cannot."""
    if slug in TEXT_SLUGS or BY_SLUG[slug].suffix == "json":
        return output
    return replace(output, text=redact(output.text), stderr=redact(output.stderr))


def commands_for(wanted: Collection[str], node: NodeIntent) -> tuple[CollectCommand, ...]:
    """The commands of the wanted outputs, by slug, as this node is asked them."""
    return tuple(_on(node, command) for command in COMMANDS if command.slug in wanted)


def _on(node: NodeIntent, command: CollectCommand) -> CollectCommand:
    """`sysctl` with the keys that checks compare; of other settings nothing is asked."""
    if command.slug != outputs.SYSCTL:
        return command
    wanted = (*node.kernel_settings, *node.least_settings, *node.most_settings)
    read = (*node.path_filters, *node.bridge_filters)
    keys = sorted({shlex.quote(key) for key in (*(key for key, _ in wanted), *read)})
    return replace(command, command=" ".join([command.command, *keys]))


def as_section(command: CollectCommand, *, sudo: bool, timeout: int = 20) -> Section:
    """The command as a section of the joined script, with `sudo -n` where it must be root.

    Each `sudo` runs one program with arguments that never change, no shell: sudoers can name it.
    """
    prefix = "sudo -n " if command.root and sudo else ""
    first, *rest = privileged(command) if prefix else (command.command, *command.otherwise)
    text = f"{prefix}{first}"
    if rest:
        text += f" || {{ {' && '.join(f'{prefix}{words}' for words in rest)}; }}"
    return Section(command.slug, text, timeout)


def privileged(command: CollectCommand) -> tuple[str, ...]:
    """What a command runs as root: the first, and where that fails the others."""
    if not command.root:
        return ()
    if command.path is None:
        return (command.command, *command.otherwise)
    # Who may not ask whether it is there fails at both: a file is never taken for absent by that.
    quoted = shlex.quote(command.path)
    return (f"test ! -e {quoted}", f"cat {quoted}")
