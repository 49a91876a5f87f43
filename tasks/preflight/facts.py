"""What must be known of a node before it is deployed, beside its managed files. Only reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from overlay.errors import CommandError, ParseError
from tasks.bgp_sessions import SESSION_COMMANDS, Sessions, read_sessions
from tasks.files import BACKUPS, FRR_CONF, STATE
from tasks.safety.manifest import Manifest
from tasks.safety.places import LOCK, NUMBER, PENDING
from tasks.ssh.script import Section, build_script, split_output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nornir.core.task import Task

    from overlay.records import RawOutput
    from tasks.plan import NodePlan
    from tasks.ssh.connection import FleetSSH

    # What a node's files are to become, from what is known of it.
    Target = Callable[[Task, FleetSSH, "NodeFacts"], NodePlan]

SDN_FILE = "/etc/network/interfaces.d/sdn"
_UNITS = ("frr", "networking")


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup on a node; `manifest` is None when it cannot be read. `outcome` as it ended."""

    number: str
    outcome: str
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node said. `free` maps a mount point to free KiB, `ports` a bridge to its ports.

    `sessions` is None when bgpd did not answer. `sdn` names the files by which Proxmox's SDN
    manages this node, each with what gives it away. `lock` says who holds the node, or is empty.
    """

    services: dict[str, str]
    sessions: Sessions | None
    backups: tuple[Backup, ...]
    free: dict[str, int] = field(default_factory=dict)
    ports: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sdn: tuple[str, ...] = ()
    lock: str = ""
    pending: str = ""

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(backup.number for backup in self.backups)

    @property
    def last_confirmed(self) -> Backup | None:
        """The deployment whose files should lie there now."""
        done = [backup for backup in self.backups if backup.outcome == "confirmed"]
        return done[-1] if done else None


def survey_node(host: str, connection: FleetSSH, *, sudo: bool) -> NodeFacts:
    """Asks a node in one exec. Raises CommandError when it does not answer in full."""
    script = build_script(SURVEY, cap=4 * 1024 * 1024)
    outputs = split_output(script, *connection.run(script, sudo=sudo, deadline=60))
    lost = [section.slug for section in SURVEY if not _whole(outputs.get(section.slug))]
    if lost:
        raise CommandError(
            f"{host}: the queries before a deployment failed: {lost[0]}",
            "check that the deploy user is root or has passwordless sudo",
        )
    return read_facts(outputs)


def _whole(output: RawOutput | None) -> bool:
    return output is not None and not output.truncated


SURVEY = (
    Section("fact:services", f"systemctl is-active {' '.join(_UNITS)} || :"),
    Section(
        "fact:backups",
        f"cd {BACKUPS} 2>/dev/null || exit 0\n"
        "for number in [0-9][0-9][0-9][0-9]; do\n"
        '  [ -d "$number" ] || continue\n'
        '  echo "$number $(head -n 1 $number/outcome 2>/dev/null || echo -)"\n'
        "  head -c 65536 $number/manifest.json 2>/dev/null || echo\ndone",
    ),
    Section("fact:free", f"df -Pk /etc /var/lib /tmp $(ls -d {STATE} 2>/dev/null)"),
    Section("fact:ports", "cd /sys/class/net && ls -d */brif/* 2>/dev/null || :"),
    Section(
        "fact:sdn",
        f"if [ -e {SDN_FILE} ] && grep -qsE '^[[:space:]]*source(-directory)?[[:space:]]' "
        f"/etc/network/interfaces; then echo '{SDN_FILE}: made by Proxmox SDN, and "
        "/etc/network/interfaces sources it'; fi\n"
        f"if grep -qs '^frr defaults datacenter' {FRR_CONF.path} && "
        f"grep -qs 'neighbor VTEP peer-group' {FRR_CONF.path}; then "
        f"echo '{FRR_CONF.path}: made by a Proxmox SDN controller (peer-group VTEP)'; fi\n"
        "for file in /etc/pve/sdn/*.cfg; do\n"
        '  [ ! -s "$file" ] || echo "$file: Proxmox SDN has objects in it"\ndone',
    ),
    Section("fact:lock", f"[ ! -d {LOCK} ] || cat {LOCK}/owner 2>/dev/null || echo somebody"),
    Section("fact:pending", f"readlink {PENDING} || :"),
    *(Section(slug, command) for slug, command in SESSION_COMMANDS.items()),
)


def read_facts(outputs: Mapping[str, RawOutput]) -> NodeFacts:
    """The facts from the outputs of the survey; what an odd node says too much is left out."""
    text = {slug: output.text for slug, output in outputs.items()}
    states = text["fact:services"].split()
    return NodeFacts(
        services=dict(zip(_UNITS, states, strict=False)),
        sessions=read_sessions(outputs),
        backups=tuple(_backups(text["fact:backups"])),
        free=_free(text["fact:free"]),
        ports=_ports(text["fact:ports"]),
        sdn=tuple(text["fact:sdn"].splitlines()[:20]),
        lock=text["fact:lock"].strip()[:300],
        pending=text["fact:pending"].strip()[:100],
    )


def _backups(text: str) -> list[Backup]:
    lines = text.splitlines()
    found = []
    for head, body in zip(lines[::2], lines[1::2], strict=False):
        number, _, outcome = head.partition(" ")
        if not NUMBER.fullmatch(number):
            break
        try:
            manifest = Manifest.from_json(body)
        except ParseError:
            manifest = None
        found.append(Backup(number, outcome, manifest))
    return found


def _free(text: str) -> dict[str, int]:
    rows = (line.split() for line in text.splitlines()[1:])
    return {row[5]: int(row[3]) for row in rows if len(row) == 6 and row[3].isdigit()}


def _ports(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        bridge, _, port = line.partition("/brif/")
        if port:
            found[bridge] = (*found.get(bridge, ()), port)
    return found
