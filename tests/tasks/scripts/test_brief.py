"""Brief commands in one shell under one time limit, against programs that misbehave."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from overlay.records import RawOutput
from tasks.ssh.script import Answer, Section, build_script, frame, split_output
from tests.tasks.scripts.shell import outputs, shell

if TYPE_CHECKING:
    from pathlib import Path

# `ip` as a node's might be; each run of it is counted.
IP = r"""#!/bin/sh
echo "$1" >> "$RUNS"
case $1 in
    link) printf 'link\nwithout an end' ;;
    fails) echo half; echo why >&2; exit 3 ;;
    hangs) echo begun; sleep 60 ;;
    deaf) trap '' TERM; echo begun; while :; do sleep 0.1; done ;;
    unruly) echo first; [ -e "$RUNS.again" ] || { touch "$RUNS.again"; kill -HUP $PPID; sleep 1; } ;;
    input) cat; echo read >&2 ;;
    spy) cat /proc/$PPID/cmdline /proc/$PPID/environ; env ;;
esac
"""
LINK = RawOutput("link\nwithout an end")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with a line for each run of `ip`."""
    program = tmp_path / "bin" / "ip"
    program.parent.mkdir()
    program.write_text(IP)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def ask(word: str, slug: str = "", timeout: int = 20) -> Section:
    return Section(slug or word, f"ip {word}", timeout)


def test_each_has_its_own_output_and_status_and_runs_once(runs: Path) -> None:
    found = outputs(ask("link"), ask("fails"), ask("input"), ask("absent"), Section("after", ":"))
    assert found == {
        "link": LINK,
        "fails": RawOutput("half\n", 3, "why\n"),
        "input": RawOutput("", 0, "read\n"),
        "absent": RawOutput(""),
        "after": RawOutput(""),
    }
    assert runs.read_text().split() == ["link", "fails", "input", "absent"]


@pytest.mark.usefixtures("runs")
def test_one_time_limit_holds_for_all_of_them() -> None:
    sections = [ask("link", f"s{at}") for at in range(8)]
    text = build_script(sections).text
    fast = text[: text.index("if [ $rc != 0 ]")]
    assert fast.count("timeout ") == 1
    apart = [ask("link"), Section("x", "echo x"), ask("link", "y", 7), ask("link", "z", 8)]
    assert "told=" not in build_script(apart).text


@pytest.mark.slow
@pytest.mark.parametrize(("word", "rc"), [("hangs", 124), ("deaf", 137)])
def test_one_that_hangs_is_ended_and_the_others_run(runs: Path, word: str, rc: int) -> None:
    begun = time.monotonic()
    found = outputs(
        ask("link", "a", 1), ask(word, "b", 1), ask("link", "c", 1), ask("link", "d", 1)
    )
    assert time.monotonic() - begun < 30
    # A shell may say beside it that the command was killed.
    ended = replace(found.pop("b"), stderr="")
    assert ended == RawOutput("begun\n", rc)
    assert found == {"a": LINK, "c": LINK, "d": LINK}
    assert runs.read_text().split() == ["link", word, "link", "link"]


def test_where_their_shell_is_killed_what_had_not_ended_runs_again(runs: Path) -> None:
    found = outputs(ask("link", "a"), ask("unruly", "b"), ask("link", "c"))
    assert found == {"a": LINK, "b": RawOutput("first\n"), "c": LINK}
    assert runs.read_text().split() == ["link", "unruly", "unruly", "link"]


@pytest.mark.usefixtures("runs")
def test_an_output_beyond_the_cap_is_cut_alone() -> None:
    found = outputs(ask("link", "a"), ask("absent", "b"), ask("input", "c"), cap=4)
    assert found["a"] == RawOutput("link", truncated=True)
    assert found["b"] == RawOutput("")
    assert not found["c"].truncated


@pytest.mark.usefixtures("runs")
def test_no_command_can_read_the_nonce() -> None:
    script = build_script([ask("spy"), ask("link")])
    out, err = shell(script)
    assert "RUNS=" in split_output(script, out, err)["spy"].text
    assert script.nonce not in split_output(script, out, err)["spy"].text


@pytest.mark.usefixtures("runs")
def test_a_frame_is_what_the_shell_prints_byte_for_byte() -> None:
    answers = [
        Answer(ask("link"), b"link\nwithout an end"),
        Answer(ask("fails"), b"half\n", b"why\n", 3),
        Answer(ask("input"), b"", b"read\n"),
    ]
    script = build_script([answer.section for answer in answers])
    assert frame(script.nonce, answers) == shell(script)
