"""BFD on BGP sessions between two releases of FRR of which each may wait for the other."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from app.context import Context
from app.plan import warn_of_waiting
from overlay.crosscheck.waiting_sessions import waiting_sessions
from overlay.derive import derive
from overlay.intent import Fabric
from overlay.loading import load_inventory
from overlay.unused.unused_keys import unused_keys
from tasks.plan import ShownPlan
from tests.adopt.folders import EXAMPLES
from tests.cli.audits import call
from tests.overlay.leaf_spine import leaf_spine

EBGP = {"prefix": "10.254.0.0/15", "protocol": "ebgp-unnumbered", "bfd": True}


def keys(underlay: dict[str, Any] = EBGP, **versions: str) -> dict[str, Any]:
    found = leaf_spine(2, 1, underlay=underlay)
    for name, version in versions.items():
        found["nodes"][name.replace("_", "-")]["frr"] = version
    return found


def said(fabric: dict[str, Any], **running: str) -> list[tuple[str, str]]:
    intent = derive(Fabric.model_validate(fabric))
    asked = {name.replace("_", "-"): version for name, version in running.items()}
    return [(key[1], key[3]) for key, _, _ in waiting_sessions(intent, asked)]


@pytest.mark.parametrize(
    ("versions", "wanted"),
    [
        ({"leaf1": "8.4", "spine1_1": "10.3"}, [("leaf1", "swp1")]),
        ({"leaf1": "8.4.4", "leaf2": "8.5", "spine1_1": "10.3.1"},
         [("leaf1", "swp1"), ("leaf2", "swp1")]),
        ({"leaf1": "10.3", "spine1_1": "8.4"}, [("spine1-1", "swp1")]),
        ({"leaf1": "8.4", "leaf2": "10.3"}, []),  # no link joins them
        ({"leaf1": "8.4", "spine1_1": "10.7"}, []),
        ({"leaf1": "10.3", "spine1_1": "10.3"}, []),
        ({"leaf1": "8.4", "spine1_1": "8.4"}, []),
        ({"leaf1": "8.4"}, []),
    ],
)  # fmt: skip
def test_of_which_links_it_is_said(versions: dict[str, str], wanted: list[tuple[str, str]]) -> None:
    assert said(keys(**versions)) == wanted
    assert said(keys(), **versions) == wanted


def test_what_a_node_runs_counts_and_not_what_the_intent_says() -> None:
    assert said(keys(leaf1="8.4", spine1_1="10.3"), leaf1="10.3") == []


@pytest.mark.parametrize(
    "underlay", [EBGP | {"protocol": "ospf"}, {k: v for k, v in EBGP.items() if k != "bfd"}]
)
def test_only_of_bgp_with_bfd(underlay: dict[str, Any]) -> None:
    fabric = Fabric.model_validate(keys(underlay, leaf1="8.4", spine1_1="10.3"))
    intent = derive(fabric)
    assert list(waiting_sessions(intent, {"leaf1": "8.4", "spine1-1": "10.3"})) == []
    unused = [".".join(map(str, key)) for key, _, _ in unused_keys(fabric, intent.nodes)]
    assert unused == ["nodes.spine1-1.frr", "nodes.leaf1.frr"]


def test_the_versions_have_a_use_there() -> None:
    for more in ({"leaf1": "8.4", "spine1_1": "10.3"}, {"leaf1": "10.7"}):
        fabric = Fabric.model_validate(keys(**more) | {"bgp": {"asn": 65000, "frr": "8.4"}})
        assert list(unused_keys(fabric, derive(fabric).nodes)) == []


def test_validate_warns(tmp_path: Path) -> None:
    fabric = keys(leaf1="8.4", spine1_1="10.3")
    (tmp_path / "fabric.yaml").write_text(yaml.safe_dump(fabric))
    (tmp_path / "hosts.yaml").write_text(
        yaml.safe_dump({name: {"hostname": name} for name in fabric["nodes"]})
    )
    ended = call("--inventory", tmp_path, "validate")
    assert ended.code == 0, ended.err
    told = " ".join(ended.err.split())
    assert "nodes.leaf1.interfaces.swp1: BFD is to watch a session between FRR 8.4 here" in told
    assert "and 10.3 on spine1-1" in told
    assert "next: upgrade leaf1, or remove `underlay.bfd`" in told


def test_a_plan_warns_by_what_runs() -> None:
    intent = derive(Fabric.model_validate(keys()))
    told = io.StringIO()
    context = Context(Path(), err=Console(file=told, width=500))
    plans = [ShownPlan("leaf1", frr="8.4.4"), ShownPlan("leaf2"), ShownPlan("spine1-1", frr="10.3")]
    warn_of_waiting(context, plans, intent)
    assert told.getvalue().count("Warning: ") == 1
    assert "leaf1.interfaces.swp1: BFD is to watch a session between FRR 8.4.4" in told.getvalue()


def between(**running: str) -> list[str]:
    """What is said of the sessions between the nodes of an example whose exits peer outside."""
    example = yaml.safe_load((EXAMPLES / "exit-upstream-bgp" / "fabric.yaml").read_text())
    intent = derive(Fabric.model_validate(example | {"bgp": example["bgp"] | {"bfd": True}}))
    return [f"{'.'.join(key)}: {reason}" for key, reason, _ in waiting_sessions(intent, running)]


def test_sessions_between_nodes_are_one_warning() -> None:
    (said,) = between(node1="8.4", node2="10.3", node3="10.7", router="10.3.2")
    assert said.startswith("bgp.bfd: BFD is to watch sessions between these releases of FRR: ")
    assert "node1 (8.4) and router (10.3.2)" in said
    (other,) = between(router="8.4", node1="10.3")
    assert "router (8.4) and node1 (10.3)" in other
    # They have no session with each other, or none that waits.
    assert between(node2="8.4", router="10.3") == []
    assert between(node1="10.7", node2="10.3", router="8.4") == []


def test_without_bfd_nothing_waits() -> None:
    intent = load_inventory(EXAMPLES / "l2-evpn").intent
    versions = {"node1": "8.4", "node2": "10.3"}
    assert list(waiting_sessions(intent, versions)) == []
