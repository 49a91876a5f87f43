"""What is kept by hand beside what is derived: where it may be said, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from overlay.derive import derive
from overlay.intent import Fabric
from overlay.loading import load_inventory
from overlay.outputs import DAEMONS_FILE, FRR_FILE, SYSCTL_FILE
from parsers.configuration import chosen_statements, daemon_settings, sysctl_settings
from parsers.frr import leave_blocks
from tests.rendering import render
from tests.tries import tries

if TYPE_CHECKING:
    from overlay.host_records import Statement

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "examples").glob("*/fabric.yaml"))
# Blocks that are left, that are not, and statements of the top level.
TEXTS = (
    "router ospf\n network 10.0.0.0/8 area 0\n",
    "router bgp 1234\n address-family ipv4 unicast\n  network 10.0.0.0/8\n",
    "vrf vrf1\n ip route 10.2.0.0/16 192.168.0.254 nexthop-vrf default\n",
    "route-map LEAVES permit 10\n set metric 5\nexit\n",
    "ip route 10.1.0.0/16 192.168.0.254\n",
    "interface lo\n ip address 10.255.0.1/32",
)


def read(path: Path, **more: Any) -> Fabric:
    return Fabric.model_validate({**yaml.safe_load(path.read_text()), **more})


def statements(text: str) -> set[Statement]:
    return set(chosen_statements(text))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_what_is_kept_is_written_behind_files_that_leave_every_block(path: Path) -> None:
    for files in render(derive(read(path))).values():
        assert leave_blocks(files[FRR_FILE]) == ()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=tries(50))
@given(
    path=st.sampled_from(EXAMPLES),
    own=st.lists(st.sampled_from(TEXTS), max_size=3),
    group=st.lists(st.sampled_from(TEXTS), max_size=3),
    fabric=st.lists(st.sampled_from(TEXTS), max_size=3),
)
def test_every_text_says_in_the_file_what_it_says_alone(
    path: Path, own: list[str], group: list[str], fabric: list[str]
) -> None:
    """No text falls into a block that the one before it has left open."""
    before = read(path)
    name, *others = (name for name, node in before.nodes.items() if node.managed)
    document = yaml.safe_load(path.read_text())
    # Joined within one key they are one text, as somebody wrote it: each is closed there.
    joined = {
        key: "\n".join("\n".join([text, *leave_blocks(text)]) for text in texts)
        for key, texts in (("own", own), ("group", group), ("fabric", fabric))
    }
    said = document["nodes"][name].get("frr_extra", "")  # by an example that keeps some, too
    document["nodes"][name]["frr_extra"] = said + joined["own"]
    document["frr_extra"] = joined["fabric"]
    left = {"nodes": [name], "frr_extra": joined["group"]}
    document["groups"] = {**document.get("groups", {}), "left": left}
    was, files = render(derive(before)), render(derive(Fabric.model_validate(document)))
    kept = [*fabric, *group, *own]
    alone = {statement for text in kept for statement in statements(text)}
    assert statements(files[name][FRR_FILE]) == statements(was[name][FRR_FILE]) | alone
    elsewhere = {statement for text in fabric for statement in statements(text)}
    for other in others:
        assert statements(files[other][FRR_FILE]) == statements(was[other][FRR_FILE]) | elsewhere


def test_a_text_that_leaves_its_block_open_does_not_take_in_the_next() -> None:
    fabric = read(EXAMPLES[0])
    name = next(iter(fabric.nodes))
    node = fabric.nodes[name].model_copy(update={"frr_extra": "ip route 10.1.0.0/16 Null0"})
    kept = fabric.model_copy(
        update={"frr_extra": "vrf red\n vni 7", "nodes": {**fabric.nodes, name: node}}
    )
    found = statements(render(derive(kept))[name][FRR_FILE])
    assert {("vrf red", "vni 7"), ("ip route 10.1.0.0/16 Null0",)} <= found


def test_the_nearest_word_counts_and_a_derived_setting_stays() -> None:
    fabric = Fabric.model_validate(
        {
            "underlay": {"prefix": "192.168.0.0/24"},
            "bgp": {"asn": 1},
            "daemons_extra": {"ospfd": True, "ospfd_options": "-A 127.0.0.1"},
            "sysctl_extra": {"net.ipv4.tcp_mtu_probing": 1, "net.ipv4.ip_forward": 9},
            "groups": {"g": {"nodes": ["a*"], "sysctl_extra": {"net.ipv4.tcp_mtu_probing": 2}}},
            "nodes": {
                "a1": {
                    "address": "192.168.0.1",
                    "daemons_extra": {"ospfd_options": "-A 127.0.0.1 -M snmp", "ripd": True},
                    "sysctl_extra": {"net.ipv4.tcp_rmem": "4096  87380 6291456"},
                },
                "b1": {"address": "192.168.0.2"},
            },
        }
    )
    files = render(derive(fabric))
    daemons = {key: value for key, (value, _) in daemon_settings(files["a1"][DAEMONS_FILE]).items()}
    assert (daemons["ospfd"], daemons["ripd"], daemons["bgpd"]) == ("yes", "yes", "yes")
    assert daemons["ospfd_options"] == "-A 127.0.0.1 -M snmp"
    assert daemons["ripd_options"] == "-A 127.0.0.1", "nobody else may connect to it"
    assert "ripd" not in daemon_settings(files["b1"][DAEMONS_FILE])
    kernel = {name: sysctl_settings(files[name][SYSCTL_FILE]) for name in files}
    assert kernel["a1"]["net.ipv4.tcp_mtu_probing"][0] == "2"
    assert kernel["a1"]["net.ipv4.tcp_rmem"][0] == "4096 87380 6291456"
    assert kernel["b1"]["net.ipv4.tcp_mtu_probing"][0] == "1"
    assert kernel["a1"]["net.ipv4.ip_forward"][0] == "0"


def test_a_file_beside_the_intent_is_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "hosts.yaml").write_text("n1: {hostname: a}\n")
    intent = (
        "underlay: {prefix: 192.168.0.0/24}\nbgp: {asn: 1}\nfrr_extra_file: parts/more.conf\n"
        "frr_extra: ip route 10.2.0.0/16 Null0\nnodes: {n1: {address: 192.168.0.1}}\n"
    )
    (tmp_path / "fabric.yaml").write_text(intent)
    (tmp_path / "parts").mkdir()
    more = tmp_path / "parts" / "more.conf"
    more.write_bytes(b"router bgp 1\r\n neighbor 192.0.2.1 password hunter2\r\n")
    first = load_inventory(tmp_path)
    found = statements(render(first.intent)["n1"][FRR_FILE])
    assert ("ip route 10.2.0.0/16 Null0",) in found
    assert ("router bgp 1", "neighbor 192.0.2.1 password hunter2") in found
    assert first.intent.nodes["n1"].peers_by_hand == {"192.0.2.1"}
    more.write_text("ip route 10.3.0.0/16 Null0\n")
    assert load_inventory(tmp_path).digest != first.digest, "it names the intent in records"
