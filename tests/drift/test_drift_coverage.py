"""What is parsed and rendered is compared, or a table says why not."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from drift.catalogue import CHECKS
from drift.coverage import RECORDS, STATEMENTS
from overlay import host_records, records, vlan_records
from overlay.loading import load_inventory
from tests.drift.test_drift_examples import EXAMPLES, LAB_TESTS
from tests.rendering import rendered_nodes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drift.coverage import Entry

# What holds records, or never comes from a node's state.
_NO_RECORDS = {
    "CommandResult", "DeviceStatement", "HostState", "InterfacesFile", "Passage", "RawOutput",
    "Stanza", "StatementElsewhere",
}  # fmt: skip
_WHOLE = {"frr.conf", "sysctl", "evpn-fleet-snat.nft"}
# What a bond of examples/lan-ports is made of is kept by hand: its file is compared as a whole.
_KEPT = {"bond-slaves", "bond-mode", "bond-miimon"}


def _fields(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_each_field_of_a_record_is_compared_or_excused() -> None:
    kinds = {
        name: kind
        for module in (records, host_records, vlan_records)
        for name, kind in vars(module).items()
        if dataclasses.is_dataclass(kind) and isinstance(kind, type) and name not in _NO_RECORDS
    }
    assert {name: _fields(kind) for name, kind in kinds.items()} == {
        name: set(fields) for name, fields in RECORDS.items()
    }


@pytest.mark.parametrize("table", [RECORDS, STATEMENTS], ids=["records", "statements"])
def test_what_compares_is_in_the_catalogue_and_an_excuse_says_something(
    table: Mapping[str, Mapping[str, Entry]],
) -> None:
    for place, rows in table.items():
        for name, entry in rows.items():
            if isinstance(entry, str):
                assert len(entry) > 5, (place, name)
            else:
                assert entry, (place, name)
                assert set(entry) <= CHECKS.keys(), (place, name)


@pytest.mark.parametrize("folder", [*EXAMPLES, *LAB_TESTS], ids=lambda path: path.name)
def test_each_statement_of_a_rendered_file_is_compared_or_excused(folder: Path) -> None:
    for node in rendered_nodes(load_inventory(folder).intent).values():
        for path, text in node.files.items():
            file = _file_of(path)
            if file in _WHOLE:
                continue
            told = (line.strip() for line in text.splitlines())
            lines = (line for line in told if line and line[0] != "#")
            words = {line.split()[0].partition("=")[0] for line in lines}
            assert words - STATEMENTS[file].keys() - _KEPT == set(), path


def _file_of(path: str) -> str:
    if "sysctl" in path:
        return "sysctl"
    return "interfaces" if "interfaces" in path else path.rpartition("/")[2]
