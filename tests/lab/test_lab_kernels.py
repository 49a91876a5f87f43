"""The choice of a kernel: candidates in order, each proven by a boot, remembered for this computer."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from lab.errors import LabError
from lab.kernels import choice, sources
from lab.kernels.choice import CANDIDATES, choose
from lab.kernels.kernel import Kernel, newest_modules, prove

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODULES = ("vxlan", "vrf", "bridge", "8021q", "veth", "macvlan", "dummy")


def kernel_that(folder: Path, name: str, script: str, modules: tuple[str, ...] = MODULES) -> Kernel:
    """A stand-in kernel: a shell script that prints what a booting kernel would."""
    program = folder / f"{name}.sh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    tree = folder / "modules" / "7.2.7"
    tree.mkdir(parents=True, exist_ok=True)
    (tree / "modules.dep").write_text("".join(f"kernel/net/{m}.ko:\n" for m in modules))
    return Kernel(name, program, tree)


BOOTS = 'echo "kernel 7.2.7 runs programs"'
DIES = "echo 'userspace - ptrace set fp regs failed, errno = 14'; exit 1"


@pytest.fixture
def candidates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Kernel]]:
    """What each candidate is in this test: one that boots, until the test replaces it."""
    found: dict[str, Callable[[], Kernel]] = {}
    monkeypatch.setattr(choice, "_candidate", lambda name, *_rest: found[name]())
    for name in CANDIDATES:
        found[name] = lambda name=name: kernel_that(tmp_path, name, BOOTS)
    return found


def chosen(folder: Path, **environ: str) -> choice.Choice:
    return choose(folder, lambda: "mirror", lambda _text: None, environ)


def test_the_first_candidate_that_boots_is_chosen_and_what_the_others_said_is_kept(
    tmp_path: Path, candidates: dict[str, Callable[[], Kernel]]
) -> None:
    def not_to_be_had() -> Kernel:
        raise LabError("no such package", "try again")

    candidates["testing-seccomp"] = not_to_be_had
    candidates["installed"] = lambda: kernel_that(tmp_path, "installed", DIES)
    found = chosen(tmp_path / "cache")
    assert found.kernel.name == "installed-xsave"
    assert found.tried["testing-seccomp"] == found.tried["testing"] == "no such package"
    assert "errno = 14" in found.tried["installed"]
    assert "errno = 14" in found.why


def test_a_proven_kernel_is_not_booted_again_but_a_changed_one_is(
    tmp_path: Path, candidates: dict[str, Callable[[], Kernel]]
) -> None:
    boots = tmp_path / "boots"
    script = f"echo boot >>{boots}; {BOOTS}"
    candidates["testing-seccomp"] = lambda: fixed
    fixed = kernel_that(tmp_path, "testing-seccomp", script)
    assert chosen(tmp_path / "cache").kernel == fixed
    assert chosen(tmp_path / "cache").kernel == fixed
    assert boots.read_text() == "boot\n"
    os.utime(fixed.program, (1, 1))  # another build of the same version
    chosen(tmp_path / "cache")
    assert boots.read_text() == "boot\nboot\n"


def test_another_processor_proves_it_again(
    tmp_path: Path,
    candidates: dict[str, Callable[[], Kernel]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert chosen(tmp_path / "cache").kernel.name == "testing-seccomp"
    monkeypatch.setattr(choice, "_computer", lambda: "another")
    candidates["testing-seccomp"] = lambda: kernel_that(tmp_path, "testing-seccomp", DIES)
    assert chosen(tmp_path / "cache").kernel.name == "testing"


def test_a_failure_is_remembered_for_a_day_only(
    tmp_path: Path,
    candidates: dict[str, Callable[[], Kernel]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dies = kernel_that(tmp_path, "testing-seccomp", DIES)
    candidates["testing-seccomp"] = lambda: dies
    now = 1_000_000.0
    monkeypatch.setattr(choice.time, "time", lambda: now)
    assert chosen(tmp_path / "cache").kernel.name == "testing"
    stat = dies.program.stat()
    dies.program.write_text(f"#!/bin/sh\n{BOOTS}\n".ljust(stat.st_size)[: stat.st_size])
    os.utime(dies.program, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert chosen(tmp_path / "cache").kernel.name == "testing"
    now += 25 * 3600
    assert chosen(tmp_path / "cache").kernel.name == "testing-seccomp"


def test_a_forced_kernel_is_the_only_one_that_is_tried(
    tmp_path: Path, candidates: dict[str, Callable[[], Kernel]]
) -> None:
    assert chosen(tmp_path / "c", EVPN_FLEET_LAB_KERNEL="installed").kernel.name == "installed"
    candidates["testing"] = lambda: kernel_that(tmp_path, "testing", DIES)
    with pytest.raises(LabError, match="EVPN_FLEET_LAB_KERNEL names does not boot") as caught:
        chosen(tmp_path / "c", EVPN_FLEET_LAB_KERNEL="testing")
    assert "errno = 14" in caught.value.what
    with pytest.raises(LabError, match="disables the lab"):
        chosen(tmp_path / "c", EVPN_FLEET_LAB_KERNEL="none")
    with pytest.raises(LabError, match="choose one of: testing-seccomp, testing, installed,"):
        chosen(tmp_path / "c", EVPN_FLEET_LAB_KERNEL="stable")


def test_where_none_boots_the_error_has_what_each_one_said(
    tmp_path: Path, candidates: dict[str, Callable[[], Kernel]]
) -> None:
    for name in CANDIDATES:
        said = f"echo 'Kernel panic - not syncing: {name} gave up'"
        candidates[name] = lambda name=name, said=said: kernel_that(tmp_path, name, said)
    with pytest.raises(LabError, match="no kernel boots on this computer") as caught:
        chosen(tmp_path / "cache")
    for name in CANDIDATES:
        assert f"not syncing: {name} gave up" in caught.value.what


def test_a_damaged_memory_is_as_good_as_none(
    tmp_path: Path, candidates: dict[str, Callable[[], Kernel]]
) -> None:
    assert candidates
    (tmp_path / "cache").mkdir()
    for text in ("{", "[]", json.dumps({"testing": 7})):
        (tmp_path / "cache" / "proven.json").write_text(text)
        assert chosen(tmp_path / "cache").kernel.name == "testing-seccomp"


def test_a_kernel_that_cannot_make_an_overlay_is_refused(tmp_path: Path) -> None:
    lacking = kernel_that(tmp_path, "bare", BOOTS, ("vxlan", "bridge", "8021q", "veth"))
    assert prove(lacking) == "it lacks modules: vrf, macvlan, dummy"


def test_a_kernel_that_is_not_there_is_said(tmp_path: Path) -> None:
    kernel = kernel_that(tmp_path, "gone", BOOTS)
    kernel.program.unlink()
    assert prove(kernel) == "it cannot be started: No such file or directory"


def test_the_newest_modules_go_by_number(tmp_path: Path) -> None:
    for version in ("6.1.9", "6.1.176", "6.1.20"):
        (tmp_path / version).mkdir()
    assert newest_modules(tmp_path).name == "6.1.176"
    with pytest.raises(LabError, match="reinstall user-mode-linux"):
        newest_modules(tmp_path / "6.1.9")


def test_without_patchelf_or_a_compiler_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "modules" / "6.1.1").mkdir(parents=True)
    monkeypatch.setattr(sources, "UML_MODULES", tmp_path / "modules")
    found = {"linux.uml": "/usr/bin/linux.uml"}
    monkeypatch.setattr(sources, "find_program", found.get)
    with pytest.raises(LabError, match="apt-get install patchelf"):
        sources.testing("testing", tmp_path, lambda: "mirror", seccomp=True)
    with pytest.raises(LabError, match="apt-get install gcc libc6-dev"):
        sources.installed_with_xsave("installed-xsave", tmp_path)


def test_why_a_kernel_died_is_told_without_its_stack(tmp_path: Path) -> None:
    stack = "echo '[<606931e5>] panic+0x197/0x376'; echo '[<60693> ] ? panic+0x0/0x376'; exit 1"
    kernel = kernel_that(tmp_path, "dies", f"{DIES.removesuffix('; exit 1')}; {stack}")
    assert prove(kernel) == (
        "it did not boot (exit status 1): userspace - ptrace set fp regs failed, errno = 14"
    )


@pytest.mark.lab
@pytest.mark.parametrize("name", [name for name in CANDIDATES if name != "installed"])
def test_each_candidate_boots_a_real_kernel(name: str) -> None:
    found = forced(name)
    assert found.kernel.name == name
    assert prove(found.kernel) is None


@pytest.mark.lab
def test_the_installed_kernel_boots_or_says_why_and_its_remedy_boots() -> None:
    """Without the remedy it dies on a processor with AMX: what is asked of a candidate is the truth."""
    said = ""
    try:
        found = forced("installed")
    except LabError as error:
        said = error.what
        found = forced("installed-xsave")
    assert not said or "installed (this Debian's own): it did not boot (exit status" in said
    assert prove(found.kernel) is None


def forced(name: str) -> choice.Choice:
    from lab.fabric import choose_kernel  # noqa: PLC0415

    return choose_kernel(environ={"EVPN_FLEET_LAB_KERNEL": name})
