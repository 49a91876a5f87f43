"""The wheel, installed away from the checkout: it works there, and writes nothing there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.cli.audits import CLEAN, ROOT

if TYPE_CHECKING:
    from pathlib import Path

# A wheel is built and installed.
pytestmark = pytest.mark.slow

_SECONDS = 120


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel; `program` is its console command."""

    wheel: Path
    environment: Path

    @property
    def program(self) -> Path:
        return self.environment / "bin" / "evpn-fleet"

    def call(
        self, folder: Path, *arguments: object, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs the command in a working folder, and sees that it names no folder of packages."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("EVPN_", "PYTHON"))}
        done = subprocess.run(
            [self.program, *map(str, arguments)],
            cwd=folder, env=inherited | variables, capture_output=True, text=True, check=False,
            timeout=_SECONDS,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        assert "site-packages" not in done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Needs no network: the libraries are those that run this test."""
    folder = tmp_path_factory.mktemp("installed")
    wheel = build_wheel(folder)
    environment = folder / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps",
        "--no-index", wheel,
    )  # fmt: skip
    (library,) = environment.glob("lib/python*/site-packages")
    (library / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(wheel, environment)


def build_wheel(folder: Path) -> Path:
    """Built from a copy: setuptools leaves its own folders beside what it builds."""
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    for package in packages():
        if "." not in package:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, source / package, ignore=ignore)
    run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index",
        "--no-build-isolation", "--wheel-dir", folder, source,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    return wheel


def packages() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return list(settings["tool"]["setuptools"]["packages"])


def run(*command: object) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True, text=True, check=False, timeout=_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A working folder with an inventory."""
    shutil.copytree(ROOT / "inventory", tmp_path / "desk" / "inventory")
    return tmp_path / "desk"


def test_the_wheel_has_every_file_of_its_packages(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        held = set(archive.namelist())
    for package in packages():
        folder = ROOT / package.replace(".", "/")
        wanted = {
            str(path.relative_to(ROOT))
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert wanted <= held


def test_it_validates_and_renders_the_inventory_of_the_working_folder(
    installed: Installed, desk: Path
) -> None:
    done = installed.call(desk, "validate")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("inventory: fabric lab is valid")
    assert installed.call(desk, "render", "-o", "build").returncode == 0
    assert (desk / "build/node1/etc/network/interfaces").is_file()


def test_an_audit_lies_below_the_working_folder(installed: Installed, desk: Path) -> None:
    done = installed.call(desk, "audit", "--from", CLEAN)
    assert done.returncode == 0, done.stderr
    assert (desk / "audits/latest/report.html").is_file()
    for name in ("report.json", "report.html"):
        text = (desk / "audits/latest" / name).read_text()
        assert str(installed.environment) not in text
        assert "site-packages" not in text


def test_the_inventory_can_be_elsewhere_and_audits_stay_here(
    installed: Installed, desk: Path, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    elsewhere = str(desk / "inventory")
    done = installed.call(here, "audit", "--from", CLEAN, EVPN_FLEET_INVENTORY=elsewhere)
    assert done.returncode == 0, done.stderr
    assert (here / "audits/latest/report.json").is_file()
    assert sorted(path.name for path in desk.iterdir()) == ["inventory"]
    line = installed.call(here, "schedule", "--cron", EVPN_FLEET_INVENTORY=elsewhere).stdout
    assert line == (
        f"*/15 * * * * cd {here} && {installed.program} --quiet --inventory {elsewhere} audit\n"
    )


def test_without_an_inventory_it_says_where_it_looked(installed: Installed, tmp_path: Path) -> None:
    done = installed.call(tmp_path, "validate")
    assert done.returncode == 1
    assert "inventory" in done.stderr
    assert "next: " in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_names_the_command_and_no_folder_of_this_computer(
    installed: Installed, tmp_path: Path
) -> None:
    done = installed.call(tmp_path, "--help", COLUMNS="200")
    assert "Usage: evpn-fleet " in done.stdout
    assert str(ROOT) not in done.stdout
