"""Virtual machines: namespaces on a node, each with a veth into one of the node's bridges."""

from __future__ import annotations

import ipaddress
import re
import shlex
from concurrent.futures import ThreadPoolExecutor

from lab.errors import LabError
from lab.spec import LabSpec, Machine, stable_mac
from lab.ssh import Done, run_on

_NO_BRIDGE = 90
_NO_DAD = "net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0"
_SUMMARY = re.compile(r"(\d+) packets transmitted, (\d+) received")


def start(spec: LabSpec, name: str) -> None:
    """Start a virtual machine; of one that runs, put its port back into its bridge.

    LabError if the bridge does not exist yet, which means that nothing was deployed.
    """
    machine = spec.machine(name)
    done = run_on(spec.node(machine.node), start_script(machine))
    if done.rc == _NO_BRIDGE:
        raise LabError(
            f"{name}: {machine.node} has no bridge {machine.bridge} to connect it to",
            "deploy the overlay first",
        )
    done.check()


def stop(spec: LabSpec, name: str) -> None:
    """Stop a virtual machine; nothing happens if it does not run."""
    machine = spec.machine(name)
    run_on(spec.node(machine.node), stop_script(machine)).check()


def start_all(spec: LabSpec) -> None:
    """Start every virtual machine, all nodes at once; the first LabError is raised."""
    if not spec.machines:
        return
    with ThreadPoolExecutor(len(spec.machines)) as pool:
        for future in [pool.submit(start, spec, name) for name in spec.machines]:
            future.result()


def run(spec: LabSpec, name: str, command: str, *, timeout: float = 60.0) -> Done:
    """Run a shell command inside a virtual machine."""
    machine = spec.machine(name)
    # Asked first: `ip` fails with 255 for a namespace that is not there, as ssh does for a node.
    there = f"[ -e /run/netns/{machine.name} ] || {{ echo {machine.name} is off >&2; exit 1; }}"
    inside = f"ip netns exec {machine.name} sh -c {shlex.quote(command)}"
    return run_on(spec.node(machine.node), f"{there}; {inside}", timeout=timeout)


def ping(
    spec: LabSpec, name: str, to_address: str, count: int = 3, interval: float = 0.2
) -> tuple[int, int]:
    """Ping an address from a virtual machine: packets (sent, received).

    (0, 0) when there is no route at all; LabError if the machine does not run.
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


def start_script(machine: Machine) -> str:
    """The shell commands that start it, safe to repeat.  All names were checked by the spec."""
    vm, port, bridge = machine.name, machine.port, machine.bridge
    peer = f"peer name eth0 netns {vm} address {machine.mac}"
    families = {ipaddress.ip_address(g).version: g for g in machine.gateways}
    lines = [
        "set -e",
        f"[ -d /sys/class/net/{bridge}/bridge ] || exit {_NO_BRIDGE}",
        # A half-made machine is made again from nothing.
        f"ip -n {vm} link show eth0 >/dev/null 2>&1 || {{",
        f"  ip netns del {vm} 2>/dev/null || :",
        f"  ip link del {port} 2>/dev/null || :",
        f"  ip netns add {vm}",
        # No duplicate address detection: an IPv6 address is usable at once.
        f"  ip netns exec {vm} sysctl -qw {_NO_DAD}",
        f"  ip link add {port} address {stable_mac('port', vm)} type veth {peer}",
        f"  ip -n {vm} link set lo up",
        f"  ip link set {port} master {bridge} up",
        # As a machine boots later than its port is plugged in. zebra must know the port when it
        # hears of its MAC: of one that it does not know yet it never tells the other nodes.
        "  sleep 2",
        f"  ip -n {vm} link set eth0 up",
        *(f"  ip -n {vm} address add {address} dev eth0" for address in machine.addresses),
        "}",
        f"ip link set {port} master {bridge} up",
        # A route out needs its gateway's network up, which the port above gives.
        *(
            f"ip -n {vm} -{version} route replace default via {gateway} dev eth0"
            for version, gateway in families.items()
        ),
    ]
    return "\n".join(lines)


def stop_script(machine: Machine) -> str:
    """The shell commands that stop it, safe to repeat."""
    return (
        f"ip link del {machine.port} 2>/dev/null || :; ip netns del {machine.name} 2>/dev/null || :"
    )
