"""A replayed node's dead man's switch: what is asked of it, and what it does to the files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.files import FRR_CONF, MANAGED_FILES, is_ours
from tasks.ssh.script import Answer, Section

if TYPE_CHECKING:
    from tasks.plan import FileState

_NEIGHBOUR = re.compile(r"^ neighbor ([0-9a-f.:]+) remote-as ", re.MULTILINE)
_FACTS = {"services": "active\nactive\n", "free": "head\nd 9 0 9999999 0% /\n"}

_SAVED = re.compile(r"backups/(\d{4})/(old|new)(/[\w./-]+)")


@dataclass(slots=True)
class ReplaySwitch:
    """The switch of one node; `pending` names the backup that it would go back to.

    `backups` maps a number to the files before that deployment, `deployed` to those after it,
    `outcomes` to how it ended and `manifests` to what it was.
    """

    pending: str = ""
    backups: dict[str, dict[str, FileState]] = field(default_factory=dict)
    deployed: dict[str, dict[str, FileState]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, str] = field(default_factory=dict)

    def answer(self, section: Section, files: dict[str, FileState]) -> Answer | None:
        """The answer to a section about the switch, or None when it is about something else."""
        kind, _, subject = section.slug.partition(":")
        if kind == "fact":
            return Answer(section, self._fact(subject).encode())
        if kind == "saved":
            return self._saved(section)
        if kind == "last":
            return Answer(section, self._last(subject).encode())
        if kind == "sessions":
            return _sessions(section, files)
        if section.slug == "arm:pending":
            self.pending = section.command.split()[2].rpartition("/")[2]
            self.backups[self.pending] = dict(files)
            return Answer(section)
        if section.slug in ("confirm", "restore"):
            return self._decide(section, files)
        return self._state(section)

    def _fact(self, subject: str) -> str:
        if subject == "backups":
            return "".join(
                f"{number} {self.outcomes.get(number, '-')}\n{self.manifests.get(number, '')}\n"
                for number in self.backups
            )
        if subject == "pending":
            return f"backups/{self.pending}" if self.pending else ""
        return _FACTS.get(subject, "")

    def _decide(self, section: Section, files: dict[str, FileState]) -> Answer:
        if self.pending:
            confirmed = section.slug == "confirm"
            self.outcomes[self.pending] = "confirmed" if confirmed else "restored"
            if confirmed:
                self.deployed[self.pending] = dict(files)
            else:
                files.clear()
                files.update(self.backups[self.pending])
            self.pending = ""
        return Answer(section)

    def _saved(self, section: Section) -> Answer:
        number, kind, path = _SAVED.findall(section.command)[0]
        state = (self.backups if kind == "old" else self.deployed)[number].get(path)
        if state is None or state.text is None:
            return Answer(section, rc=1)
        return Answer(section, state.text.encode())

    def _last(self, name: str) -> str:
        """A file, by its staged name, as the last confirmed deployment left it."""
        confirmed = [number for number in self.deployed if self.outcomes[number] == "confirmed"]
        files = self.deployed[confirmed[-1]] if confirmed else {}
        path = next(file.path for file in MANAGED_FILES if file.name == name)
        state = files.get(path)
        return (state.text if state else None) or ""

    def _state(self, section: Section) -> Answer | None:
        if section.slug == "outcome":
            number = re.findall(r"backups/(\d{4})", section.command)[0]
            return Answer(section, f"{self.outcomes.get(number, '')}\n".encode())
        if section.slug == "pending":
            return Answer(section, f"{self.pending}\n".encode())
        return Answer(section, b"inactive\n") if section.slug == "applying" else None


def _sessions(section: Section, files: dict[str, FileState]) -> Answer:
    """Every neighbour of the node's frr.conf is up; without one of ours bgpd does not run."""
    state = files.get(FRR_CONF.path)
    text = (state.text if state else None) or ""
    if not is_ours(text):
        return Answer(section, b"bgpd is not running\n", rc=1)
    peers = {peer: {"state": "Established"} for peer in _NEIGHBOUR.findall(text)}
    return Answer(section, json.dumps({"peers": peers}).encode())
