"""One replayed node: what it answers to our scripts. It runs no shell and knows no network.

Reading commands are answered with the recorded outputs of the lab. The managed files are a tree in
memory, which a deployment really changes; everything else that a deployment does just succeeds.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from overlay.outputs import file_slug
from replay.switch import ReplaySwitch
from tasks.commands import BY_SLUG
from tasks.files import FRR_CONF, INTERFACES, MANAGED_FILES, SYSCTL
from tasks.plan import FileState, sha256_of
from tasks.scopes import SLUG as ELSEWHERE
from tasks.scopes import matches
from tasks.ssh.node_files import NAME_SLUG, listing_of
from tasks.ssh.node_files import SLUG as NODE_FILES
from tasks.ssh.script import Answer, Section, frame, sections_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from overlay.records import RawOutput

SHELLS = ("/bin/sh -s", "sudo -n /bin/sh -s")
_ABSENT = FileState(None)
_BY_NAME = {file.name: file.path for file in MANAGED_FILES}
# What is not recorded because it follows from the node's files: they themselves, the configuration
# that FRR runs, and the kernel's settings, which `sysctl` prints as their file says them.
_FROM_FILES = {file_slug(file.path): file.path for file in MANAGED_FILES} | {
    "running_config": FRR_CONF.path,
    "sysctl": SYSCTL.path,
}
# Of a node that stands still: what is read again says the same again.
_SAME = {"bridge_fdb_later": "bridge_fdb"}
# The one folder of a node that paths may lead into, as `mktemp` of a deployment makes it.
_STAGED = re.compile(r"/tmp/evpn-fleet\.\w+(/\w[\w.-]*)?")  # noqa: S108 - the node's
_SUCCEED = frozenset(
    {
        "announce",
        "answers",
        "arm",
        "armed",
        "frr-converged",
        "frr-reload",
        "frr-restart",
        "gateways-usable",
        "hold",
        "ifreload",
        "interfaces-hold",
        "route-gone",
        "rt-tables",
        "sysctl",
        "sysctl-again",
        "unmake",
        "validate",
        "withdraw",
    }
)


class Mishap(Enum):
    """What may befall a session, half-way through a section's output."""

    HANG = auto()
    """Nothing more comes, and the session stays open."""
    CUT = auto()
    """The connection breaks."""


class ReplayNode:
    """A node's recordings and files. `home` is the folder that SFTP shows as `/`.

    `files` maps a path to its FileState, `recording` a slug to its output, `mishaps` a slug to what
    goes wrong there, and `failures` a slug to what it says when it fails; `login_takes` are the
    seconds before its shell begins. A test or a demonstration may change all of them at any time.
    """

    def __init__(self, name: str, home: Path, files: Mapping[str, FileState]) -> None:
        self.name = name
        self.home = home
        self.files = dict(files)
        self.recording: Mapping[str, RawOutput] = {}
        self.mishaps: dict[str, Mishap] = {}
        self.failures: dict[str, str] = {}
        self.login_takes = 0.0
        self.switch = ReplaySwitch()
        (home / "tmp").mkdir(parents=True)
        self._said: dict[str, bytes] = {}  # what the last unit wrote, by the file's name

    def answer_script(self, text: str) -> tuple[bytes, bytes, Mishap | None]:
        """The stdout and stderr of a script of ours, and the mishap that they end with, if any.

        Raises ValueError when `text` is not such a script.
        """
        nonce, sections = sections_of(text)
        answers: list[Answer] = []
        for section in sections:
            answer = self._answer(section)
            mishap = self.mishaps.get(section.slug)
            if mishap is not None:
                half = answer.stdout[: len(answer.stdout) // 2]
                out, err = frame(nonce, [*answers, Answer(section, half, rc=None)])
                return out, err, mishap
            answers.append(answer)
            if section.stop and answer.rc:
                break
        return *frame(nonce, answers), None

    def _answer(self, section: Section) -> Answer:
        kind, _, subject = section.slug.partition(":")
        try:
            if section.slug in BY_SLUG and not section.stop:  # a deployment has a step `sysctl`
                return self._recorded(section)
            if section.slug in self.failures:
                return Answer(section, self.failures[section.slug].encode(), rc=1)
            if (answer := self._about_switch(section)) is not None:
                return answer
            if kind in _SUCCEED:
                return Answer(section)
            if kind == NAME_SLUG:
                return Answer(section, f"{self.name}\n".encode())
            if kind == NODE_FILES:
                return Answer(section, listing_of(self._texts()).encode())
            if kind == ELSEWHERE:
                return Answer(section, self._elsewhere())
            if kind in ("stat", "text", "sum"):
                return Answer(section, self._read(kind, _BY_NAME[subject]))
            if kind == "running":
                return Answer(section, _as_printed("running_config", self._text(FRR_CONF.path)))
            if kind == "install":
                self._install(subject, shlex.split(section.command))
                return Answer(section)
            return self._staging(section, shlex.split(section.command))
        except (LookupError, ValueError, OSError) as error:
            return _unknown(section, f" ({error!r})")

    def _about_switch(self, section: Section) -> Answer | None:
        answer = self.switch.answer(section, self.files)
        if section.slug == "arm:pending":
            # What a real node copies into its backup, the replayed one takes from the stage.
            staged = next((self.home / "tmp").glob("*/manifest.json"))
            self.switch.manifests[self.switch.pending] = staged.read_text(encoding="utf-8").strip()
        if section.slug in ("confirm", "restore"):
            for stage in (self.home / "tmp").iterdir():
                shutil.rmtree(stage)
        return answer

    def _texts(self) -> list[tuple[str, str]]:
        """Its files, and what its kernel says of forwarding where that is recorded."""
        found = [(path, state.text) for path, state in sorted(self.files.items()) if state.text]
        recorded = self.recording.get("sysctl")
        for line in recorded.text.splitlines() if recorded else ():
            key, _, value = line.partition(" = ")
            if key == "net.ipv4.ip_forward":
                found.append(("/proc/sys/net/ipv4/ip_forward", f"{value}\n"))
        return found

    def _recorded(self, section: Section) -> Answer:
        output = self.recording.get(section.slug) or self.recording.get(_SAME.get(section.slug, ""))
        if output is None and section.slug in _FROM_FILES:
            text = self._text(_FROM_FILES[section.slug])
            if section.slug == "sysctl":
                text += _follows(text, shlex.split(section.command))
            return Answer(section, _as_printed(section.slug, text))
        if output is None:
            return _unknown(section)
        rc = 1 if output.rc is None else output.rc
        return Answer(section, output.text.encode(), output.stderr.encode(), rc)

    def _text(self, path: str) -> str:
        return self.files.get(path, _ABSENT).text or ""

    def _read(self, kind: str, path: str) -> bytes:
        state = self.files.get(path, _ABSENT)
        if state.text is None:
            return b""
        if kind == "sum":
            return f"{sha256_of(state.text)}  -\n".encode()
        return (f"{state.meta}\n" if kind == "stat" else state.text).encode()

    def _elsewhere(self) -> bytes:
        """What the interfaces files define, as `grep -H` prints it."""
        return "".join(
            f"{path}:{line}\n"
            for path, state in sorted(self.files.items())
            if path.startswith(INTERFACES.path)
            for line in (state.text or "").splitlines()
            if matches(line)
        ).encode()

    def _install(self, path: str, words: list[str]) -> None:
        """`install -o OWNER -g GROUP -m MODE STAGED NEW && …` puts a staged file in place."""
        if words[:2] == ["rm", "-f"]:
            self.files.pop(path, None)
            return
        options = dict(zip(words[1:7:2], words[2:7:2], strict=True))
        meta = f"{options['-m']} {options['-o']} {options['-g']}"
        self.files[path] = FileState(self._local(words[7]).read_text(encoding="utf-8"), meta)

    def _staging(self, section: Section, words: list[str]) -> Answer:
        """The sections around a deployment's folder: made, used by its unit, read, removed."""
        if section.slug == "stage":
            made = Path(tempfile.mkdtemp(prefix="evpn-fleet.", dir=self.home / "tmp"))
            return Answer(section, f"/tmp/{made.name}\n".encode())  # noqa: S108 - the node's /tmp
        if section.slug == "clean":
            shutil.rmtree(self._local(words[-1]), ignore_errors=True)
            return Answer(section)
        if section.slug in ("out", "err"):
            said = self._said.get(words[-1])
            return _unknown(section) if said is None else Answer(section, said)
        if section.slug == "unit":
            self._run_unit(words)
            return Answer(section)
        return _unknown(section)

    def _run_unit(self, words: list[str]) -> None:
        """`systemd-run … -p StandardOutput=file:OUT -p StandardError=file:ERR /bin/sh SCRIPT`."""
        streams = dict(word.split("=file:", 1) for word in words if "=file:" in word)
        script = self._local(words[-1]).read_text(encoding="utf-8")
        stdout, stderr, _ = self.answer_script(script)
        self._said = {streams["StandardOutput"]: stdout, streams["StandardError"]: stderr}

    def _local(self, path: str) -> Path:
        """Where a path of the node's staging folder lies on this machine."""
        if not _STAGED.fullmatch(path):
            raise ValueError(f"{path} is not in a staging folder")
        return self.home / path.lstrip("/")


def _unknown(section: Section, why: str = "") -> Answer:
    text = f"{section.slug}: not recorded: {section.command}{why}\n"
    return Answer(section, stderr=text.encode(), rc=127)


def read_tree(folder: Path) -> dict[str, FileState]:
    """The managed files below `folder` (as `folder/etc/…`), owned as they are on a node.

    What is not there is absent on the node too; a folder that does not exist is a bare node.
    """
    return {
        file.path: FileState(
            path.read_text(encoding="utf-8"), f"{file.mode:o} {file.owner} {file.group}"
        )
        for file in MANAGED_FILES
        if (path := folder / file.path.lstrip("/")).is_file()
    }


def _follows(text: str, asked: Sequence[str]) -> str:
    """What is asked of single interfaces follows the switch that the file sets."""
    switch = re.search(r"^net\.ipv4\.ip_forward *= *(\d)$", text, re.MULTILINE)
    keys = [key for key in asked if re.fullmatch(r"net\.ipv4\.conf\..*\.forwarding", key)]
    return "".join(f"{key} = {switch[1]}\n" for key in keys if switch and key not in text)


def _as_printed(slug: str, text: str) -> bytes:
    """A file's text as the command prints what came of it: FRR's own frame, no comments."""
    if slug == "running_config":
        head = "Building configuration...\n\nCurrent configuration:\n!\n"
        text = f"{head}{text}end\n" if text.endswith("\n") or not text else f"{head}{text}\nend\n"
    if slug == "sysctl":
        text = "".join(line for line in text.splitlines(keepends=True) if "=" in line)
    return text.encode()
