"""Folders of hosts' files, as `render` lays them: `DIR/HOST/etc/…` → texts by host and path."""

from __future__ import annotations

import json
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adopt.hostfiles import KERNEL_FORWARDS, PROXMOX_SDN
from adopt.hostfiles import RUNNING as RUNNING_FRR
from adopt.proxmox.pending import pending
from overlay.errors import FleetError
from overlay.loading import FABRIC_FILE, HOSTS_FILE
from overlay.outputs import (
    DAEMONS_FILE,
    FRR_FILE,
    INTERFACES_FILE,
    KEPT_INTERFACES_FILE,
    OVERLAY_INTERFACES_FILE,
    RUNNING_CONFIG,
    SNAT_FILE,
    SYSCTL,
    SYSCTL_FILE,
    file_slug,
)
from overlay.plainfile import LARGEST, check_plain, decoded, is_there, read_plain, too_large
from tasks.commands import BY_SLUG
from tasks.ssh.node_files import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

REPORT = "import.md"
# What may lie in nodes/NAME/ of a folder laid out as /etc/pve is, and where a node has it.
_OF_NODE = {
    "interfaces": INTERFACES_FILE,
    "sdn": PROXMOX_SDN,
    "frr.conf": FRR_FILE,
    "frr.conf.local": "/etc/frr/frr.conf.local",
}
RUNNING = "sdn/.running-config"
MEMBERS = ".members"
_REACHING = (HOSTS_FILE, "groups.yaml", "defaults.yaml")

_LAYOUT = "lay them as `render` does: DIR/HOST/etc/network/interfaces, DIR/HOST/etc/frr/frr.conf"
# The same files as a snapshot holds them.
_COLLECTED = {
    file_slug(path): path
    for path in (
        INTERFACES_FILE,
        OVERLAY_INTERFACES_FILE,
        KEPT_INTERFACES_FILE,
        SNAT_FILE,
        FRR_FILE,
        DAEMONS_FILE,
        SYSCTL_FILE,
    )
}
_FORWARDS = re.compile(r"^net\.ipv4\.ip_forward = (\d)$", re.MULTILINE)
_NETWORK, _SYSCTL_FOLDER = "etc/network", "etc/sysctl.d"
_READ = (INTERFACES_FILE, FRR_FILE, DAEMONS_FILE, "/etc/sysctl.conf")


def read_folder(folder: Path) -> dict[str, dict[str, str]]:
    """The files of each host below `folder`.

    Raises FleetError where there are none, and for what cannot be read, or is no file.
    """
    with _reading():
        if not is_there(folder):
            raise FleetError(f"{folder}: there is no such folder", _LAYOUT)
        hosts = {host.name: _of_host(host) for host in _folders(folder)}
    found = {name: texts for name, texts in hosts.items() if texts}
    if not found:
        raise FleetError(f"{folder}: no host's files are in it", _LAYOUT)
    return found


def _of_host(host: Path) -> dict[str, str]:
    """The files of one host by their paths there."""
    paths = [path for name in _READ if is_there(path := host / name.removeprefix("/"))]
    paths += [path for path in _below(host / _NETWORK, deep=True) if path not in paths]
    paths += _below(host / _SYSCTL_FOLDER, deep=False)
    texts = {f"/{path.relative_to(host).as_posix()}": _text(path) for path in paths}
    return texts or _of_snapshot(host)


def _folders(folder: Path) -> list[Path]:
    """The folders of hosts within a folder; files that lie beside them are somebody's notes.

    Raises OSError for what is neither.
    """
    found = []
    for entry in sorted(folder.iterdir()):
        if stat.S_ISDIR(entry.stat().st_mode):
            found.append(entry)
        else:
            check_plain(entry)
    return found


def _below(folder: Path, *, deep: bool) -> list[Path]:
    """What is in a folder, and with `deep` in those within, but folders; none where it is not.

    Links that lead nowhere are left out: Debian's sysctl.d has one, whose file may not be copied.
    """
    if not is_there(folder):
        return []
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            found += _below(entry, deep=True) if deep and not entry.is_symlink() else []
        elif not _leads_nowhere(entry):
            found.append(entry)
    return found


def _leads_nowhere(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return True
    return False


def _of_snapshot(host: Path) -> dict[str, str]:
    """The files of a host of a snapshot, and what FRR and its kernel said of themselves."""
    found = {slug: host / f"{slug}.txt" for slug in (*_COLLECTED, RUNNING_CONFIG, SYSCTL)}
    said = {slug: _text(path) for slug, path in found.items() if is_there(path)}
    texts = {path: said[slug] for slug, path in _COLLECTED.items() if slug in said}
    if INTERFACES_FILE in texts or OVERLAY_INTERFACES_FILE in texts:
        for slug, command in STATE.items():
            file = host / f"{slug}.{BY_SLUG[slug].suffix}"
            if is_there(file):
                texts[command] = _text(file)
        if RUNNING_CONFIG in said:
            texts.setdefault(FRR_FILE, said[RUNNING_CONFIG])
            texts[RUNNING_FRR] = said[RUNNING_CONFIG]
        if forwards := _FORWARDS.search(said.get(SYSCTL, "")):
            texts[KERNEL_FORWARDS] = forwards[1]
    return texts


@dataclass(frozen=True, slots=True)
class Pve:
    """What `/etc/pve` says: the SDN that runs, the members, and each node's interfaces files.

    `interfaces` are texts by node and path. `pending` are the objects that do not run as they are
    configured, by file.
    """

    running: dict[str, Any]
    members: dict[str, Any]
    interfaces: dict[str, dict[str, str]]
    pending: dict[str, tuple[str, ...]]


def pve_folder(folder: Path) -> Pve:
    """A folder laid out as `/etc/pve` is, with each node's interfaces as nodes/NAME/interfaces.

    Beside that may lie the node's `sdn` (of interfaces.d), `frr.conf` and `frr.conf.local`.

    Raises FleetError where the running SDN is not there, or is not JSON, and for what cannot be
    read, or is no file.
    """
    sdn, nodes = folder / "sdn", folder / "nodes"
    interfaces = {}
    with _reading():
        wanted = [folder / MEMBERS, folder / RUNNING]
        configured = sdn.iterdir() if is_there(sdn) else ()
        wanted += sorted(path for path in configured if path.suffix == ".cfg")
        texts = {str(path.relative_to(folder)): _text(path) for path in wanted if is_there(path)}
        for node in _folders(nodes) if is_there(nodes) else ():
            files = {path: node / name for name, path in _OF_NODE.items()}
            said = {path: _text(file) for path, file in files.items() if is_there(file)}
            if said:
                interfaces[node.name] = said
    hint = (
        "copy /etc/pve/sdn, /etc/pve/.members and each node's /etc/network/interfaces (as "
        "nodes/NAME/interfaces) into one folder"
    )
    return pve_of(texts, interfaces, str(folder), hint)


def pve_of(
    texts: Mapping[str, str], interfaces: dict[str, dict[str, str]], place: str, hint: str
) -> Pve:
    """What the files of `/etc/pve` say, by their paths in it; `place` is said in errors.

    Raises FleetError with `hint` where the running SDN is not there, or is not JSON.
    """
    if RUNNING not in texts:
        raise FleetError(f"{place}/{RUNNING}: there is no such file", hint)
    running = _json(texts[RUNNING], f"{place}/{RUNNING}")
    members = _json(texts[MEMBERS], f"{place}/{MEMBERS}") if MEMBERS in texts else {}
    return Pve(running, members, interfaces, pending(running, texts))


def _json(text: str, place: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FleetError(f"{place}: not JSON: {error}", "copy the file again") from None
    if not isinstance(found, dict):
        raise FleetError(f"{place}: it holds no JSON object", "copy the file again")
    return found


@contextmanager
def _reading() -> Iterator[None]:
    """Turns what the system says of a file into FleetError, with the file's name."""
    try:
        yield
    except OSError as error:
        raise FleetError(
            f"{error.filename}: cannot be read: {error.strerror}", "fix that, then try again"
        ) from None


def _text(path: Path) -> str:
    """A file's text. Raises OSError where it cannot be read, FleetError where it is too large."""
    data = read_plain(path, LARGEST + 1)
    if found := too_large(data):
        line, what = found
        raise FleetError(
            f"{path}:{line}: {what}: this is no configuration file", "remove it from the folder"
        )
    return decoded(data)


def reaching(folder: Path) -> dict[str, str]:
    """The files of an inventory folder that say how its hosts are reached, by name."""
    with _reading():
        return {name: _text(folder / name) for name in _REACHING if is_there(folder / name)}


def refuse_inventory(folder: Path) -> None:
    """Raises FleetError where an intent lies in `folder` already: a person may have edited it."""
    if (folder / FABRIC_FILE).exists():
        raise FleetError(
            f"{folder}: there is a {FABRIC_FILE} already", "name another --output, or move it away"
        )


def write_inventory(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files into a folder, which is made where it is not there yet."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FleetError(f"{folder}: cannot be written: {error}", "name another --output") from None
