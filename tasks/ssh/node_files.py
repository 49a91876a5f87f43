"""What a node was configured with by hand: its network's files with all that they source."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nornir.core.task import Result, Task

from overlay.errors import CommandError, FleetError
from overlay.outputs import EVPN_SUMMARY, EVPN_VNI, IP_ADDRESS, IP_LINK, IP_ROUTE
from overlay.plainfile import LARGEST, decoded, too_large
from tasks.ssh.fleet import connect, needs_sudo
from tasks.ssh.script import Section, build_script, split_output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.ssh.fleet import Fleet

SLUG = "node-files"
NAME_SLUG = "node-name"
RUNNING_SLUG = "running"
RUNNING = "vtysh -c 'show running-config'"
# What the kernel and BGP hold, which no file may say; by slug as a snapshot has it.
STATE = {
    IP_LINK: "ip -d link show",
    IP_ADDRESS: "ip -j address show",
    IP_ROUTE: "ip -j route show table all",
    EVPN_VNI: "vtysh -c 'show evpn vni json'",
    EVPN_SUMMARY: "vtysh -c 'show bgp l2vpn evpn summary json'",
}
NETWORK = "/etc/network/interfaces"
HAND_WRITTEN = (
    "/etc/network/interfaces.d/*",
    "/etc/frr/frr.conf",
    "/etc/frr/daemons",
    "/etc/sysctl.conf",
    "/etc/sysctl.d/*",
    # What no file says: FRR turns forwarding on at a reload, and not at a start.
    "/proc/sys/net/ipv4/ip_forward",
)
PROXMOX = ("/etc/pve/.members", "/etc/pve/sdn/.running-config", "/etc/pve/sdn/*.cfg")
_CAP = 64 * 1024 * 1024

# One line a file: its path and its bytes in base64, `!` where it cannot be read, `?` for a FIFO, a
# device and the like, which are not opened. `source` is followed as ifupdown2 does it: globs,
# folders, and paths beside the file that names them.
_SCRIPT = r"""
seen=
reader() {
  [ -r "$1" ] && printf 'cat' || printf '%s' 'SUDO cat'
}
emit() {
  case $1 in *[!A-Za-z0-9_./@+:~,=-]*) return 1;; esac
  case " $seen " in *" $1 "*) return 1;; esac
  seen="$seen $1"
  if [ -d "${1%/*}" ] && [ ! -x "${1%/*}" ]; then
    SUDO test ! -e "$1" 2>/dev/null && return 1
    read='SUDO cat'
  else
    [ -f "$1" ] || { [ ! -e "$1" ] || [ -d "$1" ] || printf '%s ?\n' "$1"; return 1; }
    read=$(reader "$1")
  fi
  $read "$1" >/dev/null || { printf '%s !\n' "$1"; return 1; }
  printf '%s %s\n' "$1" "$($read "$1" | head -c LARGEST | base64 -w 0)"
}
follow() {
  emit "$1" || return 0
  set -f
  for word in $($(reader "$1") "$1" | sed -nE \
      's/^[[:space:]]*source(-directory)?[[:space:]]+([^[:space:]]+).*/\2/p'); do
    set +f
    case $word in /*) ;; *) word=${1%/*}/$word;; esac
    [ ! -d "$word" ] || word=$word/*
    for path in $word; do follow "$path"; done
    set -f
  done
  set +f
}
follow FIRST
for path in OTHERS; do emit "$path"; done
exit 0
"""


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """The files of one node by path, and what runs there (by RUNNING and each command of STATE).

    Or why there are none.

    `name` is what the node calls itself, without its domain. `refused` are files that are there
    and that the account may not read.
    """

    host: str
    texts: dict[str, str] = field(default_factory=dict)
    name: str = ""
    refused: tuple[str, ...] = ()
    error: str | None = None


def read_node_files(fleet: Fleet, others: Iterable[str] = HAND_WRITTEN) -> list[NodeFiles]:
    """Reads the files of every host of the fleet, over one connection and one exec each.

    They are `NETWORK` with all that it sources, and `others`, globs. A host that cannot be reached
    is a result with its error. In the order of the inventory.
    """
    results = fleet.nornir.run(task=_read, others=tuple(others))
    return [_result_of(name, results[name][0]) for name in fleet.hosts]


def _result_of(name: str, result: Result) -> NodeFiles:
    if result.failed or not isinstance(result.result, NodeFiles):
        return NodeFiles(name, error=f"{name}: internal error: {result.exception!r}")
    return result.result


def _read(task: Task, others: tuple[str, ...]) -> Result:
    """Nornir task: the host's NodeFiles."""
    name = task.host.name
    try:
        connection = connect(task.host, task.nornir)
        sections = files_sections(others, sudo=needs_sudo(task.host))
        script = build_script(sections, cap=_CAP)
        outputs = split_output(script, *connection.run(script, deadline=60))
        listing, called = outputs.get(SLUG), outputs.get(NAME_SLUG)
        if listing is None or listing.truncated or listing.rc != 0:
            said = (listing.stderr.strip()[:300] if listing else "") or "the output is incomplete"
            raise CommandError(
                f"{name}: its files cannot be read: {said}",
                "log in by hand: the account needs a POSIX /bin/sh, and base64 of coreutils",
            )
        texts, refused = read_listing(listing.text, name)
        for slug, command in ((RUNNING_SLUG, RUNNING), *STATE.items()):
            if (printed := outputs.get(slug)) and printed.text.strip():
                texts[command] = printed.text
        node = called.text.strip().partition(".")[0] if called else ""
        found = NodeFiles(name, texts, node, refused)
    except FleetError as error:
        found = NodeFiles(name, error=str(error))
    finally:
        task.host.close_connections()
    return Result(host=task.host, result=found)


def files_sections(
    others: Iterable[str], *, sudo: bool, first: str = NETWORK
) -> tuple[Section, ...]:
    """The sections that a node runs: its name, its files as a listing, and what runs there.

    `first` is the file whose `source` lines are followed.
    """
    script = (
        _SCRIPT.replace("SUDO", "sudo -n" if sudo else "")
        .replace("LARGEST", str(LARGEST + 1))
        .replace("FIRST", first)
        .replace("OTHERS", " ".join(others))
    )
    asked = {RUNNING_SLUG: RUNNING} | STATE
    root = "sudo -n " if sudo else ""
    return (
        Section(NAME_SLUG, "uname -n"),
        Section(SLUG, script, timeout=40),
        *(
            Section(slug, f"{root if 'vtysh' in it else ''}{it} 2>/dev/null || :")
            for slug, it in asked.items()
        ),
    )


def listing_of(files: Iterable[tuple[str, str]]) -> str:
    """The listing that a node with these files prints; `read_listing` reads it."""
    return "".join(f"{path} {base64.b64encode(text.encode()).decode()}\n" for path, text in files)


def read_listing(listing: str, host: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """The texts by path, and the paths of files that could not be read.

    Raises CommandError, which names the host, for a line that is not of such a listing, a file that
    is too large, and what is no file.
    """
    texts: dict[str, str] = {}
    refused = []
    for line in filter(None, listing.split("\n")):
        path, _, body = line.partition(" ")
        if body == "!":
            refused.append(path)
            continue
        if body == "?":
            raise CommandError(
                f"{host}: {path} is a FIFO, a device or a socket, not a file",
                "remove it from there",
            )
        try:
            found = base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise CommandError(
                f"{host}: a line of the listing is not `PATH BASE64`: {line[:80]!a}",
                "something prints between the files: log in by hand and look",
            ) from None
        if strange := too_large(found):
            at, what = strange
            raise CommandError(
                f"{host}: {path}:{at}: {what}: this is no configuration file",
                "remove it from there",
            )
        texts[path] = decoded(found)
    return texts, tuple(refused)
