"""What goes wrong while nodes are deployed: each has its outcome, its words, and no node is lost."""

from __future__ import annotations

import re
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from lab import guests
from lab.paths import lab_paths
from lab.ssh import run_on
from tests.live.deploys import (
    ARMED,
    EXAMPLE,
    MANAGED,
    deploy,
    deploying,
    fingerprint,
    is_back,
    outcome,
    until,
    variant,
    with_new_network,
)
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab


@contextmanager
def broken(lab: Lab, node: str, build: str, clear: str) -> Iterator[None]:
    on(lab, node, build)
    try:
        yield
    finally:
        on(lab, node, clear)


def failing_once(program: str, failure: str) -> tuple[str, str]:
    """Shell text that makes a program of a node fail at its next call, and what takes it back."""
    kept = "/run/evpn-fleet-test"
    mark, script, real = f"{kept}/failed", f"{kept}/script", f"{kept}/{program.rpartition('/')[2]}"
    lines = f'#!/bin/sh\\n[ -e {mark} ] || {{ touch {mark}; {failure}; }}\\nexec {real} "$@"\\n'
    # A program that goes by its name (ifreload is ifupdown2) is a link, and stays one.
    build = (
        f"mkdir {kept} && cp -a {program} {kept}/own && "
        f"if [ -L {program} ]; then ln -s $(readlink -f {program}) {real}; else cp -a {program} "
        f"{real}; fi && printf '{lines}' > {script} && chmod 755 {script} && "
        f"cp --remove-destination {script} {program}"
    )
    return build, f"cp -a --remove-destination {kept}/own {program} && rm -r {kept}"


# Until the switch is armed there is space; then the disk is full to its last byte.
FILL = (
    f"systemd-run --quiet --collect --unit=evpn-fleet-test-fill /bin/sh -c '"
    f"fallocate -l $(( ($(df -k --output=avail / | tail -n 1) - 40960) * 1024 )) /fill1; "
    f"until {ARMED}; do sleep 0.02; done; dd if=/dev/zero of=/fill2 bs=64k; "
    "dd if=/dev/zero of=/fill3 bs=512'"
)


def test_what_fails_while_it_is_applied_is_undone(fleet: Lab, tmp_path: Path) -> None:
    """On one node ifreload fails, on another it hangs, the third has its disk fill."""
    wider = variant(tmp_path, with_new_network)
    before = {node: fingerprint(fleet, node) for node in fleet.spec.nodes}
    with (
        broken(fleet, "node1", *failing_once("/usr/sbin/ifreload", "echo no thanks >&2; exit 1")),
        broken(fleet, "node2", *failing_once("/usr/sbin/ifreload", "sleep 600")),
        broken(fleet, "node3", FILL, "systemctl stop evpn-fleet-test-fill; rm -f /fill?"),
    ):
        code, said = deploy(wider, "--canary", "none", "--batch", "100%", "--max-failures", "3")
    assert code == 1, said
    assert [outcome(said, node) for node in before] == ["restored"] * 3, said
    for node, words in {
        "node1": "ifreload.*no thanks",
        "node2": "ifreload: it was stopped before it ended|before it was verified",
        "node3": "No space left on device",
    }.items():
        assert re.search(f"{node}: (?s:.*){words}", said), f"{node}: {words}\n{said}"
    for node, was in before.items():
        eventually(f"{node} is not as it was", is_back(fleet, node, was))
    fleet.audit_clean()


def test_a_file_that_frr_refuses_and_a_changed_host_key(fleet: Lab, tmp_path: Path) -> None:
    wider = variant(tmp_path, lambda text: text.replace("asn: 1234", "asn: 1235"))
    before = {node: fingerprint(fleet, node) for node in fleet.spec.nodes}
    refusal = 'case "$*" in *--dryrun*) echo line 7: unknown command >&2; exit 2;; esac; false'
    build, clear = failing_once("/usr/bin/vtysh", refusal)
    # Here each call of that kind fails, and every other one does not.
    build = build.replace("touch /run/evpn-fleet-test/failed; ", "")
    with broken(fleet, "node1", build, clear):
        code, said = deploy(wider, "--limit", "node1")
    assert code == 1, said
    assert outcome(said, "node1") == "failed", said
    assert "line 7: unknown command" in said
    assert "nothing was changed" in said
    known = tmp_path / "known_hosts"
    lines = lab_paths().known_hosts.read_text().splitlines()
    keys = {line.split()[0]: line.split()[-1] for line in lines}
    first, second = list(keys)[:2]
    known.write_text(
        "".join(f"{name} ssh-ed25519 {keys[first if name == second else name]}\n" for name in keys)
    )
    groups = wider / "groups.yaml"
    own = "~/.local/state/evpn-fleet/lab/known_hosts"
    assert own in groups.read_text()
    groups.write_text(groups.read_text().replace(own, str(known)))
    code, said = deploy(wider, "--limit", "node2")
    assert code == 3, said
    assert "THE HOST KEY HAS CHANGED" in said
    assert {node: fingerprint(fleet, node) for node in before} == before


SIX = ("node1", "node2", "node3", "router", "rrserver1", "rrserver2")


def test_of_three_batches_the_second_fails(fleet: Lab, tmp_path: Path) -> None:
    """Six nodes: the first batch stays deployed, the second is restored, the third is not begun."""
    fleet.boot(SIX)
    more = {name: f"192.168.0.{number}" for number, name in enumerate(SIX, 1)}
    wider = variant(
        tmp_path,
        lambda text: (
            with_new_network(text)
            + "".join(f"  {name}: {{address: {more[name]}}}\n" for name in SIX[3:])
        ),
    )
    hosts = (EXAMPLE.parent / "route-reflectors" / "hosts.yaml").read_text()
    router = (EXAMPLE.parent / "exit-upstream-bgp" / "hosts.yaml").read_text()
    mine = [
        next(line for line in (hosts + router).splitlines() if line.startswith(f"{name}:"))
        for name in SIX
    ]
    (wider / "hosts.yaml").write_text("---\n" + "\n".join(mine) + "\n")
    # Typed in by hand, and not in the file: a running FRR does not give it up, so it is restarted.
    on(fleet, "node1", "vtysh -c 'configure terminal' -c 'router bgp 1234 vrf vrf1'")
    before = {name: state(fleet, name) for name in SIX}
    build = "mount --bind /bin/false /usr/lib/frr/frr-reload.py"
    with broken(fleet, "node3", build, "umount /usr/lib/frr/frr-reload.py"):
        code, said = deploy(wider, "--canary", "none", "--batch", "2")
    assert code == 1, said
    ended = {name: outcome(said, name) for name in SIX}
    assert [ended[name] for name in SIX[:2]] == ["deployed", "deployed"], said
    assert ended["node3"] == "restored", said
    assert [ended[name] for name in SIX[4:]] == ["not-tried", "not-tried"], said
    assert "Not tried: rrserver1, rrserver2" in said
    for name in ("node3", *SIX[4:]):
        assert state(fleet, name) == before[name], name
    code, said = deploy(wider, "--batch", "100%")
    assert code == 0, said
    assert [outcome(said, name) for name in SIX[:3]] == ["unchanged", "unchanged", "deployed"], said
    audit = fleet.run("--inventory", str(wider), "audit")
    assert audit.returncode == 0, audit.stdout + audit.stderr
    back = fleet.run("--inventory", str(wider), "rollback", "--yes", "--batch", "100%")
    assert back.returncode == 0, back.stdout + back.stderr
    fleet.deploy()
    fleet.audit_clean()


def state(lab: Lab, node: str) -> str:
    """The managed files that there are, and the overlay's devices."""
    return run_on(
        lab.whole.node(node),
        f"sha256sum {MANAGED} 2>/dev/null; ip -br link show type vxlan | cut -d ' ' -f 1 | sort",
    ).out


def test_what_must_not_be_deployed_is_not(fleet: Lab, tmp_path: Path) -> None:
    wider = variant(tmp_path, with_new_network)
    before = {node: fingerprint(fleet, node) for node in fleet.spec.nodes}
    obstacles = {
        "node1": (
            "ip link add foreign0 type dummy && ip link set foreign0 master vmbr2",
            "ip link del foreign0", "foreign0",
        ),
        "node2": (
            "echo '# by hand' >> /etc/frr/frr.conf",
            "sed -i '/^# by hand$/d' /etc/frr/frr.conf", "by hand",
        ),
        "node3": (
            "mount -t tmpfs -o size=8M tmpfs /var/lib/evpn-fleet",
            "umount /var/lib/evpn-fleet", "free",
        ),
    }  # fmt: skip
    for node, (build, _, _) in obstacles.items():
        on(fleet, node, build)
    try:
        code, said = deploy(wider)
    finally:
        for node, (_, clear, _) in obstacles.items():
            on(fleet, node, clear)
    assert code == 1, said
    for node, (_, _, word) in obstacles.items():
        assert re.search(rf"{node}: (?s:.*){word}", said), f"{node}: {word}\n{said}"
    assert {node: fingerprint(fleet, node) for node in before} == before


def test_two_deployments_at_once(fleet: Lab, tmp_path: Path) -> None:
    wider = variant(tmp_path, with_new_network)
    theirs = variant(
        tmp_path,
        lambda text: with_new_network(text).replace("vni: 5", "vni: 6").replace("10.0.5", "10.0.6"),
        "theirs",
    )
    before = fingerprint(fleet, "node1")
    with broken(fleet, "node1", *failing_once("/usr/sbin/ifreload", "sleep 25")):
        first = deploying(wider, "--limit", "node1", "--confirm-within", "120")
        until(fleet, "node1", ARMED)
        code, said = deploy(wider, "--limit", "node2")
        assert code == 1, said
        assert "another deployment of it is running" in said
        # Somebody else, with an inventory of their own: there the node itself says so.
        code, said = deploy(theirs, "--limit", "node1")
        assert code == 1, said
        assert re.search("node1: deployment [0-9]+ is not confirmed yet", said), said
        first.send_signal(signal.SIGINT)
        said, _ = first.communicate(timeout=180)
    assert outcome(said, "node1") == "deployed", "a node that is at work is finished"
    assert "Stopping" in said
    fleet.deploy()
    assert fingerprint(fleet, "node1") == before


def test_virtual_machines_lose_nothing(fleet: Lab, tmp_path: Path) -> None:
    """A VNI is added, changed and removed while guests of another one ping ten times a second."""
    fleet.ping("vm1", "vm2")
    wider = variant(tmp_path, with_new_network)
    changed = variant(
        tmp_path, lambda text: with_new_network(text).replace("10.0.5.254", "10.0.5.253"), "changed"
    )
    counted: list[tuple[int, int]] = []
    stop = threading.Event()

    def keep_pinging() -> None:
        while not stop.is_set():
            counted.append(guests.ping(fleet.spec, "vm1", "10.0.2.2", 50, 0.1))

    ports = on(fleet, "node1", "bridge link show")
    pinger = threading.Thread(target=keep_pinging)
    pinger.start()
    try:
        for inventory in (wider, changed, EXAMPLE):
            code, said = deploy(inventory)
            assert code == 0, said
            time.sleep(2)
    finally:
        stop.set()
        pinger.join()
    sent, received = (sum(numbers) for numbers in zip(*counted, strict=True))
    assert sent > 100
    assert received == sent, f"{sent - received} of {sent} packets were lost"
    taps = [line.split()[1] for line in ports.splitlines() if "master vmbr2" in line]
    assert taps
    assert all(tap in on(fleet, "node1", "bridge link show") for tap in taps)
