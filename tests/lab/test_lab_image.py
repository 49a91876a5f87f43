"""Images of the lab's nodes, without building one: when they are built, kept and refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab import image
from lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.paths import LabPaths


@pytest.fixture
def fake_build(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand-ins for mmdebstrap and mke2fs; the list says in which program the build fails."""
    failing: list[str] = []

    def run(argv: list[str], **_options: object) -> str:
        if argv[0] == "mmdebstrap":
            Path(argv[-2]).mkdir()
        if argv[0] == "mke2fs":
            Path(argv[-2]).write_text("half" if failing else "whole")
        if argv[0] in failing:
            raise LabError(f"{argv[0]} failed", "try again")
        return ""

    monkeypatch.setattr(image, "run_host", run)
    monkeypatch.setattr(image, "furnish", lambda _tree: None)
    monkeypatch.setattr(image, "package_mirror", lambda: "mirror")
    monkeypatch.setattr(image, "recipe_hash", lambda release: f"hash-of-{release}")
    return failing


@pytest.mark.parametrize("program", ["mmdebstrap", "mke2fs"])
def test_a_half_built_image_is_never_used(
    paths: LabPaths, fake_build: list[str], program: str
) -> None:
    fake_build.append(program)
    with pytest.raises(LabError):
        image.ensure_image(paths, "trixie", lambda _text: None)
    assert not image.image_path(paths, "trixie").exists()
    assert [path.name for path in paths.images.iterdir()] == ["trixie.lock"]
    fake_build.clear()
    built = image.ensure_image(paths, "trixie", lambda _text: None)
    assert built.read_text() == "whole"


def test_a_changed_recipe_builds_again_and_drops_the_old_image(
    paths: LabPaths, fake_build: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not fake_build
    steps: list[str] = []
    old = image.ensure_image(paths, "bookworm", steps.append)
    assert image.ensure_image(paths, "bookworm", steps.append) == old
    assert len([step for step in steps if "image ready" in step]) == 1
    monkeypatch.setattr(image, "recipe_hash", lambda _release: "other")
    new = image.ensure_image(paths, "bookworm", steps.append)
    assert new != old
    assert new.exists()
    assert not old.exists()


def test_a_full_disk_is_said_before_the_build(
    paths: LabPaths, fake_build: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not fake_build
    usage = shutil.disk_usage("/")._replace(free=2 * 1024**3)
    monkeypatch.setattr(image.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(LabError, match=r"2\.0 GB free"):
        image.ensure_image(paths, "bookworm", lambda _text: None)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            (
                "Debian-Security|main|Packages|bookworm-security|http://s.example/sec/\n"
                "Debian|main|Packages|bookworm-updates|http://u.example/debian/\n"
                "Debian|main|Packages|bookworm|http://m.example/debian/\n"
            ),
            "http://m.example/debian/",
        ),
        ("Debian|main|Packages|bookworm|file:/srv/debian/\n", None),
        ("", None),
    ],
)
def test_the_mirror_is_that_of_this_computers_apt(
    monkeypatch: pytest.MonkeyPatch, rows: str, expected: str | None
) -> None:
    monkeypatch.setattr(image, "run_host", lambda _argv: rows)
    if expected is None:
        with pytest.raises(LabError, match="apt-get update"):
            image.package_mirror()
    else:
        assert image.package_mirror() == expected


# ---- Debian testing, which may be broken on any day


def test_without_debian_testing_its_stand_in_is_built_and_the_reason_returned(
    paths: LabPaths, fake_build: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not fake_build
    monkeypatch.setattr(image, "_build", broken_for("forky"))
    said = image.ensure_images(paths, ["bookworm", "forky"], lambda _text: None)
    assert "forky is broken" in (said or "")
    assert {path.name.partition("-")[0] for path in paths.images.glob("*.img")} == {
        "bookworm",
        "trixie",
    }


def test_a_stable_release_that_cannot_be_built_is_an_error(
    paths: LabPaths, fake_build: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not fake_build
    monkeypatch.setattr(image, "_build", broken_for("bookworm"))
    with pytest.raises(LabError, match="bookworm is broken"):
        image.ensure_images(paths, ["bookworm", "forky"], lambda _text: None)


@pytest.mark.parametrize(
    ("asked", "releases"), [("require", None), ("skip", {"bookworm", "trixie"})]
)
def test_debian_testing_can_be_required_or_skipped(
    paths: LabPaths,
    fake_build: list[str],
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    releases: set[str] | None,
) -> None:
    assert not fake_build
    monkeypatch.setattr(image, "_build", broken_for("forky"))
    monkeypatch.setenv("EVPN_FLEET_LAB_TESTING", asked)
    if releases is None:
        with pytest.raises(LabError, match="forky is broken"):
            image.ensure_images(paths, ["bookworm", "forky"], lambda _text: None)
    else:
        said = image.ensure_images(paths, ["bookworm", "forky"], lambda _text: None)
        assert "EVPN_FLEET_LAB_TESTING" in (said or "")
        built = {path.name.partition("-")[0] for path in paths.images.glob("*.img")}
        assert built == releases


def test_this_computers_word_on_expired_package_lists_reaches_mmdebstrap(
    paths: LabPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def run(argv: list[str], **_options: object) -> str:
        calls.append(argv)
        if argv[0] == "mke2fs":
            Path(argv[-2]).touch()
        return "false\n" if argv[0] == "apt-config" else ""

    monkeypatch.setattr(image, "run_host", run)
    monkeypatch.setattr(image, "furnish", lambda _tree: None)
    monkeypatch.setattr(image, "package_mirror", lambda: "mirror")
    image.ensure_image(paths, "forky", lambda _text: None)
    [built] = [argv for argv in calls if argv[0] == "mmdebstrap"]
    assert '--aptopt=Acquire::Check-Valid-Until "false"' in built


def broken_for(release: str) -> Callable[[Path, str, object], None]:
    def build(target: Path, wanted: str, _progress: object) -> None:
        if wanted == release:
            raise LabError(f"{wanted} is broken today", "wait a day")
        target.touch()

    return build
