"""Two tenants on a topology: the inventory that makes them, and what their guests reach by packets."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from lab import guests
from lab.errors import LabError
from lab.ssh import run_on
from tests.live.conftest import DEPLOY, ROOT
from tests.live.tools.probes import on

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Lab

OUTSIDE = "203.0.113.1"
# What each node has besides its intent, in its main table: a management network (the lab's own,
# and one of IPv6), and IPv6 on the underlay.
MANAGEMENT = ("10.255.0.0/24", "fd00:255::/64")
UNDERLAY6 = "fd00:192::/64"
GUESTS = "src net 10.0.0.0/16 or src net fd00:2::/64 or src net fd00:6::/64"


@dataclass(frozen=True)
class Tenant:
    """A VRF with one guest on each node, all in its one network."""

    vrf: str
    vni: int

    def gateways(self) -> list[str]:
        return [f"10.0.{self.vni}.254", f"fd00:{self.vni}::fe"]

    def guest(self, number: int) -> str:
        return f"t{self.vni}n{number}"

    def addresses(self, number: int) -> list[str]:
        return [f"10.0.{self.vni}.{number}", f"fd00:{self.vni}::{number}"]


RED, BLUE = Tenant("vrf1", 2), Tenant("vrf2", 6)
TENANTS = (RED, BLUE)


def with_two_tenants(folder: Path, slug: str, **vrf: Any) -> Path:
    """A copy of an example where VNI 2 is one tenant's and VNI 6 another's, each in its own VRF.

    `vrf` holds further keys of both VRFs, such as `exits`.
    """
    inventory = folder / slug
    shutil.copytree(ROOT / "examples" / slug, inventory)
    intent = yaml.safe_load((inventory / "fabric.yaml").read_text())
    symmetric = intent["routing"] == "symmetric"
    exits = (intent.get("vrfs") or {}).get("vrf1", {}).get("exits")
    shared = {"exits": exits, "unreachable": ["underlay", "vrfs", *MANAGEMENT, UNDERLAY6]}
    keys = (shared if exits else {}) | vrf
    intent["vrfs"] = {
        it.vrf: keys | ({"l3vni": 4000 + number} if symmetric else {})
        for number, it in enumerate(TENANTS)
    }
    intent["networks"] = [
        {
            "vni": it.vni,
            "vrf": it.vrf,
            "gateways": [f"10.0.{it.vni}.254/24", f"fd00:{it.vni}::fe/64"],
        }
        for it in TENANTS
    ]
    (inventory / "fabric.yaml").write_text(yaml.safe_dump(intent, sort_keys=False))
    lab = yaml.safe_load((inventory / "lab.yaml").read_text())
    lab["machines"] = {
        it.guest(number): {
            "node": f"node{number}",
            "bridge": f"vmbr{it.vni}",
            "addresses": [f"10.0.{it.vni}.{number}/24", f"fd00:{it.vni}::{number}/64"],
            "gateways": it.gateways(),
        }
        for it in TENANTS
        for number in vteps(lab["nodes"])
    }
    (inventory / "lab.yaml").write_text(yaml.safe_dump(lab, sort_keys=False))
    return inventory


def vteps(nodes: Any) -> list[int]:
    return [int(found[1]) for name in nodes if (found := re.fullmatch(r"node(\d+)", name))]


def deploy_as_before(lab: Lab, folder: Path) -> None:
    """Deploys what was rendered before VRFs ended their lookups: the templates without that."""
    templates = folder / "templates"
    shutil.copytree(ROOT / "templates", templates)
    interfaces = templates / "interfaces.j2"
    text, found = re.subn(
        r"{% for prefix in vrf\.unreachable %}.*?{% endfor %}\n",
        "",
        interfaces.read_text(),
        flags=re.DOTALL,
    )
    assert found == 2
    interfaces.write_text(text)
    program = (
        "import sys, pathlib, tasks.render as render; "
        "render.TEMPLATES = pathlib.Path(sys.argv[1]); "
        "from cli.main import run; sys.exit(run(sys.argv[2:]))"
    )
    how = [*DEPLOY, "--no-prove-audit"]
    done = subprocess.run(
        [sys.executable, "-c", program, templates, "--inventory", lab.inventory, *how],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def furnish(lab: Lab) -> None:
    """Gives the nodes the addresses that guests must not reach, and the router its outside."""

    def give(name: str) -> None:
        number = lab.spec.node(name).number
        on(
            lab,
            name,
            f"ip -6 address replace fd00:255::{number}/64 dev mgmt nodad; "
            f"ip -6 address replace fd00:192::{number}/64 dev vmbr0 nodad",
        )

    with ThreadPoolExecutor() as pool:
        list(pool.map(give, lab.spec.nodes))
    if "router" in lab.spec.nodes:
        on(
            lab,
            "router",
            "ip link show outside >/dev/null 2>&1 || ip link add outside type dummy; "
            f"ip link set outside up; ip address replace {OUTSIDE}/32 dev outside",
        )


def strip(lab: Lab) -> None:
    """Takes from the nodes what `furnish` gave: whoever deploys next finds a stranger's address."""

    def take(name: str) -> None:
        number = lab.spec.node(name).number
        with suppress(LabError):  # it is off, for a test that failed
            run_on(
                lab.spec.node(name),
                f"ip -6 address del fd00:255::{number}/64 dev mgmt; "
                f"ip -6 address del fd00:192::{number}/64 dev vmbr0",
            )

    with ThreadPoolExecutor() as pool:
        list(pool.map(take, lab.spec.nodes))


def own(lab: Lab, tenant: Tenant) -> set[str]:
    """What its guests reach: each other and their gateways."""
    numbers = vteps(lab.spec.nodes)
    return {address for n in numbers for address in tenant.addresses(n)} | set(tenant.gateways())


def nodes_themselves(lab: Lab) -> set[str]:
    """Every node's VTEP and management addresses, the router's among them."""
    return {
        address
        for node in lab.spec.nodes.values()
        for address in (
            "192.168.0." + ("254" if node.name == "router" else str(node.number)),
            node.mgmt_address,
            f"fd00:255::{node.number}",
            f"fd00:192::{node.number}",
        )
    }


def foreign(lab: Lab, tenant: Tenant) -> set[str]:
    """What its guests must not reach: all nodes, and all of the other tenants."""
    return nodes_themselves(lab) | {
        address for other in TENANTS if other is not tenant for address in own(lab, other)
    }


def _pings(addresses: set[str]) -> str:
    return (
        "\n".join(
            f"(ping -n -q -c 3 -i 0.3 -W 1 {a} 2>/dev/null | grep -q ' [1-3] received' && echo {a}) &"
            for a in sorted(addresses)
        )
        + "\nwait"
    )


def answering(lab: Lab, guest: str, addresses: set[str]) -> set[str]:
    """Which of those addresses answer a guest."""
    return set(guests.run(lab.spec, guest, _pings(addresses), timeout=120).check().split())


def answering_node(lab: Lab, node: str, addresses: set[str]) -> set[str]:
    """Which of those addresses answer a node, from its main table."""
    return set(on(lab, node, _pings(addresses)).split())


def start_capture(lab: Lab) -> None:
    """Has each node write down the packets of guests that leave it as they are, in no tunnel."""

    def start(name: str) -> None:
        for wire in ("vmbr0", "mgmt"):
            on(
                lab,
                name,
                f"systemd-run --quiet --collect --unit=leak-{wire} "
                f"-p StandardOutput=truncate:/run/leak-{wire} -p StandardError=null "
                f"tcpdump -lnni {wire} '({GUESTS}) and not dst host {OUTSIDE}'",
            )

    with ThreadPoolExecutor() as pool:
        list(pool.map(start, _hypervisors(lab)))


def captured(lab: Lab) -> dict[str, str]:
    """What each node wrote down since; nodes that saw nothing are left out."""

    def stop(name: str) -> str:
        stop = "systemctl stop leak-vmbr0 leak-mgmt"
        return on(lab, name, f"sleep 1; {stop}; cat /run/leak-vmbr0 /run/leak-mgmt").strip()

    names = _hypervisors(lab)
    with ThreadPoolExecutor() as pool:
        return {name: said for name, said in zip(names, pool.map(stop, names), strict=True) if said}


def _hypervisors(lab: Lab) -> list[str]:
    return [name for name in lab.spec.nodes if name.startswith("node")]
