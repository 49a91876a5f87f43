"""One joined shell script for many commands, and its output taken apart again. Pure.

Each command's exit status and stderr are kept apart: the script frames both streams with lines
that carry a nonce of this run, so that no output can pretend to be a frame.
"""

from __future__ import annotations

import re
import secrets
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.records import RawOutput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# exec does not read a profile: an unprivileged user's PATH lacks the folders of `ip` and `bridge`.
_PRELUDE = """\
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
LC_ALL=C
export PATH LC_ALL
umask 022
mark() { printf '\\n%s %s\\n' {nonce} "$*"; printf '\\n%s %s\\n' {nonce} "$*" >&2; }
"""
# What an audit runs without a shell of its own, unless a word has to be quoted (`||`, `$`, `*`).
_PROGRAMS = frozenset({"bridge", "ip", "sysctl", "sudo", "vtysh"})
DEFAULT_CAP = 64 * 1024 * 1024
TIMED_OUT = 124
"""The exit status of a command that timeout(1) has ended."""
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
    """A script to feed to `sh -s`; `nonce` frames its output, `cap` bounds each stdout (bytes)."""

    text: str
    nonce: str
    slugs: tuple[str, ...]
    cap: int


def build_script(
    sections: Sequence[Section], *, cap: int = DEFAULT_CAP, nonce: str | None = None
) -> Script:
    """Joins `sections` into one POSIX shell script; their slugs must be distinct words."""
    nonce = nonce or f"@@{secrets.token_hex(8)}@@"
    body = "".join(_framed(section, nonce, cap) for section in sections)
    return Script(
        _PRELUDE.replace("{nonce}", nonce) + body + "mark end\n",
        nonce,
        tuple(section.slug for section in sections),
        cap,
    )


def _framed(section: Section, nonce: str, cap: int) -> str:
    command = f"timeout -k 2 {section.timeout} {_as_program(section.command)} </dev/null"
    # The status goes to stderr from inside the braces: a pipe would give that of `head` alone.
    status = f"rc=$?; printf '\\n%s rc %s\\n' {nonce} $rc >&2"
    lines = [f"mark begin {section.slug}"]
    if section.stop:
        lines += [f"{command}; {status}", '[ "$rc" = 0 ] || { mark end; exit 0; }']
    else:
        lines.append(f"{{ {command}; {status}; }} | head -c {cap + 1}")
    return "\n".join(lines) + "\n"


def _as_program(command: str) -> str:
    """The command for timeout(1): a program with its words as it is, all else in a shell.

    Of the time that twelve commands cost a node, framed as here and printing nothing, the shell of
    each is a fifth; timeout and head, which keep a command within its limits, are half.
    """
    try:
        words = shlex.split(command)
    except ValueError:  # an open quote: the shell says so
        words = []
    plain = words[:1] and words[0] in _PROGRAMS and shlex.join(words) == command
    return command if plain else f"sh -c {shlex.quote(command)}"


def split_output(script: Script, stdout: bytes, stderr: bytes) -> dict[str, RawOutput]:
    """What each section printed. A section that the script never reached is left out.

    One that began and never ended (the connection broke) has `rc` None and `truncated` True.
    """
    outs = _frames(script.nonce, stdout)
    errs = _frames(script.nonce, stderr)
    rc_mark = re.compile(re.escape(f"\n{script.nonce} rc ").encode() + rb"(\d+)\n")
    result: dict[str, RawOutput] = {}
    for slug in script.slugs:
        if slug not in outs:
            continue
        text, ended = outs[slug]
        said, _ = errs.get(slug, (b"", False))
        status = rc_mark.search(said)
        cut = len(text) > script.cap
        result[slug] = RawOutput(
            text=text[: script.cap].decode("utf-8", "replace"),
            rc=int(status[1]) if status and not cut else None if not cut else 0,
            stderr=rc_mark.sub(b"", said).decode("utf-8", "replace")[:4000],
            truncated=cut or not ended or status is None,
        )
    return result


def _frames(nonce: str, stream: bytes) -> dict[str, tuple[bytes, bool]]:
    """The stretches between `begin` marks by slug, and whether a later mark closes each."""
    mark = re.compile(rb"\n" + re.escape(nonce.encode()) + rb" (begin (\S+)|end)\n")
    found = list(mark.finditer(stream))
    frames: dict[str, tuple[bytes, bool]] = {}
    for at, match in enumerate(found):
        if match[2] is None:
            continue
        closed = at + 1 < len(found)
        end = found[at + 1].start() if closed else len(stream)
        frames[match[2].decode()] = (stream[match.end() : end], closed)
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
    for answer in answers:
        begin = f"\n{nonce} begin {answer.section.slug}\n".encode()
        out += begin + answer.stdout
        err += begin + answer.stderr
        if answer.rc is None:
            return bytes(out), bytes(err)
        err += f"\n{nonce} rc {answer.rc}\n".encode()
        if answer.section.stop and answer.rc:
            break
    end = f"\n{nonce} end\n".encode()
    return bytes(out + end), bytes(err + end)
