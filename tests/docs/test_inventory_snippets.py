"""What docs/inventory.md shows of an inventory is valid where it says to put it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from drift.catalogue import CHECKS
from overlay.errors import IntentError
from overlay.loading import load_inventory
from overlay.suppressions import SUPPRESSIONS_FILE
from tests.docs.documents import DOCS, ROOT, Block, blocks

if TYPE_CHECKING:
    from pathlib import Path

# `nornir.yaml` is a file of its own, with a plugin that need not be installed here.
SNIPPETS = [
    block
    for block in blocks(DOCS / "inventory.md")
    if block.language == "yaml" and block.title != "nornir.yaml"
]


def put(folder: Path, text: str) -> None:
    """Puts a snippet into an example's inventory: networks, accepted findings, or keys of the intent."""
    shutil.copytree(ROOT / "examples" / "l3-symmetric", folder)
    content: Any = yaml.safe_load(text)
    if isinstance(content, dict) and "suppressions" in content:
        (folder / SUPPRESSIONS_FILE).write_text(text)
        return
    file = folder / "fabric.yaml"
    fabric = yaml.safe_load(file.read_text())
    if isinstance(content, list):
        fabric["networks"] += content
    else:
        fabric |= content
    file.write_text(yaml.safe_dump(fabric))


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda block: f"line{block.line}")
def test_snippets_are_valid(snippet: Block, tmp_path: Path) -> None:
    put(tmp_path / "fabric", snippet.text)
    load_inventory(tmp_path / "fabric", checks=CHECKS.keys())


def test_there_are_snippets() -> None:
    assert any("vni:" in snippet.text for snippet in SNIPPETS)
    assert any("suppressions:" in snippet.text for snippet in SNIPPETS)


@pytest.mark.parametrize("wrong", ["- vni: 2", "bgp: {as: 1}", "suppressions: [{check: nix}]"])
def test_a_wrong_snippet_is_noticed(wrong: str, tmp_path: Path) -> None:
    put(tmp_path / "fabric", wrong)
    with pytest.raises(IntentError):
        load_inventory(tmp_path / "fabric", checks=CHECKS.keys())
