"""One start of vtysh for several commands, against a program that prints as vtysh does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from overlay.records import RawOutput
from tasks.ssh.script import Answer, Section, build_script, frame, split_output
from tasks.ssh.vtysh import grouped, take_apart
from tests.tasks.scripts.shell import outputs, shell

# As vtysh: with -E a prompt and the command before each output, and the first that fails is the last.
VTYSH = r"""#!/bin/sh
echo start >> "$STARTS"
[ "$1" = -E ] && { echoed=yes; shift; }
while [ $# -gt 0 ]; do
    [ -z "$echoed" ] || echo "node# $2"
    case $2 in
        "show a") printf 'a\nnode# show \nx# show b\n description node# show b\n' ;;
        "show b") echo '{"b": 1}' ;;
        "show none") ;;
        "show bad") echo "bgpd is not running" >&2; exit 1 ;;
        "show slow") echo begun; sleep 60 ;;
    esac
    shift 2
done
"""
A = "a\nnode# show \nx# show b\n description node# show b\n"
B = '{"b": 1}\n'


@pytest.fixture
def starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with a line for each start of vtysh."""
    program = tmp_path / "bin" / "vtysh"
    program.parent.mkdir()
    program.write_text(VTYSH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("STARTS", str(tmp_path / "starts"))
    return tmp_path / "starts"


def ask(slug: str, timeout: int = 20) -> Section:
    return Section(slug, f"vtysh -c 'show {slug}'", timeout)


def test_one_start_answers_all_and_nothing_that_is_printed_looks_like_another_output(
    starts: Path,
) -> None:
    found = outputs(ask("a"), ask("none"), ask("b"), Section("after", "echo on"))
    assert found == {
        "a": RawOutput(A),
        "none": RawOutput(""),
        "b": RawOutput(B),
        "after": RawOutput("on\n"),
    }
    assert starts.read_text().count("start") == 1


def test_what_stands_apart_or_stops_the_script_or_has_another_limit_is_started_apart() -> None:
    apart = Section("apart", "ip link show")
    stops = Section("stops", "vtysh -c 'show b'", stop=True)
    sections = [ask("a"), ask("b"), apart, ask("none"), stops, ask("a", 7), ask("b", 8)]
    groups = [[section.slug for section in group] for group in grouped(sections)]
    assert groups == [["a", "b"], ["apart"], ["none"], ["stops"], ["a"], ["b"]]


def test_where_one_fails_each_is_asked_by_itself(starts: Path) -> None:
    found = outputs(ask("a"), ask("bad"), ask("b"))
    assert found == {
        "a": RawOutput(A),
        "bad": RawOutput("", 1, "bgpd is not running\n"),
        "b": RawOutput(B),
    }
    assert starts.read_text().count("start") == 4


def test_a_vtysh_that_does_not_print_its_prompt_leaves_its_outputs_out(
    starts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Path(os.environ["PATH"].partition(":")[0]) / "vtysh"
    program.write_text(VTYSH.replace('echo "node# $2"', ":"))
    assert set(outputs(ask("a"), ask("b"), Section("after", "echo on"))) == {"after"}


def test_an_absent_vtysh_fails_at_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    found = outputs(ask("a"), ask("b"))
    assert {slug: output.rc for slug, output in found.items()} == {"a": 127, "b": 127}


@pytest.mark.slow
@pytest.mark.usefixtures("starts")
def test_a_command_that_hangs_is_ended_and_those_before_it_are_whole() -> None:
    found = outputs(ask("a", 1), ask("slow", 1), ask("b", 1), Section("after", "echo on"))
    assert found == {
        "a": RawOutput(A),
        "slow": RawOutput("begun\n", 124),
        "after": RawOutput("on\n"),
    }


@pytest.mark.usefixtures("starts")
def test_an_output_beyond_the_cap_is_cut_alone() -> None:
    found = outputs(ask("a"), ask("b"), cap=len(B))
    assert found["a"] == RawOutput(A[: len(B)], truncated=True)
    assert found["b"] == RawOutput(B)


@pytest.mark.usefixtures("starts")
def test_a_connection_that_breaks_leaves_the_last_output_unfinished() -> None:
    script = build_script([ask("a"), ask("b")])
    out, _err = shell(script)
    half = out[: out.index(b'{"b"') + 3]
    found = split_output(script, half, b"")
    assert found["a"] == RawOutput(A)
    assert found["b"] == RawOutput('{"b', None, truncated=True)


BAD = b"bgpd is not running\n"


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(ask("a"), A.encode()), Answer(ask("b"), B.encode())],
        [Answer(ask("a"), A.encode()), Answer(ask("bad"), b"", BAD, 1), Answer(ask("none"))],
        [Answer(ask("none")), Answer(ask("b"), B.encode()), Answer(Section("x", "echo x"), b"x\n")],
        [Answer(ask("b"), B.encode())],
    ],
)
@pytest.mark.usefixtures("starts")
def test_a_frame_is_what_the_shell_prints_byte_for_byte(answers: list[Answer]) -> None:
    script = build_script([answer.section for answer in answers])
    assert frame(script.nonce, answers) == shell(script)


def test_an_answer_that_never_ends_is_the_last_of_its_start() -> None:
    sections = [ask("a"), ask("b"), ask("none"), Section("after", "echo on")]
    script = build_script(sections)
    answers = [Answer(sections[0], b"whole\n"), Answer(sections[1], b"ha", rc=None)]
    found = split_output(script, *frame(script.nonce, answers))
    assert found == {"a": RawOutput("whole\n"), "b": RawOutput("ha", None, truncated=True)}


def test_the_prompt_is_what_stands_before_the_first_command() -> None:
    asked = {"one": "show a", "two": "show b"}
    text = b"host(1)> # show a\nx# show b\nhost(1)> # show b\n2\n"
    assert take_apart(text, asked) == [("one", b"x# show b\n"), ("two", b"2\n")]
    assert take_apart(b"error\n" + text, asked) == []
