"""What FRR and the kernel are told beside the fabric: found again in what was made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adopt.hostfiles import read_hosts
from adopt.kept.frr import kept_frr_of
from overlay.derive import derive
from overlay.intent import Fabric
from parsers.configuration import chosen_statements, parse_frr_config
from tests.adopt.folders import EXAMPLES
from tests.cli.audits import call
from tests.rendering import render
from tests.tries import tries

if TYPE_CHECKING:
    from pathlib import Path

FRR = "/etc/frr/frr.conf"
DAEMONS = "/etc/frr/daemons"
OSPF = """\
router ospf
 ospf router-id 10.255.0.1
 network 10.255.0.0/24 area 0
exit
!
"""
OUTSIDE = (
    "router bgp 1234\n neighbor 192.0.2.1 remote-as 65000\n neighbor 192.0.2.1 description by hand\n"
    " !\n address-family ipv4 unicast\n  neighbor 192.0.2.1 route-map MINE in\n"
    " exit-address-family\n !\n address-family l2vpn evpn\n  vni 2\n   advertise-svi-ip\n"
    "  exit-vni\n exit-address-family\nexit\n!\n"
)
# Further statements, as `show running-config` prints them.
BESIDE = (
    OSPF,
    "interface eno2\n ip ospf area 0\n ip ospf passive\nexit\n!\n",
    "ip route 10.9.0.0/16 192.168.0.254\n",
    "ip prefix-list MINE seq 5 permit 10.0.0.0/8 le 24\n",
    "route-map MINE permit 10\n match ip address prefix-list MINE\n set metric 7\nexit\n!\n",
    OUTSIDE,
    "log file /var/log/frr/mine.log\n",
    "vrf vrf1\n ip route 10.8.0.0/16 Null0\nexit-vrf\n!\n",
)
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=tries(40))


def keeping(**keys: Any) -> dict[str, str]:
    """What is rendered for node1 of an example that keeps this."""
    said = yaml.safe_load((EXAMPLES / "l3-symmetric" / "fabric.yaml").read_text())
    said["nodes"]["node1"] |= keys
    return render(derive(Fabric.model_validate(said)))["node1"]


BARE = keeping()


@CALM
@given(
    beside=st.lists(st.sampled_from(BESIDE), unique=True),
    daemons=st.sampled_from([{}, {"ripd": True}, {"bgpd_options": "-A 127.0.0.1 -M rpki"}]),
    sysctls=st.sampled_from([{}, {"net.ipv4.tcp_mtu_probing": "1"}]),
    deployed=st.booleans(),
)
def test_what_is_kept_is_found_again(
    beside: list[str], daemons: dict[str, str | bool], sysctls: dict[str, str], *, deployed: bool
) -> None:
    wanted = {"daemons_extra": daemons | ({"ospfd": True} if OSPF in beside else {})}
    wanted |= {"sysctl_extra": sysctls, "frr_extra": "".join(beside) or None}
    files = keeping(**wanted)
    lies = files if deployed else files | {FRR: f"! by hand\n{files[FRR]}"}

    found = kept_frr_of("node1", lies, BARE)

    again = keeping(
        frr_extra=found.text or None, daemons_extra=found.daemons, sysctl_extra=found.sysctls
    )
    assert again.keys() == files.keys()
    if deployed:
        assert again[FRR] == files[FRR]
    assert chosen_statements(again[FRR]) == in_another(chosen_statements(files[FRR]), again[FRR])
    assert parse_frr_config(again[FRR]) == parse_frr_config(files[FRR])
    assert set(again[DAEMONS].splitlines()) == set(files[DAEMONS].splitlines())
    assert not kept_frr_of("node1", files, again).size
    assert bool(found.text) == bool(beside)


def in_another(statements: Any, text: str) -> Any:
    """The same statements, with their lines in another text of them."""
    lines = chosen_statements(text)
    return {one: lines.get(one) for one in statements}


WORDS = (
    "router bgp 1234", "router bgp 9 vrf a", "address-family ipv4 unicast", "address-family x",
    "neighbor G peer-group", "neighbor 10.0.0.9 peer-group G", "neighbor G remote-as 7",
    "no neighbor G peer-group", "neighbor", "neighbor 10.0.0.9", "no", "exit", "end", "exit-vrf",
    "vrf a", "vni 7", "vni 4000", "route-map M permit 10", "match x", "interface eno9", "bfd",
    "profile p", "detect-multiplier 4", "key chain k", "key 1", "key-string hunter2", "! comment",
    "ip route 10.0.0.0/8 Null0", "\x00\x1b[31m", "ip prefix-list P seq 5 permit any", "log file /x",
    "bgp listen range 10.0.0.0/8 peer-group G", "exit-address-family", "router ospf", "line vty",
)  # fmt: skip


@CALM
@given(lines=st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=20)), max_size=30))
def test_whatever_a_file_says_its_kept_text_says_the_same(lines: list[str]) -> None:
    found = kept_frr_of("n", {FRR: "\n".join(lines)}, BARE)
    read = {" / ".join(one) for one in chosen_statements(found.text)}
    assert read == set(found.statements)
    assert "hunter2" not in found.text
    # It can stand behind what is derived, and undoes none of it.
    together = parse_frr_config(BARE[FRR] + found.text)
    assert together >= parse_frr_config(BARE[FRR])


def beside(text: str, derived: str = "") -> tuple[str, ...]:
    return kept_frr_of("n", {FRR: text}, {FRR: derived}).statements


def test_what_would_undo_a_derived_statement_is_not_kept():
    derived = (
        "router bgp 1234\n bgp router-id 192.168.0.1\n no bgp default ipv4-unicast\n"
        " neighbor 192.168.0.2 remote-as 1234\n address-family l2vpn evpn\n"
        "  neighbor 192.168.0.2 activate\n  neighbor 192.168.0.2 route-map OURS out\n"
        "route-map OURS permit 10\n set local-preference 50\nvrf a\n vni 4000\n"
        " ip route 0.0.0.0/0 192.168.0.254 nexthop-vrf default 250\n"
    )
    undoing = (
        "router bgp 1234\n bgp router-id 10.0.0.1\n bgp default ipv4-unicast\n"
        " neighbor 192.168.0.2 remote-as external\n address-family l2vpn evpn\n"
        "  no neighbor 192.168.0.2 activate\n  neighbor 192.168.0.2 route-map THEIRS out\n"
        "router bgp 65000\n neighbor 192.0.2.1 remote-as 1\n"
        "route-map OURS permit 20\n set metric 5\nvrf a\n vni 4001\n"
        " ip route 0.0.0.0/0 192.168.0.254 nexthop-vrf default\n"
    )
    assert beside(undoing, derived) == ()
    kept = "router bgp 1234\n address-family l2vpn evpn\n  neighbor 192.168.0.2 route-map MINE in\n"
    assert beside(kept, derived) == (
        "router bgp 1234 / address-family l2vpn evpn / neighbor 192.168.0.2 route-map MINE in",
    )


@pytest.mark.parametrize("protocol", ["isis", "openfabric"])
def test_no_second_instance_of_what_routes_the_underlay_is_kept(protocol):
    derived = (
        f"interface eno1\n ip router {protocol} OURS\nrouter {protocol} OURS\n net 49.0001.00\n"
    )
    text = derived.replace("OURS", "theirs")
    assert beside(text + f"interface eno1\n {protocol} metric 7\n", derived) == (
        f"interface eno1 / {protocol} metric 7",
    )
    assert len(beside(text)) == 2, "where nothing is derived, it is kept"


def test_a_secret_is_never_kept():
    text = "router ospf\n area 0 authentication message-digest\ninterface eno2\n"
    text += " ip ospf message-digest-key 1 md5 hunter2\n neighbor 1.2.3.4 password hunter2\n"
    found = kept_frr_of("n", {FRR: text}, {FRR: ""})
    assert found.statements == ("router ospf / area 0 authentication message-digest",)
    assert "hunter2" not in found.text


def test_a_group_is_kept_as_its_members_have_it():
    ours = "router bgp 1\n neighbor 10.0.0.2 remote-as 1\n neighbor 10.0.0.2 bfd\n"
    text = (
        "router bgp 1\n neighbor G peer-group\n neighbor G remote-as 1\n neighbor G bfd\n"
        " neighbor 10.0.0.2 peer-group G\n neighbor G ebgp-multihop 3\n"
        " address-family l2vpn evpn\n  neighbor G allowas-in\n"
    )
    assert beside(text, ours) == (
        "router bgp 1 / neighbor 10.0.0.2 ebgp-multihop 3",
        "router bgp 1 / address-family l2vpn evpn / neighbor 10.0.0.2 allowas-in",
    )
    listening = "router bgp 1\n neighbor G peer-group\n bgp listen range 10.0.0.0/8 peer-group G\n"
    assert len(beside(listening, ours)) == 2


def test_an_import_keeps_what_frr_and_the_kernel_are_told(tmp_path: Path):
    by_hand, imported = tmp_path / "by-hand", tmp_path / "imported"
    assert call("--inventory", EXAMPLES / "l2-evpn", "render", "-o", by_hand).code == 0
    etc = by_hand / "node2" / "etc"
    (etc / "frr" / "frr.conf").open("a").write(f"{OSPF}interface eno2\n ip ospf area 0\n")
    (etc / "frr" / "daemons").open("a").write("ospfd=yes\n")
    (etc / "sysctl.d" / "90-evpn-fleet.conf").open("a").write("net.ipv4.tcp_mtu_probing = 1\n")

    ended = call("import", "hosts", "--from", by_hand, "-o", imported)

    assert ended.code == 0, ended.err
    assert "    5 statements of FRR and the kernel kept, as found\n" in ended.out
    assert "    0 statements that the intent does not say\n" in ended.out
    report = (imported / "import.md").read_text()
    assert "- `kept/node2.frr.conf: router ospf / network 10.255.0.0/24 area 0`\n" in report
    assert "- `node2: ospfd=yes`\n- `node2: net.ipv4.tcp_mtu_probing = 1`\n" in report
    kept = (imported / "kept" / "node2.frr.conf").read_text()
    assert kept == f"{OSPF}interface eno2\n ip ospf area 0\n"
    assert call("--inventory", imported, "render", "-o", tmp_path / "out").code == 0
    for file in ("frr/frr.conf", "sysctl.d/90-evpn-fleet.conf"):
        was, is_now = (root / "node2" / "etc" / file for root in (by_hand, tmp_path / "out"))
        assert parse_frr_config(is_now.read_text()) == parse_frr_config(was.read_text())
    # Watched only, it keeps the same; and what was deployed is found again, with its blocks left.
    observed = tmp_path / "observed"
    said = ("import", "hosts", "--from", tmp_path / "out", "-o", observed, "--scope", "observed")
    assert call(*said).code == 0
    assert (observed / "kept" / "node2.frr.conf").read_text() == f"{kept}exit\n"


def test_a_setting_that_may_fail_is_read_as_any_other():
    lines = "-net.ipv4.ip_forward=0\n; net.ipv4.tcp_ecn = 1\n- net.ipv4.tcp_rmem = 1 2  3\n"
    (host,) = read_hosts({"node1": {"/etc/sysctl.d/90-mine.conf": lines}})
    assert host.sysctls == {"net.ipv4.ip_forward": "0", "net.ipv4.tcp_rmem": "1 2 3"}
