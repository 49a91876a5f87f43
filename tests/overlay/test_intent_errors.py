"""Each wrong intent in `tests/errors/*.yml` gives exactly the words in the `.log` beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from overlay.errors import IntentError
from overlay.loading import load_inventory
from tests.generated import generated, hold

CASES = sorted((Path(__file__).parent.parent / "errors").glob("*.yml"))


def said(error: IntentError) -> str:
    return "\n".join([*error.problems, str(error)]) + "\n"


@generated
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_wrong_intent_is_explained(case: Path, tmp_path: Path) -> None:
    (tmp_path / "fabric.yaml").write_text(case.read_text())
    (tmp_path / "hosts.yaml").write_text("node1: {hostname: a}\nnode2: {hostname: b}\n")
    with pytest.raises(IntentError) as caught:
        load_inventory(tmp_path)
    hold(case.with_suffix(".log"), said(caught.value))


def test_there_are_cases() -> None:
    assert len(CASES) >= 35
    assert {case.stem for case in CASES} == {p.stem for p in CASES[0].parent.glob("*.log")}


def write(folder: Path, fabric: str, hosts: str) -> None:
    (folder / "fabric.yaml").write_text(fabric)
    (folder / "hosts.yaml").write_text(hosts)


FABRIC = """
mode: unicast
underlay: {prefix: 192.168.0.0/24}
nodes:
  node1: {address: 192.168.0.1}
  node2: {address: 192.168.0.2}
"""


def test_a_node_that_no_host_is_and_a_host_without_intent(tmp_path: Path) -> None:
    write(tmp_path, FABRIC, "node1: {hostname: a}\nnode22: {hostname: b}\n")
    with pytest.raises(IntentError) as caught:
        load_inventory(tmp_path)
    text = said(caught.value)
    assert "fabric.yaml:6:3: nodes.node2: hosts.yaml has no such host" in text
    assert "did you mean `node22`?" in text
    assert "hosts.yaml:2:1: node22: this host has no intent" in text


def test_a_folder_without_intent_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(IntentError, match=r"fabric\.yaml: there is no such file"):
        load_inventory(tmp_path)


def test_an_empty_hosts_file_is_one_problem_not_one_per_node(tmp_path: Path) -> None:
    write(tmp_path, FABRIC, "")
    with pytest.raises(IntentError) as caught:
        load_inventory(tmp_path)
    assert len(caught.value.problems) == 1
    assert "it has no hosts" in said(caught.value)


def test_binary_garbage_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "fabric.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(IntentError, match=r"cannot be read|not YAML"):
        load_inventory(tmp_path)
