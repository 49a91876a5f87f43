"""Detached processes: what is ours is known, ended whole, and nothing else is touched."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from lab import process
from lab.node import power_off_node, running_pid
from lab.paths import LabPaths

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    return LabPaths(tmp_path / "state", tmp_path / "images", tmp_path / "run")


def test_a_stale_or_foreign_pid_is_not_ours(paths: LabPaths) -> None:
    files = paths.node("node1")
    files.folder.mkdir(parents=True)
    assert running_pid(paths, "node1") is None
    for content in ("", "nonsense", "4194305", str(os.getpid())):
        files.pid.write_text(content)
        assert running_pid(paths, "node1") is None


def test_a_session_is_known_by_whole_arguments_and_dies_whole(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    pid = process.spawn(
        ["/bin/sh", "-c", "sleep 60 & sleep 60; :", "lab.name=node10"],
        log=tmp_path / "log", pid_file=pid_file, environ={"PATH": "/usr/bin:/bin"}, cwd=tmp_path,
    )  # fmt: skip
    assert process.read_pid(pid_file, "lab.name=node10") == pid
    assert process.read_pid(pid_file, "lab.name=node1") is None
    assert pid in process.session_members(pid)
    process.kill_session(pid)
    assert process.session_members(pid) == set()
    assert process.read_pid(pid_file, "lab.name=node10") is None


def test_what_a_killed_kernel_leaves_behind_is_ended_and_nothing_else_is(paths: LabPaths) -> None:
    files = paths.node("node1")
    files.folder.mkdir(parents=True)
    for cwd, ours in ((files.folder, True), (paths.state, False)):
        pid = process.spawn(
            ["/bin/sh", "-c", "sleep 60 & sleep 60; :", "lab.name=node1"],
            log=files.console, pid_file=files.pid, environ={"PATH": "/usr/bin:/bin"}, cwd=cwd,
        )  # fmt: skip
        deadline = time.monotonic() + 5
        while len(process.session_members(pid)) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        assert running_pid(paths, "node1") is None
        assert len(process.session_members(pid)) == 2
        assert power_off_node(paths, "node1") is ours
        assert len(process.session_members(pid)) == (0 if ours else 2)
        process.kill_session(pid)
