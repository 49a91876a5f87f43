"""The suite itself: what it says at its end, and decides by; who runs what."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processor_time import of_all_processes, seconds_of
from tests.workers import LAB_ORDER, next_for, scope_of

ROOT = Path(__file__).parents[1]
PASSES = "def test_passes(): pass\n"
FORKY_FAILS = "import pytest\n@pytest.mark.forky\ndef test_forky(): assert not 'moved'\n"
LAB = "import pytest\n@pytest.mark.lab\ndef test_lab(lab_that_is_not_there): pass\n"
STAND_IN = "def test_stand_in(record_property): record_property('debian-testing', 'stand-in')\n"


def run(folder: Path, *tests: str) -> tuple[int, list[str]]:
    """One session of such tests with the suite's hooks, where there is no lab: its code and words."""
    for number, text in enumerate(tests):
        (folder / f"test_{number}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider",
         "-c", ROOT / "pyproject.toml", "--rootdir", folder, folder],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=120,
        env={**os.environ, "EVPN_FLEET_LAB_KERNEL": "none"},
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()


@pytest.mark.slow
def test_without_a_lab_the_session_fails_and_says_why(tmp_path: Path) -> None:
    code, said = run(tmp_path, PASSES, LAB)
    assert code == 1, said
    assert "1 passed, 1 skipped" in said[-1]
    why = [line for line in said if line.startswith("Error: ")]
    assert len(why) == 1
    assert why[0].startswith("Error: 1 of the lab's tests were not run: ")


@pytest.mark.slow
def test_what_fails_with_debian_testing_alone_is_shown_and_decides_nothing(tmp_path: Path) -> None:
    code, said = run(tmp_path, PASSES, FORKY_FAILS, STAND_IN)
    assert code == 0, said
    assert "1 failed, 2 passed" in said[-1]
    begin = next(n for n, line in enumerate(said) if " Debian testing " in line)
    told = "\n".join(said[begin:])
    assert "test_1.py::test_forky" in told
    assert "test_2.py::test_stand_in" in told


@pytest.mark.slow
def test_a_failure_of_the_stable_releases_beside_it_decides(tmp_path: Path) -> None:
    code, said = run(tmp_path, FORKY_FAILS, "def test_fails(): assert not 'fine'\n")
    assert code == 1, said


def test_every_file_of_the_labs_tests_has_its_place() -> None:
    files = {f"tests/live/{path.name}" for path in (ROOT / "tests/live").glob("test_*.py")}
    assert files <= {scope.partition("::")[0] for scope in LAB_ORDER}
    assert all((ROOT / scope.partition("::")[0]).is_file() for scope in LAB_ORDER)


def test_a_file_goes_to_one_worker_unless_it_is_known_to_go_apart() -> None:
    assert scope_of("tests/cli/test_settle.py::test_a[x::y]") == "tests/cli/test_settle.py"
    chain = "tests/live/test_topologies.py::test_one_after_the_other"
    assert scope_of(f"{chain}[exit-vrrp]") == chain
    assert scope_of(f"{chain}[exit-vrrp]") != scope_of(f"{chain.partition('::')[0]}::test_other")
    assert scope_of("tests/tasks/safety/test_switch.py::test_a[1]").endswith("::test_a[1]")


def test_the_labs_tests_begin_first_and_one_worker_has_none_of_them() -> None:
    left = ["tests/cli/test_settle.py", *LAB_ORDER[:2], "tests/adopt/test_merge.py"]
    assert next_for(left, has_lab=True) == LAB_ORDER[0]
    assert next_for(left, has_lab=False) == left[0]
    assert next_for(left[:1], has_lab=True) == left[0]
    assert next_for(LAB_ORDER, has_lab=False) is None
    assert next_for(["lab"], has_lab=False) is None
    assert next_for([], has_lab=True) is None


SLEEPS = (
    "import time, pytest\n@pytest.mark.parametrize('n', range(3))\ndef test_it(n): time.sleep(1)\n"
)


@pytest.mark.slow
def test_side_by_side_every_test_runs_once(tmp_path: Path) -> None:
    """Folders named as those of the suite are, of which one worker of two takes the lab's."""
    tests = {"tests/live/test_a.py": SLEEPS, "tests/live/test_b.py": SLEEPS}
    tests |= {f"tests/test_{number}.py": PASSES for number in range(6)}
    for name, text in tests.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    probe = (
        "import tests.workers as workers\nworkers.how_many_labs = lambda: 1\n"
        "workers.can_be_apart = lambda: True\n"
    )
    (tmp_path / "one_lab.py").write_text(probe)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "one_lab", "-p", "tests.conftest",
         "-p", "no:cacheprovider", "-n2", "--rootdir", tmp_path, "-c", ROOT / "pyproject.toml",
         "-m", "not lab", tmp_path],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=120,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert "12 passed" in done.stdout, done.stdout + done.stderr
    ran = re.findall(r"^\[(gw\d)\] .* PASSED \S*/(tests/\S+)::", done.stdout, re.MULTILINE)
    with_lab = {worker for worker, name in ran if name.startswith("tests/live/")}
    assert len(with_lab) == 1, ran
    assert {worker for worker, _ in ran} - with_lab, ran


BUSY = "import time\nwhile time.process_time() < 0.5: pass\n"


def test_what_a_process_took_counts_also_when_it_has_ended() -> None:
    own = Path("/proc/self/stat")
    before = seconds_of(own.read_text())
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    now = seconds_of(own.read_text())
    assert now - before >= 0.4
    assert of_all_processes() >= now
