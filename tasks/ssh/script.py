"""One joined shell script for many commands, and its output taken apart again. Pure.

Each command's exit status and stderr are kept apart: the script frames both streams with lines
that carry a nonce of this run, so that no output can pretend to be a frame.
"""

from __future__ import annotations

import re
import secrets
import shlex
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice
from typing import TYPE_CHECKING

from overlay.records import RawOutput
from tasks.ssh.vtysh import echo, grouped, joined_command, take_apart, vtysh_command, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# exec does not read a profile: an unprivileged user's PATH lacks the folders of `ip` and `bridge`.
_PRELUDE = """\
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
LC_ALL=C
export PATH LC_ALL
umask 022
{mark}
exec 4>&1
"""
_MARK = """\
mark() { printf '\\n%s %s\\n' {nonce} "$*"; printf '\\n%s %s\\n' {nonce} "$*" >&2; }"""
# What an audit runs without a shell of its own, unless a word has to be quoted (`||`, `$`, `*`).
_PROGRAMS = frozenset({"bridge", "ip", "sysctl", "sudo", "tc", "vtysh"})
# How commands begin that ask the kernel or read a file: they end at once, or the node is stuck.
_BRIEF = ("bridge ", "ip ", "sysctl ", "tc ", "sudo -n ", "[ ! -e ", "test ! -e ")
DEFAULT_CAP = 64 * 1024 * 1024
TIMED_OUT = 124
"""The exit status of a command that timeout(1) has ended."""
_KILLED = 137  # that of timeout(1) where the command did not end when it was asked to
# What vtysh prints is taken as it is after these, or where it never ended.
_TOGETHER = frozenset({0, TIMED_OUT, None})
_PROMPT = "node# "
# What `build_script` writes, read back by `sections_of`.
_NONCE = re.compile(r"^mark\(\) \{ printf '\\n%s %s\\n' (\S+) ", re.MULTILINE)
_SECTION = re.compile(
    r"^mark begin (?P<slug>\S+)\n(?P<piped>\{ )?timeout -k 2 (?P<timeout>\d+) "
    r"(?:sh -c (?P<quoted>(?:'[^']*'|\"'\"|[^\s'\"])+)|(?P<plain>[^\n]+?)) </dev/null; rc=",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Section:
    """One command of a script. `timeout` in seconds; `stop` ends the script when it fails."""

    slug: str
    command: str
    timeout: int = 20
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """A script to feed to `sh -s`; `nonce` frames its output, `cap` bounds each stdout (bytes).

    `asked` are the commands, by slug, that one start of vtysh answers together with others.
    """

    text: str
    nonce: str
    slugs: tuple[str, ...]
    cap: int
    asked: Mapping[str, str]


def build_script(
    sections: Sequence[Section], *, cap: int = DEFAULT_CAP, nonce: str | None = None
) -> Script:
    """Joins `sections` into one POSIX shell script; their slugs must be distinct words."""
    nonce = nonce or f"@@{secrets.token_hex(8)}@@"
    groups = list(grouped(sections))
    body = "".join(_of_groups(groups, nonce, cap))
    together = [section for group in groups if len(group) > 1 for section in group]
    return Script(
        _PRELUDE.replace("{mark}", _MARK).replace("{nonce}", nonce) + body + "mark end\n",
        nonce,
        tuple(section.slug for section in sections),
        cap,
        {section.slug: vtysh_command(section) or "" for section in together},
    )


def _of_groups(groups: Iterable[Sequence[Section]], nonce: str, cap: int) -> Iterator[str]:
    """The groups in their order: brief commands that follow each other within one time limit."""
    for limit, run in groupby(groups, lambda group: _limit_if_brief(group[0])):
        several = list(run)
        if limit is not None and len(several) > 1:
            yield _brief([section for group in several for section in group], nonce, cap)
        else:
            yield from (_of_group(group, nonce, cap) for group in several)


def _limit_if_brief(section: Section) -> int | None:
    brief = section.command.startswith(_BRIEF) and "vtysh" not in section.command
    return section.timeout if brief and not section.stop else None


def _brief(sections: Sequence[Section], nonce: str, cap: int) -> str:
    """Commands that end at once, in one shell under one timeout(1): it costs more than they do.

    That shell tells through descriptor 3 which of them it began (` slug`) and which have ended
    (` slug=`). One that used up the time has failed; whatever else did not come to its end is run
    by itself. The shell reads its text from its input, so that no command finds the nonce in the
    arguments of a process. It waits for a command that is told to end, so that timeout kills one
    that does not.
    """
    lines = []
    for section in sections:
        lines += [
            f"mark begin {section.slug}",
            f"printf ' %s' {section.slug} >&3",
            f"{_as_program(section.command)} </dev/null 3>&-; {_status(nonce)}",
            f"printf ' %s=' {section.slug} >&3",
        ]
    limit = sections[0].timeout
    each = (
        f'case "$told " in *" {section.slug}$end "*) ;; *)\n{_framed(section, nonce, cap)};; esac\n'
        for section in sections
    )
    return (
        f"told=$(timeout -k 2 {limit} sh -s 3>&1 >&4 4>&- <<'{nonce}'\n"
        f"trap 'exit {TIMED_OUT}' TERM\n{_MARK.replace('{nonce}', nonce)}\n"
        + "\n".join(lines)
        + f"\nexit 0\n{nonce}\n); rc=$?\n"
        f"if [ $rc != 0 ]; then\n"
        f"case $rc in {TIMED_OUT}|{_KILLED}) end=; {_say_status(nonce)} ;; *) end==;; esac\n"
        + "".join(each)
        + "fi\n"
    )


def _of_group(group: Sequence[Section], nonce: str, cap: int) -> str:
    """One section, or those that one start of vtysh answers; each by itself when that fails.

    One command that vtysh does not know, or whose daemon does not run, ends it.
    """
    singly = "".join(_framed(section, nonce, cap) for section in group)
    if len(group) == 1:
        return singly
    return (
        f"mark join {_slugs(group)}\n"
        f"timeout -k 2 {group[0].timeout} {joined_command(group)} </dev/null; {_status(nonce)}\n"
        f"case $rc in 0|{TIMED_OUT}) ;; *)\n{singly};; esac\n"
    )


def _status(nonce: str) -> str:
    return f"rc=$?; {_say_status(nonce)}"


def _say_status(nonce: str) -> str:
    return f"printf '\\n%s rc %s\\n' {nonce} $rc >&2"


def _slugs(group: Sequence[Section]) -> str:
    return " ".join(section.slug for section in group)


def _framed(section: Section, nonce: str, cap: int) -> str:
    command = f"timeout -k 2 {section.timeout} {_as_program(section.command)} </dev/null"
    # The status goes to stderr from inside the braces: a pipe would give that of `head` alone.
    status = _status(nonce)
    lines = [f"mark begin {section.slug}"]
    if section.stop:
        lines += [f"{command}; {status}", '[ "$rc" = 0 ] || { mark end; exit 0; }']
    else:
        lines.append(f"{{ {command}; {status}; }} | head -c {cap + 1}")
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=4096)
def _as_program(command: str) -> str:
    """The command for timeout(1): a program with its words as it is, all else in a shell.

    Of the time that twelve commands cost a node, framed as here and printing nothing, the shell of
    each is a fifth; timeout and head, which keep a command within its limits, are half.
    """
    try:
        words = words_of(command)
    except ValueError:  # an open quote: the shell says so
        words = ()
    plain = words[:1] and words[0] in _PROGRAMS and shlex.join(words) == command
    return command if plain else f"sh -c {shlex.quote(command)}"


def split_output(script: Script, stdout: bytes, stderr: bytes) -> dict[str, RawOutput]:
    """What each section printed. A section that the script never reached is left out.

    One that began and never ended (the connection broke) has `rc` None and `truncated` True.
    """
    outs = _frames(script.nonce, stdout)
    errs = _frames(script.nonce, stderr)
    result: dict[str, RawOutput] = {}
    for name, (text, ended) in outs.items():
        said, _ = errs.get(name, (b"", False))
        rc, said = _status_of(said, script.nonce)
        status = _Status(rc, ended, said.decode("utf-8", "replace")[:4000])
        if name in script.slugs:
            result[name] = _output(text, status, script.cap)
        else:
            asked = {slug: script.asked[slug] for slug in name.split() if slug in script.asked}
            result |= _of_vtysh(text, asked, status, script.cap)
    return result


@dataclass(frozen=True, slots=True)
class _Status:
    """How a command ended: `rc` None where it did not, `ended` whether its output is whole."""

    rc: int | None
    ended: bool
    stderr: str


def _output(text: bytes, status: _Status, cap: int) -> RawOutput:
    cut = len(text) > cap
    return RawOutput(
        text=text[:cap].decode("utf-8", "replace"),
        rc=status.rc if not cut else None if status.rc is None else 0,
        stderr=status.stderr,
        truncated=cut or not status.ended or status.rc is None,
    )


def _of_vtysh(
    text: bytes, asked: Mapping[str, str], status: _Status, cap: int
) -> dict[str, RawOutput]:
    """What one start of vtysh printed, by slug; nothing if it failed: then each is asked again."""
    if status.rc not in _TOGETHER:
        return {}
    found = take_apart(text, asked)
    whole = _Status(0, ended=True, stderr=status.stderr)
    last = len(found) - 1
    return {
        slug: _output(printed, status if at == last else whole, cap)
        for at, (slug, printed) in enumerate(found)
    }


def _status_of(said: bytes, nonce: str) -> tuple[int | None, bytes]:
    """The exit status in what a section printed to stderr, and that without it."""
    mark = re.compile(re.escape(f"\n{nonce} rc ").encode() + rb"(\d+)\n")
    status = mark.search(said)
    return (int(status[1]) if status else None), mark.sub(b"", said)


def _frames(nonce: str, stream: bytes) -> dict[str, tuple[bytes, bool]]:
    """What follows `begin` and `join` marks, by their words, and whether another mark closes it."""
    mark = re.compile(rb"\n" + re.escape(nonce.encode()) + rb" (?:(?:begin|join) ([^\n]+)|end)\n")
    found = list(mark.finditer(stream))
    frames: dict[str, tuple[bytes, bool]] = {}
    for at, match in enumerate(found):
        if match[1] is None:
            continue
        closed = at + 1 < len(found)
        end = found[at + 1].start() if closed else len(stream)
        frames[match[1].decode()] = (stream[match.end() : end], closed)
    return frames


@dataclass(frozen=True, slots=True)
class Answer:
    """How one section ends. `rc` None: it never does, so nothing more of the script is printed."""

    section: Section
    stdout: bytes = b""
    stderr: bytes = b""
    rc: int | None = 0


def sections_of(text: str) -> tuple[str, tuple[Section, ...]]:
    """The nonce and the sections of a script that `build_script` wrote.

    Raises ValueError for any other text. With `frame` it answers a script without a shell.
    """
    nonce = _NONCE.search(text)
    if nonce is None:
        raise ValueError("not a script of build_script: it has no nonce")
    # What brief commands are run by; each of them stands once more below, with its own limit.
    text = re.sub(rf"<<'{nonce[1]}'\n.*?\n{nonce[1]}\n", "", text, flags=re.DOTALL)
    sections = tuple(
        Section(
            slug=found["slug"],
            command=found["plain"] or shlex.split(found["quoted"])[0],
            timeout=int(found["timeout"]),
            stop=found["piped"] is None,
        )
        for found in _SECTION.finditer(text)
    )
    return nonce[1], sections


def frame(nonce: str, answers: Iterable[Answer]) -> tuple[bytes, bytes]:
    """The stdout and stderr that the script of these sections prints, byte for byte.

    An answer of a `stop` section that is not 0 is the last, as in the shell.
    """
    out, err = bytearray(), bytearray()
    last: int | None = 0
    for group in _answered(answers):
        if len(group) > 1:
            last = _print(nonce, *_joined(group), out, err)
            if last in _TOGETHER:
                continue
        for answer in group:
            last = _print(nonce, f"begin {answer.section.slug}", answer, out, err)
    if last is not None:
        _print_mark(nonce, "end", out, err)
    return bytes(out), bytes(err)


def _answered(answers: Iterable[Answer]) -> Iterator[tuple[Answer, ...]]:
    """The answers as their sections are grouped, up to the one that ends the script."""
    given: list[Answer] = []
    for answer in answers:
        given.append(answer)
        if answer.rc is None or (answer.section.stop and answer.rc):
            break
    rest = iter(given)
    for group in grouped(answer.section for answer in given):
        yield tuple(islice(rest, len(group)))


def _joined(group: Sequence[Answer]) -> tuple[str, Answer]:
    """What one start of vtysh prints: up to the first command that fails or never ends."""
    text, said = bytearray(), bytearray()
    rc: int | None = 0
    for answer in group:
        # vtysh ends each output with a line feed; an answer that was made up may lack it.
        text += b"" if text.endswith(b"\n") or not text else b"\n"
        text += echo(_PROMPT, answer.section) + answer.stdout
        said += answer.stderr
        rc = answer.rc
        if rc != 0:
            break
    slugs = _slugs([answer.section for answer in group])
    return f"join {slugs}", Answer(group[0].section, bytes(text), bytes(said), rc)


def _print(nonce: str, mark: str, answer: Answer, out: bytearray, err: bytearray) -> int | None:
    """One frame of both streams; returns how its command ended."""
    _print_mark(nonce, mark, out, err)
    out += answer.stdout
    err += answer.stderr
    if answer.rc is not None:
        err += f"\n{nonce} rc {answer.rc}\n".encode()
    return answer.rc


def _print_mark(nonce: str, mark: str, out: bytearray, err: bytearray) -> None:
    line = f"\n{nonce} {mark}\n".encode()
    out += line
    err += line
