"""Fabrics with a routed underlay, of any size and protocol."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import strategies as st

from overlay.derive import derive
from overlay.expected import FabricIntent  # noqa: TC001 - hypothesis reads the annotation
from overlay.intent import Fabric


def leaf_spine(leaves: int, spines: int, racks: int = 1, **keys: Any) -> dict[str, Any]:
    """The keys of a fabric: each leaf has a link with each spine of its rack, and of rack 1."""
    nodes: dict[str, Any] = {}
    for rack in range(1, racks + 1):
        for spine in range(1, spines + 1):
            nodes[f"spine{rack}-{spine}"] = {
                "role": "spine",
                "address": f"10.254.{rack}.{spine}",
                "interfaces": {},
            }
    for leaf in range(1, leaves + 1):
        name, rack = f"leaf{leaf}", 1 + leaf % racks
        nodes[name] = {"address": f"10.255.{leaf // 250}.{1 + leaf % 250}", "interfaces": {}}
        for spine in range(1, spines + 1):
            connect(nodes, name, f"spine{rack}-{spine}")
    for rack in range(2, racks + 1):
        for spine in range(1, spines + 1):
            connect(nodes, f"spine{rack}-{spine}", f"spine1-{spine}")
    return {
        "underlay": {"prefix": "10.254.0.0/15", "protocol": "ospf"},
        "bgp": {"asn": 65000},
        "networks": [{"vni": 2}],
        "nodes": nodes,
    } | keys


def connect(nodes: dict[str, Any], one: str, other: str, number: int | None = None) -> None:
    """A link between two nodes; with a number, it has addresses of its own."""
    for place, (name, peer) in enumerate(((one, other), (other, one))):
        links = nodes[name]["interfaces"]
        links[f"swp{len(links) + 1}"] = {"peer": peer} | (
            {}
            if number is None
            else {"address": f"172.16.{number // 100}.{2 * (number % 100) + place}/31"}
        )


@st.composite
def routed_fabrics(draw: Any) -> FabricIntent:
    """Leaves and spines with one or several links between two of them."""
    keys = leaf_spine(0, draw(st.integers(1, 3)))
    nodes, numbers = keys["nodes"], count()
    for leaf in range(1, draw(st.integers(2, 4)) + 1):
        nodes[f"leaf{leaf}"] = {"address": f"10.255.0.{leaf}", "interfaces": {}}
        for spine in [name for name in nodes if name.startswith("spine")]:
            for _ in range(draw(st.integers(1, 2))):
                number = next(numbers) if draw(st.booleans()) else None
                connect(nodes, f"leaf{leaf}", spine, number)
    underlay = keys["underlay"]
    underlay["protocol"] = draw(st.sampled_from(["ospf", "isis", "openfabric", "ebgp-unnumbered"]))
    bfd = [None, True] + [{"interval": 100}] * (underlay["protocol"] != "openfabric")
    if (probes := draw(st.sampled_from(bfd))) is not None:
        underlay["bfd"] = probes
    if draw(st.booleans()):
        underlay["loopback"] = "dummy0"
    if draw(st.booleans()):
        underlay["hello"] = draw(st.sampled_from([1, 2, 7]))
    if draw(st.booleans()):
        keys |= {"bgp": {"asn": 65000, "cluster_id": "1.1.1.1", "bfd": draw(st.booleans())}}
        for name in nodes:
            if name.startswith("spine"):
                nodes[name]["role"] = "reflector"
    return derive(Fabric.model_validate(keys))
