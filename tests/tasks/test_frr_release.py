"""What a node's own FRR must be where not every release can do what is intended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from overlay.derive import derive
from overlay.errors import DeployError
from overlay.intent import Fabric
from tasks.plan import require_frr
from tasks.ssh.script import Answer, frame, sections_of

if TYPE_CHECKING:
    from overlay.expected import NodeIntent
    from tasks.ssh.connection import FleetSSH
    from tasks.ssh.script import Script


class Node:
    """A node whose bgpd says that; `asked` counts how often it was."""

    def __init__(self, said: bytes, rc: int = 0) -> None:
        self.said, self.rc, self.asked = said, rc, 0

    def run(self, script: Script, **_options: Any) -> tuple[bytes, bytes]:
        self.asked += 1
        nonce, (section,) = sections_of(script.text)
        return frame(nonce, [Answer(section, self.said, rc=self.rc)])


def node_of(prefix: str, role: str = "vtep", mode: str = "evpn") -> NodeIntent:
    address = "fd00::1" if ":" in prefix else "10.0.0.1"
    fabric = {
        "mode": mode,
        "underlay": {"prefix": prefix, "mtu": 1570},
        "bgp": {"asn": 1, "frr": "10.7", "cluster_id": "1.1.1.1"} if mode == "evpn" else None,
        "nodes": {"node1": {"address": address, "router_id": "10.0.0.1", "role": role}},
    }
    return derive(Fabric.model_validate(fabric)).nodes["node1"]


def judge(node: NodeIntent, answers: Node) -> None:
    require_frr(node, cast("FleetSSH", answers))


@pytest.mark.parametrize("role", ["vtep", "reflector"])
@pytest.mark.parametrize("version", ["10.6", "10.6.1", "10.7.1", "10.10", "11.0"])
def test_a_new_enough_frr_may_have_evpn_over_ipv6(role: str, version: str) -> None:
    answers = Node(f"bgpd version {version}\nCopyright 1996-2005 Kunihiro Ishiguro\n".encode())
    judge(node_of("fd00::/64", role), answers)
    assert answers.asked == 1


@pytest.mark.parametrize("version", ["8.4.4", "10.3", "10.5.9", "9.10"])
def test_an_old_one_is_refused_by_the_nodes_name_and_its_version(version: str) -> None:
    with pytest.raises(DeployError, match=rf"^node1: its FRR is {version}, .* needs 10\.6"):
        judge(node_of("fd00::/64"), Node(f"bgpd version {version}\n".encode()))


def test_a_development_version_counts_as_what_it_becomes() -> None:
    judge(node_of("fd00::/64"), Node(b"bgpd version 10.8-dev\n"))


@pytest.mark.parametrize("said", [b"", b"sh: 1: /usr/lib/frr/bgpd: not found\n", b"version 10.7\n"])
def test_who_does_not_say_is_refused(said: bytes) -> None:
    with pytest.raises(DeployError, match=r"node1: .* does not show its FRR version"):
        judge(node_of("fd00::/64"), Node(said, rc=127))


@pytest.mark.parametrize(
    ("prefix", "role", "mode"),
    [
        ("10.0.0.0/24", "vtep", "evpn"),
        ("fd00::/64", "vtep", "unicast"),
        ("fd00::/64", "router", "evpn"),
    ],
)
def test_where_any_frr_will_do_nobody_is_asked(prefix: str, role: str, mode: str) -> None:
    answers = Node(b"bgpd version 8.4.4\n")
    judge(node_of(prefix, role, mode), answers)
    assert answers.asked == 0
