"""Who the nodes are: their SSH keys, the second disk that tells them, and how ssh knows them."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from typing import TYPE_CHECKING

from lab.host import run_host
from lab.recipe import UNPRIVILEGED_USER
from lab.spec import Node, stable_mac

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lab.paths import LabPaths


def write_access(paths: LabPaths, nodes: Iterable[Node]) -> None:
    """Make every missing key, then write known_hosts and ssh_config for these nodes."""
    nodes = list(nodes)
    ensure_key(paths.client_key, "evpn-fleet lab")
    for node in nodes:
        ensure_key(paths.node(node.name).host_key, f"host key of {node.name}")
    entries = [known_hosts_line(node, _public(paths.node(node.name).host_key)) for node in nodes]
    _replace(paths.known_hosts, "".join(entries))
    _replace(paths.ssh_config, ssh_config_text(paths, nodes))
    paths.sockets.mkdir(parents=True, exist_ok=True, mode=0o700)


def ensure_key(path: Path, comment: str) -> None:
    """An Ed25519 key pair at that path (0600), made now unless it is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Made under another name first: a key that exists is always a whole one.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    run_host(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(temporary)])
    temporary.with_name(f"{temporary.name}.pub").rename(path.with_name(f"{path.name}.pub"))
    temporary.rename(path)


def known_hosts_line(node: Node, public_key: str) -> str:
    """The line that OpenSSH wants for a host at a port of its own."""
    kind, key = public_key.split()[:2]
    return f"{node.known_host} {kind} {key}\n"


def ssh_config_text(paths: LabPaths, nodes: Iterable[Node]) -> str:
    """A complete OpenSSH client configuration; it looks at no other file of this computer."""
    hosts = "".join(f"Host {n.name}\n  HostName {n.address}\n  Port {n.port}\n\n" for n in nodes)
    return hosts + (
        "Host *\n"
        "  User root\n"
        f'  IdentityFile "{paths.client_key}"\n'
        "  IdentitiesOnly yes\n"
        f'  UserKnownHostsFile "{paths.known_hosts}"\n'
        "  GlobalKnownHostsFile none\n"
        "  StrictHostKeyChecking yes\n"
        "  BatchMode yes\n"
        "  ConnectTimeout 10\n"
        "  ServerAliveInterval 5\n"
        "  ServerAliveCountMax 3\n"
        "  ControlMaster auto\n"
        f"  ControlPath {paths.sockets}/%n-%r\n"
        "  ControlPersist 60\n"
        "  LogLevel ERROR\n"
    )


def machine_id(node: Node) -> str:
    """The node's systemd machine id: stable by name, and never another node's."""
    return hashlib.sha256(f"evpn-fleet lab {node.name}".encode()).hexdigest()[:32]


def write_seed(paths: LabPaths, node: Node, nodes: Iterable[Node]) -> Path:
    """Write the node's second disk: a tar that ``lab-wires`` unpacks over / at every boot."""
    files = paths.node(node.name)
    login = _public(paths.client_key)
    hosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n" + "".join(
        f"{other.mgmt_address} {other.name}\n" for other in nodes
    )
    environment = (
        f"LAB_MGMT_ADDRESS={node.mgmt_address}/24\n"
        f"LAB_UNDERLAY_MAC={stable_mac('underlay', node.name)}\n"
    )
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        _add(tar, "etc/hostname", f"{node.name}\n")
        _add(tar, "etc/hosts", hosts)
        _add(tar, "etc/lab.env", environment)
        key = files.host_key
        _add(tar, "etc/ssh/ssh_host_ed25519_key", key.read_text(), mode=0o600)
        _add(tar, "etc/ssh/ssh_host_ed25519_key.pub", _public(key))
        _add(tar, "root/.ssh/authorized_keys", login, mode=0o600)
        home = f"home/{UNPRIVILEGED_USER}/.ssh/authorized_keys"
        _add(tar, home, login, mode=0o600, owner=UNPRIVILEGED_USER)
    files.seed.write_bytes(buffer.getvalue())
    files.seed.chmod(0o600)
    return files.seed


def _add(
    tar: tarfile.TarFile, name: str, text: str, *, mode: int = 0o644, owner: str = "root"
) -> None:
    data = text.encode()
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), mode
    # tar in the node looks the owner up by name, so no number need be agreed on.
    member.uname = member.gname = owner
    tar.addfile(member, io.BytesIO(data))


def _public(key: Path) -> str:
    return key.with_name(f"{key.name}.pub").read_text()


def _replace(path: Path, text: str) -> None:
    """Write the file whole: ssh may read it at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.rename(path)
