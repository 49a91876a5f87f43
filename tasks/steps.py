"""The steps of a deployment on one node, in their order, from the changes of its files. Pure."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from overlay.snat.intended import TABLE
from parsers.interfaces import parse_interfaces
from tasks.announce import announce_sections
from tasks.files import (
    INTERFACES,
    KEPT_INTERFACES,
    OVERLAY_INTERFACES,
    SNAT,
    SOURCED,
    SYSCTL,
)
from tasks.frr.loading import frr_sections
from tasks.interfaces.made import made_devices, vxlan_stanzas
from tasks.interfaces.vlans import (
    guests_follow,
    guests_noted,
    other_kinds,
    single_devices,
    unmapped,
)
from tasks.ssh.script import Section

if TYPE_CHECKING:
    from tasks.files import ManagedFile
    from tasks.plan import FileChange

_ROUTE_ADDED = re.compile(r"^\s+post-up (ip|ip -6) route replace (vrf .+)$", re.MULTILINE)


def validate_sections(changes: tuple[FileChange, ...], stage: str) -> list[Section]:
    """Checks the staged files on the node, each with the others as they will be."""
    sections = [
        Section(
            f"validate:{change.file.path}",
            change.file.validate.format(
                file=shlex.quote(f"{stage}/{change.file.name}"),
                beside=_beside(stage),
                remade="".join(f" -e 'non-bridge interface ({it})'" for it in other_kinds(change)),
            ),
            timeout=30,
            stop=True,
        )
        for change in changes
        if change.after.text is not None
    ]
    return [_sourced_section(changes, stage), *sections]


def _beside(stage: str) -> str:
    return f"{stage}/beside"


def _sourced_section(changes: tuple[FileChange, ...], stage: str) -> Section:
    """Copies `interfaces.d`, and does to the copy what the deployment does to that folder.

    A device that moves between `interfaces` and a file there would else be defined in both.
    """
    beside = shlex.quote(_beside(stage))
    lines = [f"mkdir {beside}", f"[ ! -d {SOURCED} ] || cp -RL {SOURCED}/. {beside}"]
    for change in changes:
        folder, _, name = change.file.path.rpartition("/")
        if folder == SOURCED:
            staged = shlex.quote(f"{stage}/{change.file.name}")
            gone = change.after.text is None
            lines.append(f"rm -f {beside}/{name}" if gone else f"cp {staged} {beside}/{name}")
    return Section(f"validate:{SOURCED}", " && ".join(lines), timeout=30, stop=True)


def apply_sections(changes: tuple[FileChange, ...], stage: str) -> list[Section]:
    """Puts the staged files in place and has them loaded, FRR before the interfaces.

    And the kernel's settings before FRR: where nothing is forwarded yet, FRR says `no ip
    forwarding` of itself, which its file does not say, and would be loaded once more for that.
    """
    by_path = {change.file.path: change for change in changes}
    sections: list[Section] = []
    if SYSCTL.path in by_path:
        sections.append(_install_section(by_path[SYSCTL.path], stage))
        sections += sysctl_sections(changes)
    sections += [_install_section(change, stage) for change in changes if change.file.is_frr]
    sections += frr_sections(changes)
    sections += [_install_section(c, stage) for c in changes if is_interfaces(c.file)]
    if SNAT.path in by_path:
        # Before the interfaces, which load it.
        sections.append(_install_section(by_path[SNAT.path], stage))
        sections += snat_sections(changes)
    sections += interface_sections(changes)
    return sections + announce_sections(changes)


def is_interfaces(file: ManagedFile) -> bool:
    """True for the files that ifupdown2 reads."""
    return file in (INTERFACES, OVERLAY_INTERFACES, KEPT_INTERFACES)


def interfaces_change(changes: tuple[FileChange, ...]) -> FileChange | None:
    """The change of the interfaces file, whichever the node's scope makes it."""
    return next((c for c in changes if c.file in (INTERFACES, OVERLAY_INTERFACES)), None)


def sysctl_sections(changes: tuple[FileChange, ...]) -> list[Section]:
    """Has the kernel take its settings."""
    change = next((change for change in changes if change.file is SYSCTL), None)
    if change is None:
        return []
    # Ignoring what is not there: the interfaces come later, and `sysctl-again` after them.
    load = f"--ignore --load {SYSCTL.path}" if change.after.text is not None else "--system"
    return [Section("sysctl", f"sysctl --quiet {load}", stop=True)]


def snat_sections(changes: tuple[FileChange, ...]) -> list[Section]:
    """Has the kernel translate addresses as the file says, or none any more."""
    change = next((change for change in changes if change.file is SNAT), None)
    if change is None:
        return []
    if change.after.text is None:
        # The table may be gone already, and so may nft.
        return [Section("snat", f"nft delete table inet {TABLE} 2>/dev/null || :")]
    return [Section("snat", f"nft --file {SNAT.path}", stop=True)]


def interface_sections(changes: tuple[FileChange, ...]) -> list[Section]:
    """Has ifupdown2 make what the interfaces file says."""
    change = interfaces_change(changes)
    # ifupdown2 of Debian 13 writes VRF tables into this folder and fails where it is absent.
    tables = Section("rt-tables", "install -d -m 755 /etc/iproute2/rt_tables.d", stop=True)
    # For sysctl of procps a minus sign is about values alone: what the kernel does not have is an
    # error all the same, unless that is so of all settings.
    load = "sysctl --quiet --load"
    strictly = f"sed '/^-/d' {SYSCTL.path} | {load} -"
    again = f"! [ -e {SYSCTL.path} ] || {{ {strictly} && {load} {SYSCTL.path} --ignore; }}"
    settle = Section("sysctl-again", again, stop=True)
    if change is None:
        if not any(is_interfaces(it.file) for it in changes):
            return []
        # Only what is kept beside ours.
        return [tables, Section("ifreload", "ifreload --all", timeout=120, stop=True), settle]
    if change.after.text is None:
        # There is no file of ours any more, so ifupdown2 has nothing to say of its devices.
        made = sorted(made_devices(change.before.text or ""))
        return [*_routes_gone(change), *(_removed("unmake", name) for name in made)]
    # In the overlay scope only our own devices, which the file puts into a class.
    which = "--all" if change.file is INTERFACES else "--allow evpn"
    command = f"ifreload {which}"
    if _changes_family(change):
        # ifupdown2 takes a device that it no longer makes itself for one that has "moved", and then
        # now and then (1 of 5, 3.0.0-1.3) readies a bridge before its port: the next one finds it.
        command = f"{command} || {command}"
    # udev gives a new bridge a MAC of its own, and on a busy node it may come after ifupdown2 has
    # set the gateway's: seen twice on the lab. Another reload sets it again.
    if _ours(change):
        command = f"{command} && {{ {_as_written(change)} || ifreload {which}; }}"
    reload = Section("ifreload", command, timeout=120, stop=True)
    first = [tables, *guests_noted(change), *unmapped(change), *_remade(change)]
    then = [*guests_follow(change), *_routes_gone(change), settle, *_usable(change)]
    return [*first, reload, *then]


def _usable(change: FileChange) -> list[Section]:
    """Gives bridges again what duplicate address detection holds back: IPv6 anycast gateways.

    A new bridge may have got its address before its `accept_dad` was off. It stays tentative, and
    for good where another node's was seen.
    """
    bridges = [
        stanza.name
        for stanza in parse_interfaces(change.after.text or "").stanzas
        if stanza.values("bridge-ports", "vlan-raw-device")
        and any(":" in it for it in stanza.values("address"))
    ]
    command = (
        '[ "$(cat /proc/sys/net/ipv6/conf/{0}/accept_dad)" != 0 ] || '
        "ip -6 -o address show dev {0} scope global tentative | awk '{{print $4}}' | "
        "while read -r it; do ip -6 address del $it dev {0} && ip -6 address add $it dev {0}; done"
    )
    commands = [command.format(shlex.quote(name)) for name in bridges]
    return [Section("gateways-usable", "\n".join(commands))] if commands else []


def _install_section(change: FileChange, stage: str) -> Section:
    path = change.file.path
    slug, (folder, _, name) = f"install:{path}", path.rpartition("/")
    if change.after.text is None:
        return Section(slug, f"rm -f {shlex.quote(path)} && sync {folder}", stop=True)
    # A hidden name: `source /etc/network/interfaces.d/*` must not read it should it be left over.
    staged = shlex.quote(f"{stage}/{change.file.name}")
    new = shlex.quote(f"{folder}/.{name}.evpn-fleet-new")
    mode, owner, group = (change.after.meta or change.file.meta).split()
    # Renamed only when its bytes are on the disk: a power failure leaves the old file or the new.
    command = (
        f"install -o {owner} -g {group} -m {mode} {staged} {new} "
        f"&& sync {new} && mv -fT {new} {shlex.quote(path)} && sync {folder}"
    )
    return Section(slug, command, stop=True)


def verify_sections(changes: tuple[FileChange, ...]) -> list[Section]:
    """What must hold right after: the kernel is as the interfaces file says."""
    change = interfaces_change(changes)
    if change is None:
        return []
    command = f"said=$(ifquery --check {_ours(change)}); "
    command += "echo \"$said\" | grep -q 'pass' || exit 1; "
    command += "! echo \"$said\" | grep -F -e '[fail]'"
    return [Section("interfaces-hold", command, timeout=60)]


def _ours(change: FileChange) -> str:
    """The devices of an interfaces file that `ifquery --check` can judge, as words of a shell.

    Not `lo`: what somebody adds to it is not ours.
    """
    text = change.after.text or ""
    beside = single_devices(text) | {"lo"}
    return " ".join(shlex.quote(it) for it in parse_interfaces(text).auto if it not in beside)


def _as_written(change: FileChange) -> str:
    """A shell command that succeeds where devices have the MACs and ports of an interfaces file.

    Read from the kernel by the shell itself: `ifquery --check`, which looks at all of the file when
    the deployment is verified, costs a node as much as a reload that changes nothing.
    """
    file, tests = parse_interfaces(change.after.text or ""), []
    for stanza in file.stanzas:
        device = shlex.quote(f"/sys/class/net/{stanza.name}")
        for mac in stanza.values("hwaddress"):
            wanted = shlex.quote(mac.split()[-1].lower())
            tests.append(f'read -r it < {device}/address && [ "$it" = {wanted} ]')
        ports = " ".join(stanza.values("bridge-ports")).split()
        tests += [f"[ -e {device}/brif/{shlex.quote(it)} ]" for it in ports if it in file.auto]
    return f"{{ {' && '.join(tests) or ':'}; }} 2>/dev/null"


def _remade(change: FileChange) -> list[Section]:
    """Takes away the VXLAN devices that cannot be changed in place, for ifreload to create again.

    ifupdown2 leaves an attribute that is gone from the file as it is in the kernel, and MACs that
    a device has learned stay in it when it learns no more.
    """
    before, after = vxlan_stanzas(change.before.text or ""), vxlan_stanzas(change.after.text or "")
    changed = [name for name, fixed in after.items() if before.get(name, fixed) != fixed]
    return [_removed("remake", name) for name in (*changed, *other_kinds(change))]


def _changes_family(change: FileChange) -> bool:
    """True where tunnels move between IPv4, whose devices ifupdown2 makes, and IPv6."""
    before, after = (
        {name: any(line.startswith("vxlan-id ") for line in fixed) for name, fixed in said.items()}
        for said in map(vxlan_stanzas, (change.before.text or "", change.after.text or ""))
    )
    return any(before[name] != after[name] for name in before.keys() & after.keys())


def _removed(why: str, name: str) -> Section:
    word = shlex.quote(name)
    command = f"! ip link show {word} >/dev/null 2>&1 || ip link del {word}"
    return Section(f"{why}:{name}", command)


def _routes_gone(change: FileChange) -> list[Section]:
    """Takes away the routes that a file adds no more.

    ifupdown2 does so with their VRF, but not where that stays.
    """
    before, after = (
        _ROUTE_ADDED.findall(state.text or "") for state in (change.before, change.after)
    )
    # Who is not there any more is no fault.
    return [
        Section(f"route-gone:{number}", f"{ip} route del {route} 2>/dev/null || :")
        for number, (ip, route) in enumerate((r for r in before if r not in after), start=1)
    ]
