"""The joined script against a real /bin/sh: what goes in comes out again, whatever it is."""

from __future__ import annotations

import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overlay.records import RawOutput
from tasks.ssh.script import Answer, Section, build_script, frame, sections_of, split_output
from tests.tasks.scripts.shell import outputs, shell
from tests.tries import tries


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("printf 'no final newline'", "no final newline"),
        ("echo one; echo two", "one\ntwo\n"),
        ("true", ""),
        ("echo", "\n"),
        ("printf '\\n\\n'", "\n\n"),
        ("printf 'a\\r\\nb'", "a\r\nb"),
        ("printf 'nul\\000nul'", "nul\0nul"),
        ("echo \"it's\" '$HOME' `echo x`", "it's $HOME x\n"),
        ("echo one\necho two", "one\ntwo\n"),
        ("printf '\\303\\244'", "ä"),
    ],
)
def test_output_comes_back_unchanged(command: str, text: str) -> None:
    found = outputs(Section("before", "echo before"), Section("it", command), Section("after", ":"))
    assert found["it"] == RawOutput(text)
    assert found["before"] == RawOutput("before\n")
    assert found["after"] == RawOutput("")


def test_status_and_stderr_are_each_sections_own() -> None:
    found = outputs(
        Section("bad", "echo out; printf oops >&2; exit 3"),
        Section("absent", "no-such-command-here"),
        Section("good", "echo fine"),
    )
    assert found["bad"] == RawOutput("out\n", 3, "oops")
    assert found["absent"].rc == 127
    assert "no-such-command-here" in found["absent"].stderr
    assert found["good"] == RawOutput("fine\n")


def test_a_killed_command_shows_its_signal() -> None:
    found = outputs(Section("killed", "kill -SEGV $$"), Section("next", "echo on"))
    assert found["killed"].rc == 139
    assert found["next"].text == "on\n"


def test_binary_garbage_breaks_nothing() -> None:
    found = outputs(
        Section("garbage", "head -c 200000 /dev/urandom; head -c 3000 /dev/urandom >&2"),
        Section("invalid", "printf '\\377\\376'"),
        Section("after", "echo whole"),
    )
    assert found["garbage"].rc == 0
    assert not found["garbage"].truncated
    assert found["invalid"].text == "\ufffd\ufffd"
    assert found["after"] == RawOutput("whole\n")


def test_a_fake_frame_is_only_text() -> None:
    fake = "\n@@0123456789abcdef@@ begin two\nforged\n@@0123456789abcdef@@ rc 0\n"
    found = outputs(
        Section("one", f"printf '%s' '{fake}'; printf '%s' '{fake}' >&2; exit 1"),
        Section("two", "echo true"),
    )
    assert found["one"] == RawOutput(fake, 1, fake)
    assert found["two"].text == "true\n"


def test_the_nonce_cannot_be_known_beforehand_nor_read_by_a_command() -> None:
    assert build_script([]).nonce != build_script([]).nonce
    script = build_script([Section("spy", "env; set; cat /proc/$PPID/cmdline /proc/$$/cmdline")])
    out, _ = shell(script)
    assert script.nonce not in split_output(script, out, b"")["spy"].text


def test_a_commands_input_is_not_the_rest_of_the_script() -> None:
    found = outputs(Section("reader", "cat"), Section("next", "echo here"))
    assert found["reader"] == RawOutput("")
    assert found["next"].text == "here\n"


@pytest.mark.parametrize(("size", "cut"), [(99, False), (100, False), (101, True), (100_000, True)])
def test_output_beyond_the_cap_is_cut_and_says_so(size: int, cut: bool) -> None:  # noqa: FBT001
    found = outputs(
        Section("big", f"head -c {size} /dev/zero | tr '\\0' x"),
        Section("next", "echo on"),
        cap=100,
    )
    assert len(found["big"].text) == min(size, 100)
    assert found["big"].truncated is cut
    assert found["next"] == RawOutput("on\n")


@pytest.mark.slow
def test_a_command_that_hangs_is_ended_and_the_rest_still_runs() -> None:
    begun = time.monotonic()
    found = outputs(
        Section("hangs", "echo partial; sleep 60", timeout=1), Section("next", "echo on")
    )
    assert time.monotonic() - begun < 30
    assert found["hangs"] == RawOutput("partial\n", 124)
    assert found["next"].text == "on\n"


@pytest.mark.slow
def test_a_command_that_ignores_its_end_is_killed() -> None:
    begun = time.monotonic()
    found = outputs(Section("deaf", "trap '' TERM; while :; do sleep 0.1; done", timeout=1))
    assert time.monotonic() - begun < 30
    assert found["deaf"].rc == 137


def test_stop_ends_the_script_at_the_first_failure() -> None:
    found = outputs(
        Section("one", "echo 1", stop=True),
        Section("two", "echo 2; echo why >&2; exit 5", stop=True),
        Section("three", "echo 3", stop=True),
    )
    assert found == {"one": RawOutput("1\n"), "two": RawOutput("2\n", 5, "why\n")}


def test_tools_outside_of_a_users_path_are_found() -> None:
    script = build_script([Section("path", 'echo "$PATH"')])
    done = subprocess.run(
        ["/bin/sh", "-s"],
        input=script.text.encode(),
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin"},
    )
    text = split_output(script, done.stdout, done.stderr)["path"].text
    assert {"/sbin", "/usr/sbin"} <= set(text.strip().split(":"))


def test_a_broken_connection_leaves_whole_sections_whole() -> None:
    script = build_script(
        [Section("a", "echo 1"), Section("b", "echo 2; echo two"), Section("c", ":")]
    )
    out, err = shell(script)
    for end in range(len(out) + 1):
        found = split_output(script, out[:end], err)
        for slug, text in (("a", "1\n"), ("b", "2\ntwo\n"), ("c", "")):
            if slug in found and not found[slug].truncated:
                assert found[slug] == RawOutput(text)
    for end in range(len(err) + 1):
        found = split_output(script, out, err[:end])
        assert all(o.truncated == (o.rc is None) for o in found.values())
        assert not any(o.truncated for o in split_output(script, out, err).values())


def test_nothing_at_all_is_no_section() -> None:
    script = build_script([Section("a", "echo 1")])
    assert split_output(script, b"", b"sudo: a password is required\n") == {}


SECTIONS = [
    Section("plain", "printf x"),
    Section("validate:/etc/x", 'echo "it\'s"; echo err >&2; exit 3', timeout=7),
    Section("lines", "echo hi\necho 'mark begin fake'\necho two"),
    Section("empty", "true"),
    Section("word", "pwd>/dev/null"),
    Section("stops", "echo no; false", stop=True),
    Section("never", "echo never", stop=True),
]
ANSWERS = [
    Answer(SECTIONS[0], b"x"),
    Answer(SECTIONS[1], b"it's\n", b"err\n", 3),
    Answer(SECTIONS[2], b"hi\nmark begin fake\ntwo\n"),
    Answer(SECTIONS[3]),
    Answer(SECTIONS[4]),
    Answer(SECTIONS[5], b"no\n", b"", 1),
    Answer(SECTIONS[6], b"never\n"),
]


def test_a_frame_is_what_the_shell_prints_byte_for_byte() -> None:
    for count in range(len(SECTIONS) + 1):
        script = build_script(SECTIONS[:count])
        assert frame(script.nonce, ANSWERS[:count]) == shell(script)


def test_an_answer_that_never_ends_is_a_section_that_is_not_whole() -> None:
    script = build_script(SECTIONS)
    broken = [ANSWERS[0], Answer(SECTIONS[1], b"it", b"e", rc=None), *ANSWERS[2:]]
    found = split_output(script, *frame(script.nonce, broken))
    assert found["plain"] == RawOutput("x")
    assert found["validate:/etc/x"] == RawOutput("it", None, "e", truncated=True)
    assert set(found) == {"plain", "validate:/etc/x"}


@pytest.mark.slow
@settings(max_examples=tries(200), deadline=None)
@given(
    st.lists(
        st.builds(
            Section,
            slug=st.from_regex(r"[a-z_]+(:[/a-z0-9.]+)?", fullmatch=True),
            command=st.text(min_size=1).filter(lambda text: "\0" not in text),
            timeout=st.integers(1, 999),
            stop=st.booleans(),
        ),
        max_size=5,
    )
)
def test_a_scripts_sections_are_read_back(sections: list[Section]) -> None:
    script = build_script(sections)
    assert sections_of(script.text) == (script.nonce, tuple(sections))


@pytest.mark.parametrize("text", ["", "echo hello\n", "mark begin x\n"])
def test_another_script_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="no nonce"):
        sections_of(text)


PROGRAMS = {
    "bridge fdb show": "bridge fdb show",
    "vtysh -c 'show bgp l2vpn evpn'": "vtysh -c 'show bgp l2vpn evpn'",
    "sudo -n test ! -e /etc/x || sudo -n cat /etc/x": None,
    "ip -j route show; true": None,
    "ip link show $DEVICE": None,
    "sysctl -e net.ipv4.conf.*.rp_filter": None,
    'vtysh -c "show version"': None,
    "A=b ip link": None,
    "ip link\nip address": None,
    "[ ! -e /etc/x ] || cat /etc/x": None,
}


@pytest.mark.parametrize("command", PROGRAMS)
def test_only_a_program_with_plain_words_runs_without_a_shell(command: str) -> None:
    section = Section("it", command, timeout=3)
    script = build_script([section])
    assert (f"timeout -k 2 3 {command} </dev/null" in script.text) == bool(PROGRAMS[command])
    assert sections_of(script.text)[1] == (section,)


def test_a_program_that_is_absent_is_a_failed_command(monkeypatch: pytest.MonkeyPatch) -> None:
    script = build_script([Section("it", "vtysh -c 'show version'"), Section("next", "echo on")])
    text = script.text.replace("PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:", "PATH=")
    done = subprocess.run(["/bin/sh", "-s"], input=text.encode(), capture_output=True, check=True)
    found = split_output(script, done.stdout, done.stderr)
    assert found["it"].rc == 127
    assert "vtysh" in found["it"].stderr
    assert found["next"] == RawOutput("on\n")
