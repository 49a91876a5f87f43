"""The rendered files: byte-stable, as `golden/` holds them, and true to the seed's statements."""

from __future__ import annotations

from pathlib import Path

import pytest

from overlay.loading import load_inventory
from tasks.render import render_all
from tasks.ssh.fleet import open_fleet
from tests.generated import COMMAND, generated, hold, regenerating

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/fabric.yaml"))
LAB_TESTS = sorted(path.parent for path in (ROOT / "tests" / "live").glob("*/fabric.yaml"))


def rendered(folder: Path) -> dict[str, dict[str, str]]:
    with open_fleet(folder) as fleet:
        return dict(render_all(fleet, load_inventory(folder).intent))


@generated
@pytest.mark.parametrize("folder", [*EXAMPLES, *LAB_TESTS], ids=lambda path: path.name)
def test_rendered_files_are_the_golden_ones(folder: Path) -> None:
    wanted = {
        GOLDEN / folder.name / host / path.lstrip("/"): text
        for host, files in rendered(folder).items() for path, text in files.items()
    }  # fmt: skip
    for golden, text in wanted.items():
        hold(golden, text)
    surplus = {path for path in (GOLDEN / folder.name).rglob("*") if path.is_file()} - {*wanted}
    for path in surplus if regenerating() else ():
        path.unlink()
    assert regenerating() or not surplus, f"no longer rendered: run `{COMMAND}`"


# The seed's statements for node1, stanza by stanza, its underscores and netmasks spelled as
# ifupdown2's own documentation spells them.
UNDERLAY = {
    "iface eno1 inet manual": ["mtu 1550"],
    "iface vmbr0 inet static": [
        "address 192.168.0.1/24", "bridge-ports eno1", "bridge-stp off", "bridge-fd 0",
    ],
}  # fmt: skip
VXLAN = [
    "vxlan-local-tunnelip 192.168.0.1",
    "bridge-learning off",
    "bridge-arp-nd-suppress on",
    "bridge-unicast-flood off",
    "bridge-multicast-flood off",
]


def bridge(vni: int, kind: str, *more: str) -> dict[str, list[str]]:
    lines = [f"bridge-ports vxlan{vni}", "bridge-stp off", "bridge-fd 0", *more]
    return {
        f"iface vxlan{vni} inet manual": [f"vxlan-id {vni}", *VXLAN],
        f"iface vmbr{vni} inet {kind}": lines,
    }


def gateway(vni: int) -> dict[str, list[str]]:
    return bridge(
        vni, "static", f"address 10.0.{vni}.254/24", "hwaddress 44:39:39:ff:40:94", "vrf vrf1",
        "ip-forward on", "ip6-forward on", "arp-accept on",
    )  # fmt: skip


SEED_INTERFACES = {
    "l2-evpn": {**UNDERLAY, **bridge(2, "manual"), **bridge(3, "manual")},
    "l3-symmetric": {
        **UNDERLAY, **gateway(2), **gateway(3), **bridge(4000, "manual", "vrf vrf1"),
        "iface vrf1": ["vrf-table auto"],
    },
}  # fmt: skip
PEERS = ["192.168.0.2", "192.168.0.3"]
SEED_BGP = {
    "router bgp 1234": [
        "no bgp default ipv4-unicast", "coalesce-time 1000",
        *(f"neighbor {peer} remote-as 1234" for peer in PEERS),
    ],
    "address-family l2vpn evpn": [
        *(f"neighbor {peer} activate" for peer in PEERS), "advertise-all-vni",
    ],
}  # fmt: skip


def stanzas(text: str, heads: tuple[str, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in text.splitlines():
        if line.strip().startswith(heads):
            current = found.setdefault(line.strip(), set())
        else:
            current.add(line.strip())
    return found


@pytest.mark.parametrize("example", sorted(SEED_INTERFACES))
def test_every_statement_of_the_seed_is_rendered(example: str) -> None:
    files = rendered(ROOT / "examples" / example)["node1"]
    have = stanzas(files["/etc/network/interfaces"], ("iface ", "auto "))
    for head, lines in SEED_INTERFACES[example].items():
        assert set(lines) <= have[head], head
        assert head.split()[1] in {h.split()[1] for h in have if h.startswith("auto ")}
    frr = stanzas(files["/etc/frr/frr.conf"], ("router ", "address-family ", "vrf "))
    for head, lines in SEED_BGP.items():
        assert set(lines) <= frr[head], head
    if example == "l3-symmetric":
        assert "vni 4000" in frr["vrf vrf1"]
