"""Cases of floating addresses, kernel settings and configuration."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from drift.model import WARNING
from overlay.derive import derive
from overlay.intent import Fabric
from tests.drift import worlds
from tests.drift.cases.case import Case
from tests.drift.worlds import both, example, json, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent
    from tests.drift.worlds import Mutation

MULTI = partial(example, "exit-multi-gateway")
UPSTREAM = partial(example, "exit-upstream-bgp")
VRRP = partial(example, "exit-vrrp")


def IPV6() -> FabricIntent:  # noqa: N802 - beside its like
    """The symmetric example with an IPv6 gateway."""
    keys = example("l3-symmetric").fabric.model_dump(mode="json", exclude_none=True)
    keys["networks"][0]["gateways"].append("fd00:2::fe/64")
    return derive(Fabric.model_validate(keys))


def _group(**changes: Any) -> Callable[[Any], None]:
    return lambda groups: groups[0].update(changes)


def _status(status: str) -> Callable[[Any], None]:
    return lambda groups: groups[0]["v4"].update(status=status)


def _running(host: str, old: str, new: str) -> Mutation:
    def change(said: str) -> str:
        assert old in said
        return said.replace(old, new, 1)

    return text(host, "running_config", change)


def _set(
    key: str, value: int, wanted: str, fabric: Callable[[], FabricIntent] = worlds.symmetric
) -> Case:
    """A limit that one setting of node2 is beyond."""
    return Case(
        text("node2", "sysctl", lambda said: f"{said}{key} = {value}\n"),
        "node2",
        key,
        f"value - Expected: {wanted} Actual: {value}",
        fabric,
    )


HOST: dict[tuple[str, str], Case] = {
    ("vrrp", "no master"): Case(
        json("node1", "vrrp", _status("Backup")),
        "node1",
        "VIP 192.168.0.10",
        "master - Expected: node1 Actual: absent",
        VRRP,
    ),
    ("vrrp", "two masters"): Case(
        json("node2", "vrrp", _status("Master")),
        "node2",
        "VIP 192.168.0.10",
        "master - Expected: node1 Actual: node1, node2",
        VRRP,
    ),
    ("vrrp", "another priority"): Case(
        both(
            json("node1", "vrrp", _group(priority=50)),
            json("node1", "vrrp", _status("Backup")),
            json("node2", "vrrp", _status("Master")),
            _running("node1", "priority 200", "priority 50"),
        ),
        "node1",
        "VIP 192.168.0.10",
        "priority - Expected: 200 Actual: 50",
        VRRP,
        severity=WARNING,
    ),
    ("vrrp", "no such group"): Case(
        json("node2", "vrrp", lambda groups: []),
        "node2",
        "VIP 192.168.0.10",
        "VRRP group - Expected: 192.168.0.10 Actual: absent",
        VRRP,
    ),
    ("vrrp", "it does not run, and nobody else took over"): Case(
        both(json("node1", "vrrp", _status("Initialize"))),
        "node1",
        "VIP 192.168.0.10",
        "state - Expected: running Actual: Initialize",
        VRRP,
    ),
    ("sysctl", "reverse-path filtering"): Case(
        text(
            "node2",
            "sysctl",
            lambda said: said.replace("vmbr0.rp_filter = 0", "vmbr0.rp_filter = 1"),
        ),
        "node2",
        "net.ipv4.conf.vmbr0.rp_filter",
        "value - Expected: 0 Actual: 1",
        MULTI,
    ),
    ("sysctl", "duplicate address detection of an anycast gateway"): Case(
        text(
            "node2",
            "sysctl",
            lambda said: said.replace("vmbr2.accept_dad = 0", "vmbr2.accept_dad = 1"),
        ),
        "node2",
        "net.ipv6.conf.vmbr2.accept_dad",
        "value - Expected: 0 Actual: 1",
        IPV6,
        severity=WARNING,
    ),
    ("sysctl", "an IPv6 gateway that hears no guest it has not asked"): Case(
        text(
            "node2",
            "sysctl",
            lambda said: said.replace("accept_untracked_na = 1", "accept_untracked_na = 0", 1),
        ),
        "node2",
        "net.ipv6.conf.vmbr2.accept_untracked_na",
        "value - Expected: 1 Actual: 0",
        IPV6,
    ),
    ("sysctl", "a small table of neighbours"): Case(
        text("node2", "sysctl", lambda said: said + "net.ipv4.neigh.default.gc_thresh3 = 500\n"),
        "node2",
        "net.ipv4.neigh.default.gc_thresh3",
        "value - Expected: at least 1024 Actual: 500",
        severity=WARNING,
    ),
    ("sysctl", "a full table of neighbours"): Case(
        text("node2", "sysctl", lambda said: said + "net.ipv4.neigh.default.gc_thresh3 = 1\n"),
        "node2",
        "net.ipv4.neigh.default.gc_thresh3",
        "value - Expected: at least 1024 Actual: 1",
    ),
    ("sysctl", "a gateway that asks for no MAC"): _set(
        "net.ipv4.neigh.vmbr2.mcast_solicit", 0, "at least 1"
    ),
    ("sysctl", "an IPv6 gateway that asks for no MAC"): _set(
        "net.ipv6.neigh.vmbr2.mcast_solicit", 0, "at least 1", IPV6
    ),
    ("sysctl", "a VTEP that asks for no MAC"): _set(
        "net.ipv4.neigh.vmbr0.mcast_solicit", 0, "at least 1"
    ),
    ("sysctl", "a gateway that never answers ARP"): _set(
        "net.ipv4.conf.vmbr2.arp_ignore", 8, "at most 7"
    ),
    ("sysctl", "no interface answers ARP"): _set("net.ipv4.conf.all.arp_ignore", 8, "at most 7"),
    ("sysctl", "strict reverse-path filtering of an L3VNI"): Case(
        text(
            "node2",
            "sysctl",
            lambda said: (
                said + "net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.vmbr4000.rp_filter = 0\n"
            ),
        ),
        "node2",
        "net.ipv4.conf.all.rp_filter",
        "value - Expected: 0 or 2 Actual: 1",
        severity=WARNING,
    ),
    ("sysctl", "a setting that the kernel does not have"): Case(
        text("node2", "sysctl", lambda said: said.partition("\n")[2]),
        "node2",
        "net.ipv4.ip_forward",
        "Expected: 1 Actual: absent",
    ),
    ("config-file", "edited"): Case(
        text("node2", "file_interfaces", lambda said: said + "# by hand\n"),
        "node2",
        "/etc/network/interfaces",
        "content - Expected: as rendered Actual: 1 lines more, 0 fewer",
    ),
    ("config-file", "absent"): Case(
        text("node2", "file_frr_conf", lambda said: ""),
        "node2",
        "/etc/frr/frr.conf",
        "content - Expected: as rendered Actual: absent",
    ),
    ("config-running", "one statement more"): Case(
        _running("node2", "end\n", "ip prefix-list X seq 5 permit any\nend\n"),
        "node2",
        "frr",
        "Expected: absent Actual: ip prefix-list X seq 5 permit any",
    ),
    ("config-running", "a neighbour's timers, typed in"): Case(
        _running("node2", "end\n", "router bgp 1234\n neighbor 192.168.0.1 timers 60 180\nend\n"),
        "node2",
        "frr",
        "Expected: absent Actual: router bgp 1234 / neighbor 192.168.0.1 timers 60 180",
    ),
    ("config-running", "a limit of prefixes, typed in"): Case(
        _running(
            "node1",
            "  neighbor 192.168.0.254 activate\n",
            "  neighbor 192.168.0.254 activate\n  neighbor 192.168.0.254 maximum-prefix 1000\n",
        ),
        "node1",
        "frr",
        "Expected: absent Actual: router bgp 1234 / address-family ipv4 unicast / "
        "neighbor 192.168.0.254 maximum-prefix 1000",
        UPSTREAM,
    ),
    ("config-running", "one less, of two that look the same"): Case(
        _running("node1", "  neighbor 192.168.0.254 activate\n", ""),
        "node1",
        "frr",
        "Expected: router bgp 1234 / address-family ipv4 unicast / neighbor 192.168.0.254 activate"
        " Actual: absent",
        UPSTREAM,
    ),
}
