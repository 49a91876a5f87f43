"""A key is refused exactly when nothing is derived from it; rendering every node is the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from overlay.crosscheck.fabric import contradictions
from overlay.derive import derive
from overlay.intent import Fabric
from overlay.unused.unused_keys import unused_keys
from overlay.unused.written_keys import GONE, Written, with_values, written_keys
from tests.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.problems import KeyPath

# Written to no file, and yet compared: where the VTEP address is, in the overlay scope; what an
# external node carries, and where its tunnels end; sessions and tunnels that reflectors are visited by.
AUDITED_ONLY = {
    ("underlay", "bridge"),
    ("nodes", "rrserver1", "vnis"),
    ("nodes", "switch", "vnis"),
    ("nodes", "switch1", "vnis"),
    ("nodes", "switch", "vtep"),
    ("bgp", "listen", 0),
}
# The intent's loader puts the text of a file in the place of its name; `stp` is refused.
IN_NO_INTENT = {"frr_extra_file", "interfaces_extra_file", "Network.stp"}

ROOT = Path(__file__).resolve().parent.parent.parent
FABRICS = sorted(
    [
        ROOT / "inventory" / "fabric.yaml",
        *(ROOT / "examples").glob("*/fabric.yaml"),
        *(ROOT / "tests" / "live").glob("*/fabric.yaml"),
        *(ROOT / "tests" / "errors").glob("unused-*.yml"),
        *Path(__file__).parent.glob("every_key/*.yaml"),
    ]
)


def read(path: Path) -> Fabric:
    return Fabric.model_validate(yaml.safe_load(path.read_text()))


def unused(fabric: Fabric) -> list[KeyPath]:
    assert list(contradictions(fabric)) == []
    return [key for key, _, _ in unused_keys(fabric, derive(fabric).nodes)]


class BySource(dict[Any, str]):
    """Each password is where it is found: another place may have another one."""

    def __missing__(self, source: object) -> str:
        return repr(source)


def rendered_alike(fabric: Fabric, written: Written) -> bool:
    """The slow way: every node's files and every cross-check, for each other value by itself."""
    files = render(derive(fabric), BySource())
    for other in written.others:
        changed = with_values(fabric, {written.key: other})
        if render(derive(changed), BySource()) != files:
            return False
        if other is not GONE and any(
            key[: len(written.key)] != written.key for key, _, _ in contradictions(changed)
        ):
            return False
    return True


def names(path: Path) -> str:
    return path.parent.name if path.name == "fabric.yaml" else path.stem


@pytest.mark.parametrize("path", FABRICS, ids=names)
def test_exactly_what_changes_no_rendered_file_is_refused(path: Path) -> None:
    fabric = read(path)
    refused = unused(fabric)
    alike = [found.key for found in written_keys(fabric) if rendered_alike(fabric, found)]
    outer = {key for key in alike if not any(key[:n] in alike for n in range(1, len(key)))}
    # Of a list of names each is asked for by itself: all nodes may be named one by one.
    listed = {key for key in (*refused, *outer) if key[2:3] in {("nodes",), ("exits",)}}
    assert set(refused) - listed == outer - listed - AUDITED_ONLY


def test_each_key_of_the_schema_is_in_one_of_those_intents() -> None:
    written = {key for path in FABRICS for key in _keys_in(read(path))}
    missing = {key for key in keys_of(Fabric) if key.partition(".")[2] not in IN_NO_INTENT}
    assert missing - IN_NO_INTENT - written == set()


def _keys_in(value: object) -> Iterator[str]:
    """The keys that are set, as `Section.key`, in whatever it holds."""
    if isinstance(value, BaseModel):
        for name in value.model_fields_set:
            yield f"{type(value).__name__}.{name}"
            yield from _keys_in(getattr(value, name))
    elif isinstance(value, Mapping):
        yield from _keys_in(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _keys_in(part)


def keys_of(kind: object) -> Iterator[str]:
    """All keys of a section, and of those within it."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield f"{kind.__name__}.{name}"
            yield from keys_of(field.annotation)
    for part in get_args(kind):
        yield from keys_of(part)


@pytest.mark.parametrize(
    "changes",
    [
        {"networks": [{"vni": 2, "nodes": ["node1", "node2"]}]},  # all of them, said one by one
        {"networks": [{"vni": 2, "nodes": ["node*", "node1"]}]},
        {"networks": [{"vni": 2, "mtu": 1500, "bridge": "vmbr2", "name": "for people"}]},
        {"name": "mine", "overlay": {"mtu": 1500, "dstport": 4789}, "scope": "whole"},
        {"networks": [{"vni": 2, "mtu": 1400}], "overlay": {"mtu": 1500}},
        {"underlay": {"prefix": "192.168.0.0/24", "mtu": 9000, "forwarding": False}},
        {"scope": "overlay", "underlay": {"prefix": "192.168.0.0/24", "mtu": 9000}},
        {"nodes": {"node1": {"address": "192.168.0.1", "router_id": "192.168.0.1"}}},
        {"nodes": {"node1": {"address": "192.168.0.1", "role": "vtep", "scope": "whole"}}},
    ],
    ids=str,
)
def test_a_default_said_aloud_is_not_an_unused_key(changes: dict[str, Any]) -> None:
    base: dict[str, Any] = {
        "underlay": {"prefix": "192.168.0.0/24"},
        "bgp": {"asn": 1234},
        "networks": [{"vni": 2}],
        "nodes": {f"node{n}": {"address": f"192.168.0.{n}"} for n in (1, 2)},
    }
    assert unused(Fabric.model_validate({**base, **changes})) == []


def test_thousands_of_unused_keys_cost_two_derivations() -> None:
    nodes = {
        f"n{n}": {"address": f"10.0.{n // 250}.{n % 250 + 1}", "frr": "10.3"} for n in range(500)
    }
    fabric = Fabric.model_validate(
        {
            "underlay": {"prefix": "10.0.0.0/16"},
            "bgp": {"asn": 65000},
            "networks": [{"vni": 2}],
            "nodes": nodes,
        }
    )
    assert unused(fabric) == [("nodes", name, "frr") for name in nodes]
