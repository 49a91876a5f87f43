"""Compiled templates are kept for the next command, where nobody else can write, or not at all."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import Environment

from tasks.render import environment

if TYPE_CHECKING:
    from pathlib import Path

another = environment.__wrapped__
"""The environment of another process."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "evpn-fleet" / "templates"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that are compiled from now on."""
    names: list[str] = []
    real = Environment.compile

    def noted(self: Environment, source: Any, name: Any = None, *more: Any, **options: Any) -> Any:
        names.append(name)
        return real(self, source, name, *more, **options)

    monkeypatch.setattr(Environment, "compile", noted)
    return names


def load_all() -> list[str]:
    made = another()
    names = made.list_templates(extensions=["j2"])
    for name in names:
        made.get_template(name)
    return names


def test_the_next_command_compiles_nothing(folder: Path, compiled: list[str]) -> None:
    names = load_all()
    assert sorted(compiled) == names
    assert folder.stat().st_mode & 0o777 == 0o700
    compiled.clear()
    load_all()
    assert compiled == []


def test_what_another_version_compiled_is_not_run(
    folder: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = load_all()
    compiled.clear()
    monkeypatch.setattr("jinja2.__version__", "99")
    load_all()
    assert sorted(compiled) == names


@pytest.mark.parametrize("harm", ["open to others", "a link", "a file", "somebody else's"])
def test_a_folder_that_is_not_safe_is_left_alone(
    folder: Path, compiled: list[str], harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700, parents=True)
    if harm == "a link":
        folder.symlink_to(elsewhere)
    elif harm == "a file":
        folder.write_text("")
    else:
        folder.mkdir(mode=0o700)
    if harm == "open to others":
        folder.chmod(0o770)
    if harm == "somebody else's":
        monkeypatch.setattr("os.geteuid", lambda: folder.stat().st_uid + 1)
    names = load_all()
    assert sorted(compiled) == names
    assert [path for path in folder.parent.rglob("*") if path not in {folder, elsewhere}] == []


def test_a_folder_that_goes_away_is_no_error(folder: Path, compiled: list[str]) -> None:
    made = another()
    shutil.rmtree(folder)
    made.get_template("interfaces.j2")
    assert compiled == ["interfaces.j2"]
