"""How generated files are held: a stale one fails and names the command, which writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app import regenerate
from app.context import Context
from overlay.errors import FleetError
from tests import generated

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    monkeypatch.delenv(regenerate.REGENERATE, raising=False)
    (tmp_path / "page.md").write_text("old\n")
    return tmp_path / "page.md"


def test_a_stale_file_fails_and_names_the_command(page: Path) -> None:
    with pytest.raises(AssertionError, match=r"page\.md is stale: run `python run\.py dev regen"):
        generated.hold(page, "new\n")
    assert page.read_text() == "old\n"


def test_a_current_file_passes_and_a_missing_one_is_stale(page: Path) -> None:
    generated.hold(page, "old\n")
    with pytest.raises(AssertionError, match="is stale"):
        generated.hold(page.with_name("missing.md"), "")


def test_regenerating_writes_it(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(regenerate.REGENERATE, "1")
    generated.hold(page, "new\n")
    generated.hold(page.parent / "below" / "new.md", "first\n")
    assert page.read_text() == "new\n"
    assert (page.parent / "below" / "new.md").read_text() == "first\n"


def test_outside_a_checkout_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regenerate, "ROOT", tmp_path)
    with pytest.raises(FleetError, match="is not a checkout"):
        regenerate.regenerate(Context(inventory=tmp_path))
