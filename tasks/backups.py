"""What a node's backups hold: the files to roll back to, and what we deployed last."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from overlay.errors import CommandError, FleetError
from tasks.files import OPTIONAL_FILES, files_of
from tasks.plan import FileState, NodePlan, plan_towards
from tasks.safety.places import NUMBER, backup_folder
from tasks.ssh.fleet import needs_sudo
from tasks.ssh.script import Section, build_script, split_output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nornir.core.task import Task

    from overlay.expected import FabricIntent
    from tasks.preflight.facts import Backup, NodeFacts, Target
    from tasks.safety.manifest import Manifest
    from tasks.ssh.connection import FleetSSH


def read_backup(
    host: str, connection: FleetSSH, folder: str, paths: Iterable[str], *, sudo: bool
) -> dict[str, str]:
    """The texts of files below a folder of a backup; one that is not there is left out."""
    wanted = tuple(paths)
    sections = [Section(f"saved:{path}", f"cat {shlex.quote(folder + path)}") for path in wanted]
    script = build_script(sections, cap=8 * 1024 * 1024)
    outputs = split_output(script, *connection.run(script, sudo=sudo, deadline=60))
    texts = {}
    for path in wanted:
        output = outputs.get(f"saved:{path}")
        if output is None or output.truncated:
            raise CommandError(f"{host}: {folder}{path} could not be read", "run the command again")
        if output.rc == 0:
            texts[path] = output.text
    return texts


def rolled_back(intent: FabricIntent, number: str | None) -> Target:
    """The target of a rollback: the files as they were before deployment `number`.

    Without a number, before the last deployment that was confirmed.
    """

    def target(task: Task, connection: FleetSSH, facts: NodeFacts) -> NodePlan:
        host, sudo = task.host.name, needs_sudo(task.host)
        backup = _chosen(host, facts, number)
        manifest = _readable(host, backup)
        there = [record.path for record in manifest.files if record.existed]
        folder = f"{backup_folder(backup.number)}/old"
        texts = read_backup(host, connection, folder, there, sudo=sudo)
        node = intent.nodes[host]
        optional = {file.path for file in OPTIONAL_FILES}
        managed = {file.path for file in files_of(node)} | optional
        if managed != {record.path for record in manifest.files} | optional:
            raise FleetError(
                f"{host}: backup {backup.number} was made under another managed scope",
                "set `scope:` as it was then, or restore its files on the node by hand",
            )
        wanted = dict.fromkeys(managed - optional, FileState(None))
        for record in manifest.files:
            if record.existed and record.path not in texts:
                raise FleetError(
                    f"{host}: backup {backup.number} lacks {record.path}",
                    "choose another one: `rollback --list` shows them",
                )
            if record.existed:
                wanted[record.path] = FileState(texts[record.path], record.meta)
        return plan_towards(node, connection, wanted, sudo=sudo)

    return target


def _chosen(host: str, facts: NodeFacts, number: str | None) -> Backup:
    found = facts.last_confirmed
    if number is not None:
        found = next((b for b in facts.backups if b.number == number), None)
    if found is None:
        has = ", ".join(facts.numbers) or "none at all"
        asked = "no confirmed deployment" if number is None else f"no backup {number}"
        raise FleetError(f"{host}: it has {asked}", f"`rollback --list` shows them; it has {has}")
    return found


def _readable(host: str, backup: Backup) -> Manifest:
    if backup.manifest is None:
        raise FleetError(
            f"{host}: backup {backup.number} is incomplete: it was interrupted while it was made",
            "choose another one: `rollback --list` shows them",
        )
    return backup.manifest


def backup_number(text: str) -> str:
    """A backup's number as people write it: `7` is `0007`. Raises FleetError."""
    number = text.strip().rjust(4, "0")
    if not NUMBER.fullmatch(number):
        raise FleetError(f"--to {text}: not a backup's number", "`rollback --list` shows them")
    return number
