"""What an audit asks a node: all that its checks need, and nothing that its role has no use for."""

from __future__ import annotations

from pathlib import Path

import pytest

from drift import check
from drift.catalogue import CHECKS
from overlay.loading import load_inventory
from parsers import JSON_SLUGS
from tasks.commands import BY_SLUG, COMMANDS, TEXT_SLUGS, commands_for, file_slug
from tasks.files import MANAGED_FILES

EXAMPLES = Path(__file__).parents[2] / "examples"


def _asked(example: str, node: str) -> dict[str, str]:
    intent = load_inventory(EXAMPLES / example).intent
    return {c.slug: c.command for c in commands_for(intent, intent.nodes[node])}


@pytest.mark.parametrize("folder", sorted(EXAMPLES.iterdir()), ids=lambda folder: folder.name)
def test_every_node_is_asked_what_its_checks_need_and_no_more(folder: Path) -> None:
    intent = load_inventory(folder).intent
    for node in intent.nodes.values():
        asked = {command.slug for command in commands_for(intent, node)}
        needed = {
            slug
            for each in CHECKS.values()
            if each.applies(intent, node)
            for slug in each.slugs(intent, node)
        }
        assert needed - asked == set(), node.name
        # A router carries no VNI; its forwarding database is one of the three texts all the same.
        # Read once more, it tells what was moving meanwhile, and no check needs it.
        assert asked - needed <= {"bridge_fdb", "bridge_fdb_later"}, node.name


def test_a_router_is_asked_nothing_of_evpn() -> None:
    static = _asked("exit-vrrp", "router").keys()
    assert not static & {"bgp_l2vpn_evpn", "evpn_summary", "evpn_vni", "bgp_summary"}
    assert "bgp_summary" in _asked("exit-upstream-bgp", "router")


def test_without_a_node_all_of_the_fabric_are_meant() -> None:
    intent = load_inventory(EXAMPLES / "exit-vrrp").intent
    everything = {command.slug for command in commands_for(intent)}
    assert everything == BY_SLUG.keys() - {"bgp_summary", "file_evpn_fleet"}
    multicast = load_inventory(EXAMPLES / "l2-multicast").intent
    assert TEXT_SLUGS[2] not in {command.slug for command in commands_for(multicast)}


def test_sysctl_is_asked_for_the_keys_of_the_intent() -> None:
    assert _asked("exit-multi-gateway", "node1")["sysctl"] == (
        "sysctl -e net.ipv4.conf.all.rp_filter net.ipv4.conf.default.rp_filter "
        "net.ipv4.conf.vmbr0.rp_filter net.ipv4.ip_forward net.ipv6.conf.all.forwarding"
    )


def test_a_file_that_is_not_there_is_no_failed_command() -> None:
    command = BY_SLUG["file_frr_conf"]
    assert command.command == "sh -c '[ ! -e /etc/frr/frr.conf ] || cat /etc/frr/frr.conf'"
    assert command.root


def test_slugs_are_distinct_and_known_to_the_rooms_that_share_them() -> None:
    assert len(BY_SLUG) == len(COMMANDS)
    assert {c.slug for c in COMMANDS if c.suffix == "json"} <= JSON_SLUGS
    assert {file_slug(file.path) for file in MANAGED_FILES} == {
        check.INTERFACES,
        check.OVERLAY_INTERFACES,
        *check.FILES,
    }
    assert [check.file_slug(f.path) for f in MANAGED_FILES] == [
        file_slug(f.path) for f in MANAGED_FILES
    ]
