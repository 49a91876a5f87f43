"""The steps of a deployment on one node, in their order, from the changes of its files. Pure."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from tasks.files import DAEMONS, FRR_CONF, INTERFACES, OVERLAY_INTERFACES, SYSCTL
from tasks.script import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.plan import FileChange

BACKUPS = "/var/lib/evpn-fleet/backups"
_FRR_RELOAD = "/usr/lib/frr/frr-reload.py"
# The last two make a device over IPv6, with its flood list; those of its stanza run at each reload
# and take nothing away.
_FIXED_AT_BIRTH = frozenset(
    {"vxlan-id", "vxlan-svcnodeip", "vxlan-physdev", "vxlan-port", "vxlan-learning", "pre-up", "up"}
)
_VRF_INSTANCE = re.compile(r"^router bgp (\d+) vrf (\S+)$", re.MULTILINE)
_L3VNI = re.compile(r"^vrf (\S+)\n(?: .*\n)*? vni (\d+)$", re.MULTILINE)


def apply_sections(changes: tuple[FileChange, ...], stage: str) -> list[Section]:
    by_path = {change.file.path: change for change in changes}
    sections = [_backup_section(changes)]
    frr = [change for change in changes if change.file.is_frr]
    sections += [_install_section(change, stage) for change in frr]
    sections += _released(by_path.get(FRR_CONF.path))
    if frr:
        sections.append(_frr_section(restart=_starts_other_daemons(by_path.get(DAEMONS.path))))
    if SYSCTL.path in by_path:
        sections.append(_install_section(by_path[SYSCTL.path], stage))
        # Ignoring what is not there: the interfaces come later, and `sysctl-again` after them.
        loaded = f"sysctl --quiet --ignore --load {SYSCTL.path}"
        sections.append(Section("sysctl", loaded, stop=True))
    interfaces = _interfaces_change(changes)
    if interfaces is not None:
        sections.append(_install_section(interfaces, stage))
        # ifupdown2 of Debian 13 writes VRF tables into this folder and fails where it is absent.
        tables = Section("rt-tables", "install -d -m 755 /etc/iproute2/rt_tables.d", stop=True)
        sections += [tables, *_remade(interfaces)]
        # In the overlay scope only our own devices, which the file puts into a class.
        which = "--all" if interfaces.file is INTERFACES else "--allow evpn"
        sections.append(Section("ifreload", f"ifreload {which}", timeout=120, stop=True))
        again = f"! [ -e {SYSCTL.path} ] || sysctl --quiet --load {SYSCTL.path}"
        sections.append(Section("sysctl-again", again, stop=True))
    return sections


def _interfaces_change(changes: tuple[FileChange, ...]) -> FileChange | None:
    return next((c for c in changes if c.file in (INTERFACES, OVERLAY_INTERFACES)), None)


def _starts_other_daemons(change: FileChange | None) -> bool:
    """True when the change of the daemons file is more than one of its comments."""
    if change is None:
        return False

    def settings(text: str | None) -> set[str]:
        return {line.strip() for line in (text or "").splitlines() if not line.startswith("#")}

    return settings(change.before.text) != settings(change.after.text)


def _backup_section(changes: tuple[FileChange, ...]) -> Section:
    existing = [shlex.quote(c.file.path) for c in changes if c.before.text is not None]
    made = f"install -d -m 700 {BACKUPS}"
    if existing:
        # Numbered by time: names sort in the order of the deployments.
        made += f" && to={BACKUPS}/$(date -u +%Y%m%dT%H%M%SZ) && install -d -m 700 $to"
        made += f" && cp -a --parents {' '.join(existing)} $to"
    return Section("backup", made, stop=True)


def _install_section(change: FileChange, stage: str) -> Section:
    file = change.file
    folder, _, name = file.path.rpartition("/")
    # A hidden name: `source /etc/network/interfaces.d/*` must not read it should it be left over.
    staged = shlex.quote(f"{stage}/{file.name}")
    new = shlex.quote(f"{folder}/.{name}.evpn-fleet-new")
    # Renamed only when its bytes are on the disk: a power failure leaves the old file or the new.
    command = (
        f"install -o {file.owner} -g {file.group} -m {file.mode:o} {staged} {new} "
        f"&& sync {new} && mv -fT {new} {shlex.quote(file.path)} && sync /etc"
    )
    return Section(f"install:{file.path}", command, stop=True)


def _frr_section(*, restart: bool) -> Section:
    """Loads frr.conf, and looks again until FRR runs what it says.

    A reload can end with exit status 0 without having converged: FRR refuses to remove a VRF's
    instance while its L3VNI is there, for one, and takes it out in the next round.
    """
    # Not `systemctl reload`: it hides frr-reload's words, and a stopped FRR must be started.
    # systemd refuses a fourth start within three minutes, whoever asked for the others.
    start = "systemctl reset-failed frr; systemctl restart frr"
    load = (
        start
        if restart
        else f"if systemctl --quiet is-active frr; then {_FRR_RELOAD} --reload {FRR_CONF.path}; "
        f"else {start}; fi"
    )
    command = (
        f"{load}\nfor round in 1 2 3; do\n"
        f"  said=$({_FRR_RELOAD} --test --stdout {FRR_CONF.path} 2>&1) || exit\n"
        "  echo \"$said\" | grep -q '^Lines To ' || exit 0\n"
        f"  {_FRR_RELOAD} --reload {FRR_CONF.path}\n"
        'done\necho "FRR still runs something else:"; echo "$said" | grep -v INFO; exit 1'
    )
    return Section("frr-restart" if restart else "frr-reload", command, timeout=180, stop=True)


def verify_sections(changes: tuple[FileChange, ...]) -> list[Section]:
    """What must hold right after: the kernel is as the interfaces file says."""
    change = _interfaces_change(changes)
    if change is None:
        return []
    names = [
        line.split()[1] for line in (change.after.text or "").splitlines() if line[:5] == "auto "
    ]
    # Not `lo`: what somebody adds to it is not ours. Not the exit status: ifquery itself fails on
    # a bridge with VRRP ("sequence item 0: expected str"), after it has checked the rest.
    ours = " ".join(shlex.quote(name) for name in names if name != "lo")
    command = f"said=$(ifquery --check {ours}); echo \"$said\" | grep -q 'pass' || exit 1; "
    command += "! echo \"$said\" | grep -F -e '[fail]'"
    return [Section("interfaces-hold", command, timeout=60, stop=True)]


def _released(change: FileChange | None) -> Iterator[Section]:
    """Takes away the BGP instances of VRFs that the new frr.conf does not have.

    FRR refuses to remove one while its VRF has an L3VNI, and frr-reload does not know; the reload
    that follows puts the L3VNI back where it still belongs.
    """
    if change is None:
        return
    before, after = change.before.text or "", change.after.text or ""
    l3vnis = dict(_L3VNI.findall(before))
    for asn, vrf in sorted(set(_VRF_INSTANCE.findall(before)) - set(_VRF_INSTANCE.findall(after))):
        instance = f"router bgp {asn} vrf {vrf}"
        freed = [f"vrf {vrf}", f"no vni {l3vnis[vrf]}"] if vrf in l3vnis else []
        # bgpd hears from zebra that the L3VNI is gone, which takes it a moment.
        command = (
            f"{_configure(*freed)} && for try in 1 2 3 4 5 6 7 8 9 10; do "
            f"{_configure(f'no {instance}')} >/dev/null 2>&1; "
            f"vtysh -c 'show running-config' | grep -qx '{instance}' || exit 0; sleep 1; done"
        )
        yield Section(f"release:{vrf}", f"! systemctl --quiet is-active frr || {{ {command}; }}")


def _configure(*lines: str) -> str:
    return "vtysh " + " ".join(f"-c {shlex.quote(line)}" for line in ("configure terminal", *lines))


def _remade(change: FileChange) -> list[Section]:
    """Takes away the VXLAN devices that cannot be changed in place, for ifreload to make anew.

    ifupdown2 leaves an attribute that is gone from the file as it is in the kernel, and MACs that
    a device has learned stay in it when it learns no more.
    """
    before, after = vxlan_stanzas(change.before.text or ""), vxlan_stanzas(change.after.text or "")
    changed = [name for name, fixed in after.items() if before.get(name, fixed) != fixed]
    return [
        Section(f"remake:{name}", f"! ip link show {name} >/dev/null 2>&1 || ip link del {name}")
        for name in changed
    ]


def vxlan_stanzas(interfaces: str) -> dict[str, frozenset[str]]:
    """The VXLAN devices of an interfaces file, each with what is fixed when it is made."""
    stanzas: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in interfaces.splitlines():
        words = line.split()
        if words[:1] == ["iface"] and len(words) > 1:
            current = stanzas.setdefault(words[1], set())
        elif words and words[0] in _FIXED_AT_BIRTH:
            current.add(" ".join(words))
    return {name: frozenset(fixed) for name, fixed in stanzas.items() if fixed}
