"""Small fabrics to audit, and the ways to break one thing in their observed states."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift.result import NOT_CHOSEN
from overlay import outputs
from overlay.derive import derive
from overlay.intent import Bfd, Fabric
from overlay.loading import load_inventory
from parsers import READERS
from tests.drift import applicable
from tests.simulated.outputs import PrintedState, reprint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drift.result import AuditResult, SkippedCheck
    from overlay.expected import FabricIntent
    from overlay.records import EvpnPath, FdbEntry, HostState

    States = dict[str, HostState]
    Mutation = Callable[[States], None]

ROOT = Path(__file__).parents[2]
# What compares with rendered files, for tests that render none.
BY_RENDER = applicable.RENDERED
GATEWAY_MAC = "44:39:39:ff:40:94"
Unfolded = set[tuple[str, str, str]]


def symmetric(nodes: int = 3) -> FabricIntent:
    """VNI 2 on all nodes, VNI 3 on the first two, both routed in vrf1 over L3VNI 4000."""
    return _derive(
        nodes,
        mode="evpn",
        routing="symmetric",
        bgp={"asn": 1234},
        overlay={"gateway_mac": GATEWAY_MAC},
        vrfs={"vrf1": {"l3vni": 4000}},
        networks=[
            {"vni": 2, "vrf": "vrf1", "gateways": ["10.0.2.254/24", "fd00:2::1/64"]},
            {"vni": 3, "vrf": "vrf1", "gateways": ["10.0.3.254/24"], "nodes": ["node[12]"]},
        ],
    )


def announcing() -> FabricIntent:
    """The same as `symmetric`, and vrf1 announces its subnets."""
    fabric = symmetric().fabric
    vrf = fabric.vrfs["vrf1"].model_copy(update={"advertise": ("subnets",)})
    return derive(fabric.model_copy(update={"vrfs": {"vrf1": vrf}}))


def routed(
    advertise: Sequence[str] = ("subnets", "static"), on: Sequence[str] = ()
) -> FabricIntent:
    """VNI 2 of vrf1 on nodes 1 and 2, VNI 3 of vrf2 on 2 and 3; each VRF reaches the other's.

    vrf1 has static routes: 10.9.0.0/16 by 10.0.2.7 (`on` these nodes), and fd00:9::/32 to nowhere.
    """
    behind = {"prefix": "10.9.0.0/16", "via": "10.0.2.7"} | ({"nodes": on} if on else {})
    return _derive(
        3,
        mode="evpn",
        routing="symmetric",
        bgp={"asn": 1234},
        overlay={"gateway_mac": GATEWAY_MAC},
        vrfs={
            "vrf1": {
                "l3vni": 4000,
                "advertise": advertise,
                "routes": [behind, {"prefix": "fd00:9::/32", "via": "blackhole"}],
                "leak": [{"from": "vrf2", "prefixes": ["10.0.3.0/24"]}],
            },
            "vrf2": {"l3vni": 4001, "leak": [{"from": "vrf1", "prefixes": ["10.0.2.0/24"]}]},
        },
        networks=[
            {"vni": 2, "vrf": "vrf1", "gateways": ["10.0.2.254/24"], "nodes": ["node[12]"]},
            {"vni": 3, "vrf": "vrf2", "gateways": ["10.0.3.254/24"], "nodes": ["node[23]"]},
        ],
    )


def by_hand() -> FabricIntent:
    """The same, with targets by hand: VNI 2 65000:102, VRF vrf1 65000:400 and 65001:400 outside."""
    keys = announcing().fabric.model_dump(mode="json", by_alias=True, exclude_none=True)
    keys["networks"][0]["rt"] = {"import": ["65000:102"], "export": ["65000:102"]}
    keys["vrfs"]["vrf1"]["rt"] = {
        "import": ["65000:400", "65001:400"],
        "export": ["65000:400"],
        "outside": ["65001:400"],
    }
    keys["vrfs"]["vrf1"]["rd"] = "{router_id}:4000"
    return derive(Fabric.model_validate(keys))


def exits(*names: str, primary: str | None = None, nodes: int = 3) -> FabricIntent:
    """VNI 2 on all nodes, routed in vrf1 over L3VNI 4000, and these nodes lead it out."""
    return _derive(
        nodes,
        mode="evpn",
        routing="symmetric",
        bgp={"asn": 1234},
        overlay={"gateway_mac": GATEWAY_MAC},
        vrfs={"vrf1": {"l3vni": 4000, "exits": names, "primary": primary}},
        networks=[{"vni": 2, "vrf": "vrf1", "gateways": ["10.0.2.254/24"]}],
        nodes={
            f"node{n}": {"address": f"192.168.0.{n}"}
            | ({"gateway": "192.168.0.254"} if f"node{n}" in names else {})
            for n in range(1, nodes + 1)
        }
        | {"router": {"address": "192.168.0.254", "role": "router"}},
    )


def bridged(nodes: int = 3) -> FabricIntent:
    """EVPN without routing, VNIs 2 and 3 on all nodes."""
    return _derive(nodes, mode="evpn", bgp={"asn": 1234}, networks=[{"vni": 2}, {"vni": 3}])


def led_out() -> FabricIntent:
    """`bridged`, and node1 leads VNI 2 to a LAN by VLAN 20 of eno2, node2 by a bond as a whole."""
    fabric = bridged().fabric
    ports = {"node1": ("eno2.20",), "node2": ("bond0",)}
    network = fabric.networks[0].model_copy(update={"ports": ports})
    return derive(fabric.model_copy(update={"networks": (network, *fabric.networks[1:])}))


def unicast(nodes: int = 3) -> FabricIntent:
    """Head-end replication, VNIs 2 and 3 on all nodes."""
    return _derive(nodes, mode="unicast", networks=[{"vni": 2}, {"vni": 3}])


def multicast(nodes: int = 3) -> FabricIntent:
    """One group for VNIs 2 and 3 on all nodes."""
    return _derive(
        nodes,
        mode="multicast",
        overlay={"group": "225.20.1.1"},
        networks=[{"vni": 2}, {"vni": 3}],
    )


def example(name: str) -> FabricIntent:
    """The fabric of `examples/<name>`."""
    return load_inventory(ROOT / "examples" / name).intent


def with_bfd(name: str) -> FabricIntent:
    """The same with BFD beside each BGP session."""
    fabric = example(name).fabric
    assert fabric.bgp is not None
    bgp = fabric.bgp.model_copy(update={"bfd": Bfd.model_validate({})})
    return derive(fabric.model_copy(update={"bgp": bgp}))


def _derive(count: int, /, **fabric: Any) -> FabricIntent:
    return derive(
        Fabric.model_validate(
            {
                "underlay": {"prefix": "192.168.0.0/24"},
                "nodes": {f"node{n}": {"address": f"192.168.0.{n}"} for n in range(1, count + 1)},
            }
            | fabric
        )
    )


def unfolded(result: AuditResult) -> Unfolded:
    """The root findings as (check, host, object); every audit's promises are checked on the way."""
    by_id = {finding.id: finding for finding in result.findings}
    assert len(by_id) == len(result.findings), "ids are unique"
    assert [f.order for f in result.findings] == sorted(f.order for f in result.findings)
    for finding in result.findings:
        if finding.caused_by is not None:
            assert by_id[finding.caused_by].caused_by is None, "a root is not folded itself"
        assert f"{finding.object}: " in finding.message
        assert " - Expected: " in finding.message
        assert " Actual: " in finding.message
        assert all(evidence.text for evidence in finding.evidence)
    return {(f.check, f.host, f.object) for f in result.findings if f.caused_by is None}


def lacking(result: AuditResult) -> tuple[SkippedCheck, ...]:
    """What could not be made, without what the test itself left out."""
    return tuple(skip for skip in result.skipped if skip.reason != NOT_CHOSEN)


def folded(result: AuditResult) -> set[tuple[str, str, str]]:
    return {(f.check, f.host, f.object) for f in result.findings if f.caused_by is not None}


def link(host: str, name: str, **changes: Any) -> Mutation:
    """Changes fields of a link; `vxlan=`, `bridge=` and `bridge_port=` take the fields to change."""

    def mutate(states: States) -> None:
        links = _links(states, host)
        old = links[name]
        for part in ("vxlan", "bridge", "bridge_port"):
            if isinstance(changes.get(part), dict):
                changes[part] = replace(getattr(old, part), **changes[part])
        links[name] = replace(old, **changes)

    return mutate


def no_link(host: str, name: str) -> Mutation:
    return lambda states: _links(states, host).pop(name) and None


def new_link(host: str, like: str, name: str, *, master: str | None = "", **vxlan: Any) -> Mutation:
    """A further VXLAN device, like another one but for what is named."""

    def mutate(states: States) -> None:
        links = _links(states, host)
        old = links[like]
        assert old.vxlan is not None
        found = replace(old, name=name, vxlan=replace(old.vxlan, **vxlan))
        links[name] = found if master == "" else replace(found, master=master)

    return mutate


def _links(states: States, host: str) -> dict[str, Any]:
    links = dict(states[host].links or {})
    states[host] = replace(states[host], links=links)
    return links


def fdb(host: str, change: Callable[[FdbEntry], FdbEntry | None]) -> Mutation:
    """Changes each entry of a forwarding database, or drops those that become None."""

    def mutate(states: States) -> None:
        entries = (change(entry) for entry in states[host].fdb or ())
        states[host] = replace(states[host], fdb=tuple(e for e in entries if e is not None))

    return mutate


def more_fdb(host: str, *entries: FdbEntry) -> Mutation:
    def mutate(states: States) -> None:
        states[host] = replace(states[host], fdb=(*(states[host].fdb or ()), *entries))

    return mutate


def paths(host: str, change: Callable[[EvpnPath], EvpnPath | None]) -> Mutation:
    """Changes each path of an EVPN table, or drops those that become None."""

    def mutate(states: States) -> None:
        table = states[host].evpn
        assert table is not None
        kept = tuple(p for path in table.paths if (p := change(path)) is not None)
        states[host] = replace(states[host], evpn=replace(table, paths=kept))

    return mutate


def more_paths(host: str, *new: EvpnPath) -> Mutation:
    def mutate(states: States) -> None:
        table = states[host].evpn
        assert table is not None
        table = replace(table, paths=(*table.paths, *new), empty=False)
        states[host] = replace(states[host], evpn=table)

    return mutate


def table(host: str, **changes: Any) -> Mutation:
    def mutate(states: States) -> None:
        old = states[host].evpn
        assert old is not None
        states[host] = replace(states[host], evpn=replace(old, **changes))

    return mutate


def json(host: str, slug: str, change: Callable[[Any], Any]) -> Mutation:
    """Changes a document that a command printed in place, or replaces it by what `change` returns.

    It is read again as a worker reads it, a text as well.
    """

    def mutate(states: States) -> None:
        state = states[host]
        assert isinstance(state, PrintedState)
        value = copy.deepcopy(state.printed[slug])
        changed = change(value)
        states[host] = reprint(state, slug, value if changed is None else changed)

    return mutate


def text(host: str, slug: str, change: Callable[[str], str]) -> Mutation:
    """Changes a text that a command printed, or a managed file's; FRR's last line stays last."""
    if slug == outputs.RUNNING_CONFIG:
        return json(host, slug, lambda said: f"{change(said)}end\n")
    if not slug.startswith("file_"):
        return json(host, slug, change)

    def mutate(states: States) -> None:
        files = states[host].files | {slug: change(states[host].files[slug])}
        states[host] = replace(states[host], files=files)

    return mutate


def probed(host: str, *answers: str) -> Mutation:
    """What the node printed in an audit with `--probe`."""

    def mutate(states: States) -> None:
        state = states[host]
        assert isinstance(state, PrintedState)
        states[host] = reprint(state, outputs.PROBE, "".join(f"{line}\n" for line in answers))

    return mutate


_PLANES = {"links": outputs.IP_LINK, "fdb": outputs.BRIDGE_FDB, "evpn": outputs.EVPN_TABLE} | {
    reader.plane: slug for slug, reader in READERS.items()
}


def without(host: str, *planes: str) -> Mutation:
    """Takes whole planes away, as when their commands were not collected."""

    def mutate(states: States) -> None:
        gone = {_PLANES[plane] for plane in planes}
        commands = {s: result for s, result in states[host].commands.items() if s not in gone}
        nothing: dict[str, Any] = dict.fromkeys(planes)
        states[host] = replace(states[host], commands=commands, **nothing)

    return mutate


def unreachable(host: str) -> Mutation:
    def mutate(states: States) -> None:
        states[host] = type(states[host])(host=host, error="connection timed out")

    return mutate


def both(*mutations: Mutation) -> Mutation:
    def mutate(states: States) -> None:
        for mutation in mutations:
            mutation(states)

    return mutate
