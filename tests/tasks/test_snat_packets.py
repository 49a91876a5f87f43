"""Translated addresses by packets: the rendered file in this computer's own kernel.

The lab's kernels have nf_tables without NAT chains, so an exit is a network namespace here, with
guests on two bridges and the outside as others; a rule stands for the VRF, whose table it chooses.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from drift.engine import audit
from overlay.outputs import NAT, SNAT_FILE
from tests.drift import worlds
from tests.drift.cases.nat import TRANSLATED
from tests.drift.worlds import BY_RENDER, unfolded
from tests.rendering import render
from tests.simulated.fleet import healthy_states

if TYPE_CHECKING:
    from pathlib import Path

_READY = (
    "ip link add type veth && nft add table inet t && "
    "nft add chain inet t c '{ type nat hook postrouting priority 100 ; }'"
)


def _obstacle() -> str | None:
    lacking = [program for program in ("unshare", "nft", "ip") if not shutil.which(program)]
    if lacking:
        return f"{', '.join(lacking)} is not there"
    tried = ["unshare", "--net", "sh", "-c", _READY]
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    return done.stderr.strip() or "it failed" if done.returncode else None


_SERVER = """
import socket
server = socket.create_server(("203.0.113.1", 80))
while True:
    connection, peer = server.accept()
    connection.sendall(peer[0].encode())
    connection.close()
"""
_CLIENT = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], 80), 2) as connection:
        print(connection.recv(99).decode())
except OSError:
    print("nothing")
"""
# The exit's table 100 is that of its VRF: what comes in by a bridge of the overlay looks there.
_FABRIC = """
set -e
mount -t tmpfs tmpfs /run
mkdir /run/netns
for name in vm2 vm3 exit outside; do ip netns add $name; ip -n $name link set lo up; done
ip netns exec exit sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
link() { # bridge of the exit, and its other end
    ip link add eth0 netns $2 type veth peer name to-$2 netns exit
    ip -n exit link add $1 type bridge
    ip -n exit link set to-$2 master $1 up
    ip -n exit link set $1 up
    ip -n $2 link set eth0 up
}
for n in 2 3; do
    link vmbr$n vm$n
    ip -n exit address add 10.0.$n.254/24 dev vmbr$n
    ip -n vm$n address add 10.0.$n.1/24 dev eth0
    ip -n vm$n route add default via 10.0.$n.254
    ip -n exit rule add iif vmbr$n lookup 100
    ip -n exit route add table 100 10.0.$n.0/24 dev vmbr$n
done
link vmbr0 outside
ip -n exit address add 192.168.0.1/24 dev vmbr0
ip -n outside address add 192.168.0.254/24 dev eth0
ip -n outside address add 203.0.113.1/32 dev lo
ip -n exit route add default via 192.168.0.254
ip -n exit route add table 100 default via 192.168.0.254
ip netns exec outside python3 server.py &
ip netns exec vm2 python3 -c "$(sed 's/203.0.113.1/10.0.2.1/' server.py)" &
at() { place=$1; shift; ip netns exec $place "$@"; }
seen() { echo "$1 $(at vm3 python3 client.py 203.0.113.1)"; }
listed() { { at exit nft -j list table inet evpn_fleet_snat || at exit nft -j list tables inet; } \
    2>/dev/null | sed "s/^/$1 /"; }
loaded() { at exit nft --check --file snat.nft && at exit nft --file snat.nft; }
"""
_FAULTS = """
sleep 1
seen before
loaded; loaded
seen loaded
listed loaded
echo "guest $(at vm3 python3 client.py 10.0.2.1)"
at exit nft flush chain inet evpn_fleet_snat postrouting
seen rules-removed
listed rules-removed
loaded
at exit nft delete table inet evpn_fleet_snat
seen table-removed
listed table-removed
loaded
seen repaired
listed repaired
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """By moment: the address that the outside saw of vm3, and what nft listed."""
    if reason := _obstacle():
        pytest.skip(f"this computer cannot translate addresses in a namespace: {reason}")
    folder: Path = tmp_path_factory.mktemp("snat")
    (folder / "server.py").write_text(_SERVER)
    (folder / "client.py").write_text(_CLIENT)
    (folder / "snat.nft").write_text(render(TRANSLATED())["node1"][SNAT_FILE])
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--propagation",
         "private", "sh", "-c", _FABRIC + _FAULTS],
        cwd=folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        moment, _, said = line.partition(" ")
        found.setdefault(moment, []).append(said)
    return found


def _found(listing: str) -> tuple[set[tuple[str, str, str]], list[str]]:
    """What an audit of a fabric makes of the listing on node1, beside what is as intended."""
    intent = TRANSLATED()
    states = healthy_states(intent)
    document: Any = json.loads(listing)
    worlds.json("node1", NAT, lambda _: document)(states)
    result = audit(intent, states, skip=BY_RENDER)
    return unfolded(result), [finding.message for finding in result.findings]


def test_the_outside_sees_the_exit_and_a_guest_sees_a_guest(watched: dict[str, list[str]]) -> None:
    assert watched["before"] == ["nothing"]
    assert watched["loaded"][0] == "192.168.0.1"
    assert watched["guest"] == ["10.0.3.1"]


def test_what_is_loaded_is_what_an_audit_expects(watched: dict[str, list[str]]) -> None:
    assert _found(watched["loaded"][1]) == (set(), [])


@pytest.mark.parametrize("fault", ["rules-removed", "table-removed"])
def test_a_guest_loses_the_outside_and_the_audit_says_just_that(
    watched: dict[str, list[str]], fault: str
) -> None:
    seen, listing = watched[fault]
    assert seen == "nothing"
    found, messages = _found(listing)
    assert found == {("snat", "node1", "table inet evpn_fleet_snat")}
    assert "from 10.0.2.0/23: snat to 192.168.0.1 Actual: absent" in messages[0]
    assert watched["repaired"][0] == "192.168.0.1"
    assert _found(watched["repaired"][1]) == (set(), [])
