"""`suppressions.yaml`: what is wrong in it is said with line, key, reason and hint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drift.catalogue import CHECKS
from overlay.errors import IntentError
from overlay.loading import load_inventory

if TYPE_CHECKING:
    from pathlib import Path

    from overlay.suppressions import Suppression

FABRIC = """
mode: unicast
underlay: {prefix: 192.168.0.0/24}
nodes:
  node1: {address: 192.168.0.1}
"""
GOOD = """\
suppressions:
  - check: mtu
    host: node*
    reason: known
    owner: noc
    expires: 2030-12-31
"""


def load(folder: Path, text: str | None, fabric: str = FABRIC) -> tuple[Suppression, ...]:
    (folder / "fabric.yaml").write_text(fabric)
    (folder / "hosts.yaml").write_text("node1: {hostname: a}\n")
    if text is not None:
        (folder / "suppressions.yaml").write_text(text)
    return load_inventory(folder, checks=CHECKS).suppressions


def test_a_good_file_is_read_and_an_absent_or_empty_one_is_none(tmp_path: Path) -> None:
    (item,) = load(tmp_path, GOOD)
    assert (item.check, item.host, item.object, str(item.expires)) == (
        "mtu", "node*", "*", "2030-12-31",
    )  # fmt: skip
    assert load(tmp_path, "# nothing\n") == ()
    (tmp_path / "suppressions.yaml").unlink()
    assert load(tmp_path, None) == ()


@pytest.mark.parametrize(
    ("old", "new", "said", "hint"),
    [
        (
            "    owner: noc\n",
            "",
            "suppressions.yaml:2:5: suppressions[0].owner: this key is missing",
            "add `owner:`, see docs/inventory.md",
        ),
        (
            "check: mtu",
            "check: mtus",
            "suppressions.yaml:2:5: suppressions[0].check: there is no check `mtus`",
            "did you mean `mtu`? `checks` lists them all",
        ),
        (
            "host: node*",
            "host: nod1",
            "suppressions.yaml:3:5: suppressions[0].host: there is no host `nod1`",
            "did you mean `node1`? see hosts.yaml",
        ),
        (
            "owner:",
            "owners: x\n    owner:",
            "suppressions.yaml:5:5: suppressions[0].owners: unknown key `owners`",
            "did you mean `owner`? known here: check, expires, host, object, owner, reason",
        ),
        (
            "2030-12-31",
            "tomorrow",
            "suppressions.yaml:6:5: suppressions[0].expires: Input should",
            "correct this value",
        ),
        (
            "reason: known",
            "reason: ' '",
            "suppressions.yaml:4:5: suppressions[0].reason: String",
            "correct this value",
        ),
        (
            GOOD,
            "- check: mtu\n",
            "suppressions.yaml: it is not a mapping",
            "start it with `suppressions:`",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, said: str, hint: str) -> None:
    with pytest.raises(IntentError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    (problem,) = caught.value.problems
    assert problem.startswith(said)
    assert f"next: {hint}" in problem


def test_its_problems_are_told_with_those_of_the_fabric(tmp_path: Path) -> None:
    with pytest.raises(IntentError) as caught:
        load(tmp_path, GOOD.replace("mtu", "mtus"), FABRIC.replace("mode", "modes"))
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "fabric.yaml", "suppressions.yaml",
    ]  # fmt: skip


def test_a_command_that_judges_nothing_does_not_read_it(tmp_path: Path) -> None:
    load(tmp_path, GOOD)
    (tmp_path / "suppressions.yaml").write_text("{")
    assert load_inventory(tmp_path).suppressions == ()
