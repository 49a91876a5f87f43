"""A routed underlay: derived, rendered, in sync as intended, and read back from its files."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from adopt.hostfiles import read_hosts
from adopt.infer import infer
from drift.engine import audit
from overlay.crosscheck.fabric import contradictions
from overlay.derive import derive
from overlay.intent import Fabric
from overlay.unused.unused_keys import unused_keys
from tests.overlay.leaf_spine import connect, leaf_spine, routed_fabrics
from tests.rendering import render, rendered_nodes
from tests.simulated.fleet import healthy_states
from tests.tries import tries
from tests.work import counted

if TYPE_CHECKING:
    from overlay.expected import FabricIntent

FRR = "/etc/frr/frr.conf"
NET = "/etc/network/interfaces"
DAEMONS = "/etc/frr/daemons"
CALM = settings(max_examples=tries(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def derived(**keys: Any) -> FabricIntent:
    fabric = Fabric.model_validate(leaf_spine(2, 2, **keys))
    assert list(contradictions(fabric)) == []
    return derive(fabric)


def underlay(protocol: str, **keys: Any) -> dict[str, Any]:
    return {"prefix": "10.254.0.0/15", "protocol": protocol} | keys


def test_isis_has_a_net_of_the_router_id_and_probes_by_a_profile() -> None:
    files = render(derived(underlay=underlay("isis", bfd={"interval": 100})))["leaf1"]
    assert (
        "interface lo\n ip router isis EVPN-FLEET\n isis passive\nexit\n!\n"
        "interface swp1\n description spine1-1\n ip router isis EVPN-FLEET\n isis bfd\n"
        " isis bfd profile EVPN-FLEET-UNDERLAY\n isis circuit-type level-2-only\n"
        " isis network point-to-point\nexit\n"
    ) in files[FRR]
    assert " net 49.0001.0102.5500.0002.00\n is-type level-2-only\n" in files[FRR]
    assert "isisd=yes\nbfdd=yes\n" in files[DAEMONS]
    assert 'isisd_options="-A 127.0.0.1"\n' in files[DAEMONS]


def test_openfabric_knows_no_profile_of_bfd() -> None:
    files = render(derived(underlay=underlay("openfabric", bfd=True)))["spine1-2"]
    assert " openfabric bfd\nexit\n" in files[FRR]
    assert "profile" not in files[FRR]
    assert "fabricd=yes\n" in files[DAEMONS]


def test_openfabric_enters_each_interface_twice_for_those_that_a_boot_makes_later() -> None:
    files = render(derived(underlay=underlay("openfabric")))["spine1-2"]
    twice = 2 * " ip router openfabric EVPN-FLEET\n"
    assert files[FRR].count(twice) == files[FRR].count("\ninterface ") == 3


@pytest.mark.parametrize(
    ("protocol", "interval"),
    [
        ("isis", " lsp-timers gen-interval 1 refresh-interval 900 max-lifetime 1200\n"),
        ("openfabric", " lsp-gen-interval 1\n"),
    ],
)
def test_a_change_is_told_and_computed_within_a_second(protocol: str, interval: str) -> None:
    conf = render(derived(underlay=underlay(protocol)))["leaf1"][FRR]
    block = conf[conf.index(f"router {protocol} EVPN-FLEET\n") :]
    assert interval in block
    assert " spf-delay-ietf init-delay 50 short-delay 200 long-delay 1000 " in block


def test_a_dummy_that_holds_the_vtep_address_is_announced_and_nothing_else() -> None:
    files = render(derived(underlay=underlay("ospf", loopback="dummy0")))["leaf2"]
    assert "interface dummy0\n ip ospf area 0\n ip ospf passive\nexit\n" in files[FRR]
    assert (
        "iface dummy0 inet static\n        address 10.255.0.3/32\n        link-type dummy\n"
        "        post-up ip address replace 10.255.0.3/32 dev dummy0\n"
    ) in files[NET]
    assert "iface lo inet loopback\n\n" in files[NET]


def test_how_links_share_flows_is_not_asked_of_a_node_that_is_only_observed() -> None:
    policy = ("net.ipv4.fib_multipath_hash_policy", "1")
    assert all(policy in node.sysctls for node in derived().nodes.values())
    observed = derived(scope="observed").nodes.values()
    assert not any(policy in node.sysctls for node in observed)
    assert all(("net.ipv4.conf.all.rp_filter", "0") in node.sysctls for node in observed)


def test_on_links_of_ebgp_a_vtep_is_another_as_than_for_evpn() -> None:
    files = render(derived(underlay=underlay("ebgp-unnumbered", bfd={"interval": 100})))["leaf1"]
    assert (
        "router bgp 65000\n bgp router-id 10.255.0.2\n bgp log-neighbor-changes\n"
        " no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n"
        " bgp bestpath as-path multipath-relax\n"
        " neighbor swp1 interface v6only remote-as external\n"
        " neighbor swp1 local-as 4216711682 no-prepend replace-as\n"
        " neighbor swp1 description spine1-1\n neighbor swp1 bfd\n"
        " neighbor swp1 bfd profile EVPN-FLEET-UNDERLAY\n"
        " neighbor swp1 timers 3 9\n neighbor swp1 timers connect 3\n"
    ) in files[FRR]
    assert (
        " address-family ipv4 unicast\n  network 10.255.0.2/32\n"
        "  neighbor swp1 activate\n  neighbor swp2 activate\n exit-address-family\n"
    ) in files[FRR]
    evpn = files[FRR][files[FRR].index("address-family l2vpn evpn") :]
    assert "swp" not in evpn


def test_a_spine_of_ebgp_has_one_as_and_no_evpn() -> None:
    files = render(derived(underlay=underlay("ebgp-unnumbered", hello=1)))["spine1-2"]
    assert "router bgp 4216646402\n bgp router-id 10.254.1.2\n" in files[FRR]
    assert " neighbor swp2 timers 1 3\n neighbor swp2 timers connect 1\n" in files[FRR]
    assert "local-as" not in files[FRR]
    assert "evpn" not in files[FRR].split("\n", 1)[1]
    assert "bgpd=yes\n" in files[DAEMONS]
    assert files[DAEMONS].count("bgpd_options") == 1


def test_an_underlay_of_ebgp_needs_no_evpn() -> None:
    keys = leaf_spine(2, 2, mode="unicast", underlay=underlay("ebgp-unnumbered"))
    del keys["bgp"]
    fabric = Fabric.model_validate(keys)
    assert list(contradictions(fabric)) == []
    intent = derive(fabric)
    files = render(intent)
    assert "router bgp 4216711682\n" in files["leaf1"][FRR]
    found = infer(read_hosts(files), "again")
    assert (found.remarks, found.unread) == ((), ())
    assert derive(Fabric.model_validate(found.fabric)).nodes == intent.nodes


def test_a_numbered_link_has_its_own_address_and_sessions_still_leave_from_the_vtep() -> None:
    keys = leaf_spine(2, 1)
    connect(keys["nodes"], "leaf1", "leaf2", 7)
    files = render(derive(Fabric.model_validate(keys)))["leaf2"]
    assert (
        "iface swp2 inet static\n        address 172.16.0.15/31\n        mtu 1550\n" in files[NET]
    )
    assert " neighbor 10.255.0.2 update-source 10.255.0.3\n" in files[FRR]


def test_a_spine_can_reflect_and_a_plain_one_speaks_no_bgp() -> None:
    keys = leaf_spine(2, 2, bgp={"asn": 65000, "cluster_id": "1.1.1.1"})
    keys["nodes"]["spine1-1"]["role"] = "reflector"
    files = render(derive(Fabric.model_validate(keys)))
    assert "bgp listen range 10.254.0.0/15 peer-group fabric\n" in files["spine1-1"][FRR]
    assert "router ospf\n" in files["spine1-1"][FRR]
    assert "router bgp" not in files["spine1-2"][FRR]
    assert "bgpd=no\n" in files["spine1-2"][DAEMONS]


def test_in_the_overlay_scope_the_links_are_routed_on_and_left_alone() -> None:
    files = render(derived(scope="overlay"))["leaf1"]
    assert "interface swp1\n" in files[FRR]
    assert not any("swp1" in text for path, text in files.items() if "network" in path)


@pytest.mark.parametrize(
    ("protocol", "daemon", "name"),
    [("ospf", "ospfd", ""), ("isis", "isisd", " X"), ("openfabric", "fabricd", " X")],
)
def test_what_is_kept_for_the_underlays_own_daemon_needs_no_other(protocol, daemon, name):
    kept = f"router {protocol}{name}\n log-adjacency-changes detail\n"
    derived(underlay=underlay(protocol), frr_extra=kept)
    static = leaf_spine(2, 1, frr_extra=kept) | {"underlay": {"prefix": "10.254.0.0/15"}}
    said = [what for _, what, _ in contradictions(Fabric.model_validate(static))]
    assert any(f"needs {daemon}, which does not run" in what for what in said), said


@CALM
@given(routed_fabrics())
def test_both_ends_of_a_link_are_one_edge(intent: FabricIntent) -> None:
    ends = defaultdict(set)
    for node in intent.nodes.values():
        assert node.routed is not None
        for link in node.routed.links:
            ends[link.edge].add((node.name, link.peer))
    assert all(len(found) == 2 for found in ends.values())
    assert list(contradictions(intent.fabric)) == []


@pytest.mark.slow
@CALM
@given(routed_fabrics())
def test_as_intended_it_is_in_sync(intent: FabricIntent) -> None:
    rendered = rendered_nodes(intent)
    result = audit(intent, healthy_states(intent, rendered=rendered), rendered=rendered)
    assert (result.findings, result.skipped) == ((), ())


@pytest.mark.slow
@CALM
@given(routed_fabrics())
def test_its_files_say_it_again(intent: FabricIntent) -> None:
    found = infer(read_hosts(render(intent)), "again")
    assert (found.remarks, found.unread) == ((), ())
    again = derive(Fabric.model_validate(found.fabric))
    assert again.nodes == intent.nodes
    assert render(again) == render(intent)
    assert not any(unused_keys(again.fabric, again.nodes))


@pytest.mark.slow
def test_500_nodes_with_two_spines_a_rack_take_no_more_work_than_they_did() -> None:
    keys = leaf_spine(476, 2, racks=12, networks=[{"vni": vni} for vni in range(2, 22)])
    assert len(keys["nodes"]) == 500
    with counted() as work:
        fabric = Fabric.model_validate(keys)
        assert list(contradictions(fabric)) == []
        render(derive(fabric))
    # Each VTEP has a session with each other one, so that the files themselves grow with the
    # square of the nodes; half a million lines are no matter, a third look at each of them is.
    assert work.calls < 40_000_000, work.calls
