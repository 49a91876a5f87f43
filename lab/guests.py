"""Guests: namespaces on a node, each with a veth into one of the node's bridges.

And machines on a LAN outside: the veth is then a NIC of the node, whose own matter the rest is.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.spec import Guest, LabSpec, stable_mac
from lab.ssh import Done, run_on

if TYPE_CHECKING:
    from collections.abc import Collection

_NO_BRIDGE = 90
# An IPv6 address is usable at once; and a guest is not the router that its node is.
_AS_A_GUEST = (
    "net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 "
    "net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0"
)
_ENDED = "guest-ended"
_EACH = re.compile(rf"^{_ENDED} (\S+) (\d+)$", re.MULTILINE)
_SUMMARY = re.compile(r"(\d+) packets transmitted, (\d+) received")


def start(spec: LabSpec, name: str) -> None:
    """Start a guest; of one that runs, put its port back into its bridge.

    LabError if the bridge does not exist yet, which means that nothing was deployed.
    """
    _start_on(spec, spec.guest(name).node, [spec.guest(name)])


def _start_on(spec: LabSpec, node: str, wanted: list[Guest]) -> None:
    """Those of one node, at once and in one login: each says its exit code behind its name."""
    jobs = [f"( ({start_script(guest)}); echo {_ENDED} {guest.name} $?) &\n" for guest in wanted]
    done = run_on(spec.node(node), "".join(jobs) + "wait")
    ended = dict(_EACH.findall(done.out))
    for guest in wanted:
        if int(ended.get(guest.name, 1)) == _NO_BRIDGE:
            raise LabError(
                f"{guest.name}: {guest.node} has no bridge {guest.bridge} to connect it to",
                "deploy the overlay first",
            )
        if ended.get(guest.name) != "0":
            replace(done, command=f"start {guest.name}", rc=1).check()


def stop(spec: LabSpec, name: str) -> None:
    """Stop a guest; nothing happens if it does not run."""
    guest = spec.guest(name)
    run_on(spec.node(guest.node), stop_script(guest)).check()


def start_all(spec: LabSpec, nodes: Collection[str] | None = None) -> None:
    """Start every guest, or those of these nodes, all at once; the first LabError is raised."""
    wanted = [it.name for it in spec.guests.values() if nodes is None or it.node in nodes]
    _start_at_once(spec, wanted)


def start_behind_nics(spec: LabSpec, nodes: Collection[str]) -> None:
    """Start the machines on LANs outside of these nodes, whose NICs there are made by that."""
    _start_at_once(spec, [n for n, it in spec.guests.items() if it.nics and it.node in nodes])


def _start_at_once(spec: LabSpec, names: Collection[str]) -> None:
    by_node: dict[str, list[Guest]] = {}
    for name in names:
        by_node.setdefault(spec.guest(name).node, []).append(spec.guest(name))
    if not by_node:
        return
    with ThreadPoolExecutor(len(by_node)) as pool:
        for future in [pool.submit(_start_on, spec, *each) for each in by_node.items()]:
            future.result()


def run(spec: LabSpec, name: str, command: str, *, timeout: float = 60.0) -> Done:
    """Run a shell command inside a guest."""
    guest = spec.guest(name)
    # Asked first: `ip` fails with 255 for a namespace that is not there, as ssh does for a node.
    there = f"[ -e /run/netns/{guest.name} ] || {{ echo {guest.name} is off >&2; exit 1; }}"
    inside = f"ip netns exec {guest.name} sh -c {shlex.quote(command)}"
    return run_on(spec.node(guest.node), f"{there}; {inside}", timeout=timeout)


def ping(
    spec: LabSpec, name: str, to_address: str, count: int = 3, interval: float = 0.2
) -> tuple[int, int]:
    """Ping an address from a guest: packets (sent, received).

    (0, 0) when there is no route at all; LabError if the guest does not run.
    """
    try:
        target = str(ipaddress.ip_address(to_address))
    except ValueError as error:
        raise LabError(f"{to_address!r} is not an IP address", "give one like 10.0.2.12") from error
    command = f"ping -n -q -W 1 -c {count:d} -i {interval:g} {target}"
    done = run(spec, name, command, timeout=count * (interval + 1) + 30)
    if match := _SUMMARY.search(done.out):
        return int(match[1]), int(match[2])
    if "unreachable" in done.err:
        return 0, 0
    raise LabError(
        f"{name}: ping to {target} did not run: {done.err.strip() or done.out.strip()}",
        "start the guests first (`lab up --machines`), or see `lab status`",
    )


def start_script(guest: Guest) -> str:
    """The shell commands that start it, safe to repeat.  All names were checked by the spec."""
    if guest.nics:
        return _start_script_behind_nics(guest)
    vm, port, bridge = guest.name, guest.port, guest.bridge
    peer = f"peer name eth0 netns {vm} address {guest.mac}"
    lines = [
        "set -e",
        f"[ -d /sys/class/net/{bridge}/bridge ] || exit {_NO_BRIDGE}",
        # A half-made guest is made again from nothing.
        f"ip -n {vm} link show eth0 >/dev/null 2>&1 || {{",
        f"  ip netns del {vm} 2>/dev/null || :",
        f"  ip link del {port} 2>/dev/null || :",
        f"  ip netns add {vm}",
        f"  ip netns exec {vm} sysctl -qw {_AS_A_GUEST}",
        f"  ip link add {port} address {stable_mac('port', vm)} type veth {peer}",
        f"  ip -n {vm} link set lo up",
        *plugged_in(guest),
        # As a guest boots later than its port is plugged in. zebra must know the port when it
        # hears of its MAC: of one that it does not know yet it never tells the other nodes.
        "  sleep 2",
        f"  ip -n {vm} link set eth0 up",
        *(f"  ip -n {vm} address add {address} dev eth0" for address in guest.addresses),
        "}",
        *plugged_in(guest),
        # A route out needs its gateway's network up, which the port above gives.
        *_routes_out(guest, "eth0"),
    ]
    return "\n".join(lines)


def _start_script_behind_nics(guest: Guest) -> str:
    """A switch of its LAN that the cables of all these NICs lead to, and the machine in one."""
    vm, device = guest.name, f"lan.{guest.vlan}" if guest.vlan else "lan"
    cables = [
        f"  ip link add {nic} address {stable_mac('nic', vm, nic)} type veth peer name eth{n} "
        f"netns {vm}; ip -n {vm} link set eth{n} master lan up; ip link set {nic} up"
        for n, nic in enumerate(guest.nics)
    ]
    vlan = f"  ip -n {vm} link add link lan name {device} type vlan id {guest.vlan}"
    lines = [
        "set -e",
        f"ip -n {vm} link show {device} >/dev/null 2>&1 || {{",
        f"  {stop_script(guest)}",
        f"  ip netns add {vm}",
        f"  ip netns exec {vm} sysctl -qw {_AS_A_GUEST}",
        f"  ip -n {vm} link add lan address {guest.mac} type bridge forward_delay 0",
        f"  ip -n {vm} link set lan up",
        *cables,
        *([vlan, f"  ip -n {vm} link set {device} up"] if guest.vlan else []),
        *(f"  ip -n {vm} address add {address} dev {device}" for address in guest.addresses),
        "}",
        *_routes_out(guest, device),
    ]
    return "\n".join(lines)


def _routes_out(guest: Guest, device: str) -> list[str]:
    families = {ipaddress.ip_address(g).version: g for g in guest.gateways}
    return [
        f"ip -n {guest.name} -{version} route replace default via {gateway} dev {device}"
        for version, gateway in families.items()
    ]


def plugged_in(guest: Guest) -> list[str]:
    """The commands that put its port into its bridge, with a VLAN before anything passes."""
    port, bridge, vlan = guest.port, guest.bridge, guest.vlan
    if vlan is None:
        return [f"ip link set {port} master {bridge} up"]
    return [
        f"ip link set {port} master {bridge}",
        f"bridge vlan add dev {port} vid {vlan} pvid untagged",
        f"bridge vlan del dev {port} vid 1 2>/dev/null || :",
        f"ip link set {port} up",
    ]


def stop_script(guest: Guest) -> str:
    """The shell commands that stop it, safe to repeat."""
    ports = guest.nics or (guest.port,)
    gone = "; ".join(f"ip link del {port} 2>/dev/null || :" for port in ports)
    return f"{gone}; ip netns del {guest.name} 2>/dev/null || :"
