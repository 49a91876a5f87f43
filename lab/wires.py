"""The lab's network namespace on this computer: a management wire and the underlay switch."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.host import run_host
from lab.process import kill_session

if TYPE_CHECKING:
    from lab.spec import Node

NAMESPACE = "evpn-lab"
NAMESPACE_FILE = Path("/run/netns") / NAMESPACE
HOST_ADDRESS = "10.255.0.254/24"

_MGMT, _SWITCH = "mgmt", "underlay"
_UNDERLAY_MTU = 9000


def mgmt_tap(node: Node) -> str:
    """The tap of a node's management NIC."""
    return f"m{node.number}"


def underlay_tap(node: Node) -> str:
    """The tap of a node's underlay NIC."""
    return f"f{node.number}"


def in_namespace(*argv: str) -> list[str]:
    """The command line that runs ``argv`` inside the lab's namespace."""
    return ["nsenter", f"--net={NAMESPACE_FILE}", "--", *argv]


def create_wires() -> None:
    """Make the namespace with its two bridges; nothing happens if they are there."""
    if not NAMESPACE_FILE.exists():
        run_host(["ip", "netns", "add", NAMESPACE])
    _ip("link set lo up")
    # Snooping off: the switch has no querier, so it would stop flooding multicast groups.
    for bridge in (_MGMT, _SWITCH):
        if not _has_link(bridge):
            _ip(f"link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0")
    if HOST_ADDRESS not in _ip(f"address show dev {_MGMT}"):
        _ip(f"address add {HOST_ADDRESS} dev {_MGMT}")
    _ip(f"link set {_SWITCH} mtu {_UNDERLAY_MTU}")
    for bridge in (_MGMT, _SWITCH):
        _ip(f"link set {bridge} up")


def plug_in(node: Node) -> None:
    """Make the node's two taps, as ports of the two bridges; nothing happens if they are there."""
    for tap, bridge in ((mgmt_tap(node), _MGMT), (underlay_tap(node), _SWITCH)):
        if not _has_link(tap):
            _ip(f"tuntap add dev {tap} mode tap")
        if bridge == _SWITCH:
            _ip(f"link set {tap} mtu {_UNDERLAY_MTU}")
        # A node's NIC takes no segments of TCP joined to one frame: it drops them, and what is sent
        # to it crawls. A bridge joins no more than the least of its ports.
        _ip(f"link set {tap} gso_max_segs 1")
        _ip(f"link set {tap} master {bridge} up")


def unplug(number: int) -> None:
    """Remove the taps of the node with that number."""
    for tap in (f"m{number}", f"f{number}"):
        if NAMESPACE_FILE.exists() and _has_link(tap):
            _ip(f"link delete {tap}")


def remove_wires() -> None:
    """Remove the namespace and all in it; nothing happens if there is none."""
    if NAMESPACE_FILE.exists():
        # Sessions that are still in there belong to a lab whose records are lost.
        for pid in run_host(["ip", "netns", "pids", NAMESPACE]).split():
            kill_session(int(pid))
        run_host(["ip", "netns", "delete", NAMESPACE])
    folder = NAMESPACE_FILE.parent
    # `ip netns` mounts this folder on itself at first use, and leaves that behind.
    with suppress(LabError, OSError):
        if not any(folder.iterdir()) and folder.is_mount():
            run_host(["umount", str(folder)])
            folder.rmdir()


def _ip(command: str) -> str:
    return run_host(["ip", "-n", NAMESPACE, *command.split()])


def _has_link(name: str) -> bool:
    done = subprocess.run(
        ["ip", "-n", NAMESPACE, "link", "show", "dev", name],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
