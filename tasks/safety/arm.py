"""Arming the switch: lock, backup, boot unit, timer, and last the mark that all of it counts. Pure.

Until that mark, `PENDING`, is there, nothing may be replaced; while it is there, the node goes back
to the backup unless it is told to stay. So it is made last and taken away first.
"""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.files import BACKUPS, STATE
from tasks.safety.places import (
    BOOT_LINK,
    BOOT_UNIT,
    LOCK,
    PENDING,
    apply_unit,
    backup_folder,
    timer_unit,
)
from tasks.safety.scripts import kernel_keys
from tasks.ssh.script import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from overlay.records import RawOutput
    from tasks.plan import FileChange
    from tasks.safety.manifest import Manifest

# Bytes set aside for a restore on a disk that fills; random ones, which no file system compresses.
_RESERVE = 2 * 1024 * 1024


def arm_sections(
    manifest: Manifest,
    changes: tuple[FileChange, ...],
    stage: str,
    *,
    seconds: int,
    break_lock: bool = False,
) -> list[Section]:
    """All that must be in place before the first file is replaced, in this order."""
    return [
        _free_section(),
        _lock_section(manifest, break_lock=break_lock),
        _backup_section(manifest, changes, stage),
        _boot_section(stage),
        Section("arm:timer", timer_command(manifest.number, "apply", seconds), stop=True),
        _pending_section(manifest.number),
    ]


def timer_command(number: str, phase: str, seconds: int) -> str:
    """Has systemd restore deployment `number` in so many seconds."""
    # Killed in the middle the restore is started again; 75 is its word that it can do no more.
    return (
        f"systemd-run --quiet --collect --unit={timer_unit(number, phase)} "
        f"--on-active={seconds} --timer-property=AccuracySec=100ms "
        "-p Restart=on-failure -p RestartSec=3 -p RestartPreventExitStatus=75 "
        f"/bin/sh {backup_folder(number)}/restore.sh timer"
    )


def apply_guard(number: str) -> Section:
    """The first step of an apply: nothing is replaced unless the switch is armed for it."""
    here = backup_folder(number)
    return Section(
        "armed",
        f'[ "$(readlink {PENDING})" = backups/{number} ] && [ ! -e {here}/restoring ] '
        "|| { echo the switch is not armed for this deployment; exit 1; }",
        stop=True,
    )


def hold_section(number: str, seconds: int) -> Section:
    """The last step of an apply: from now on there are `seconds` to confirm it."""
    # The new timer first: between the two commands there are two, never none.
    return Section(
        "hold",
        f"{timer_command(number, 'confirm', seconds)} "
        f"&& systemctl stop {timer_unit(number, 'apply')}.timer",
        stop=True,
    )


def withdraw_section(manifest: Manifest) -> Section:
    """Takes back an arming that failed half-way, before anything was replaced.

    Only what is this deployment's own: another one may have come first, with the same number.
    """
    number, token = manifest.number, shlex.quote(manifest.token)
    here = backup_folder(number)
    return Section(
        "withdraw",
        f'if [ "$(cat {here}/token 2>/dev/null)" = {token} ]; then\n'
        f'  [ "$(readlink {PENDING})" != backups/{number} ] || rm -f {PENDING}\n'
        f"  systemctl stop {timer_unit(number, 'apply')}.timer 2>/dev/null\n"
        f"  rm -rf {here}\nfi\n"
        f'[ "$(cat {LOCK}/token 2>/dev/null)" != {token} ] || rm -rf {LOCK}',
    )


def start_restore_section(number: str) -> Section:
    """Has the node restore itself now, by a unit of its own: our connection may not outlive it."""
    return Section(
        "restore",
        f"systemd-run --quiet --collect --unit=evpn-fleet-undo-{number}-now "
        "-p Restart=on-failure -p RestartSec=3 -p RestartPreventExitStatus=75 "
        f"/bin/sh {backup_folder(number)}/restore.sh now",
    )


def state_sections(number: str) -> list[Section]:
    """What became of a deployment: its outcome, whether it is still pending, still applied."""
    here = backup_folder(number)
    return [
        Section("outcome", f"[ ! -e {here}/outcome ] || cat {here}/outcome"),
        Section("pending", f"readlink {PENDING} || :"),
        Section("applying", f"systemctl is-active {apply_unit(number)}.service || :"),
    ]


def _free_section() -> Section:
    return Section(
        "arm:free",
        f"[ -L {PENDING} ] || exit 0\n"
        f'echo "deployment $(readlink {PENDING}) waits for its confirmation or its restoring:"\n'
        f"cat {LOCK}/owner {PENDING}/outcome 2>/dev/null; systemctl list-timers --no-legend "
        "'evpn-fleet-undo-*' 2>/dev/null\n"
        f'echo "by hand: sh {PENDING}/restore.sh hand, or sh {PENDING}/confirm.sh"; exit 1',
        stop=True,
    )


def _lock_section(manifest: Manifest, *, break_lock: bool) -> Section:
    owner = shlex.quote(f"{manifest.who} since {manifest.at}, deployment {manifest.number}")
    break_it = f"rm -rf {LOCK}\n" if break_lock else ""
    return Section(
        "arm:lock",
        f"{break_it}if mkdir -m 700 {LOCK} 2>/dev/null; then\n"
        f"  echo {shlex.quote(manifest.token)} > {LOCK}/token && echo {owner} > {LOCK}/owner\n"
        "  exit\nfi\n"
        f"age=$(( $(date +%s) - $(stat -c %Y {LOCK}) ))\n"
        f"who=$(cat {LOCK}/owner 2>/dev/null || echo nobody known)\n"
        'echo "locked for $age s by: $who"\nexit 1',
        stop=True,
    )


def _backup_section(manifest: Manifest, changes: tuple[FileChange, ...], stage: str) -> Section:
    """Every managed file as it is (`old/`) and as it will be (`new/`), on the disk."""
    here = backup_folder(manifest.number)
    staged = {c.file.path: f"{stage}/{c.file.name}" for c in changes if c.after.text is not None}
    changed = {change.file.path for change in changes}
    lines = [f"install -d -m 700 {STATE} {BACKUPS}", f"mkdir -m 700 {here}"]
    lines.append(f"echo {shlex.quote(manifest.token)} > {here}/token")
    lines.append(f"mkdir -m 700 {here}/old {here}/new")
    for record in manifest.files:
        path = record.path
        if record.existed:
            lines += [_copy(path, f"{here}/old"), _same(f"{here}/old{path}", record.sha256, path)]
        else:
            lines.append(_absent(path))
        if path in staged:
            lines.append(f"install -D -m 600 {staged[path]} {here}/new{path}")
        elif path not in changed and record.existed:
            lines.append(_copy(path, f"{here}/new"))
    lines.append(f"head -c {_RESERVE} /dev/urandom > {here}/reserve")
    keys = " ".join(shlex.quote(key) for key in kernel_keys(changes))
    lines += [
        f"ls /sys/class/net > {here}/links",
        f"{{ sysctl -e {keys} || :; }} > {here}/kernel.conf" if keys else f": > {here}/kernel.conf",
        f"install -m 700 {stage}/restore.sh {stage}/confirm.sh {here}",
        # The manifest is the last: a backup without one was interrupted and counts for nothing.
        f"find {here} -exec sync {{}} +",
        f"install -m 600 {stage}/manifest.json {here} && sync {here}/manifest.json {here}",
        f"sync {BACKUPS} {STATE}",
    ]
    return Section("arm:backup", "set -e\n" + "\n".join(lines), timeout=60, stop=True)


def _copy(path: str, folder: str) -> str:
    # Not `cp -a --parents`: that of coreutils 9.1 (Debian 12) fails on an absolute path.
    return f"mkdir -p {folder}{posixpath.dirname(path)} && cp -a {path} {folder}{path}"


def _same(copy: str, sha256: str | None, path: str) -> str:
    said = shlex.quote(f"{path} was changed after it was read")
    check = f"printf '%s  %s\\n' {sha256} {copy} | sha256sum --check --status"
    return f"[ -L {copy} ] || {check} || {{ echo {said}; exit 1; }}"


def _absent(path: str) -> str:
    said = shlex.quote(f"{path} came into being after it was looked for")
    return f"[ ! -e {path} ] && [ ! -L {path} ] || {{ echo {said}; exit 1; }}"


def _boot_section(stage: str) -> Section:
    """Installs the unit that restores at boot; once, or when its text has changed.

    A boot reads it from the disk: to have the running systemd read all its units again for that
    (daemon-reload) would cost the node more than the rest of arming.
    """
    folder = BOOT_LINK.rpartition("/")[0]
    return Section(
        "arm:boot",
        f"cmp -s {stage}/boot.service {BOOT_UNIT} && [ -L {BOOT_LINK} ] && exit 0\n"
        f"install -m 644 {stage}/boot.service {BOOT_UNIT}.new && sync {BOOT_UNIT}.new "
        f"&& mv -fT {BOOT_UNIT}.new {BOOT_UNIT} && install -d -m 755 {folder} "
        f"&& ln -sfn {BOOT_UNIT} {BOOT_LINK} && sync {folder} {BOOT_UNIT.rpartition('/')[0]}",
        timeout=60,
        stop=True,
    )


def _pending_section(number: str) -> Section:
    return Section(
        "arm:pending",
        f"ln -sfn backups/{number} {PENDING}.new && mv -fT {PENDING}.new {PENDING} && sync {STATE}",
        stop=True,
    )


@dataclass(frozen=True, slots=True)
class SwitchState:
    """What a node says of a deployment.

    `decided` is `confirmed`, `restored`, `restore-failed`, or None while it is open; `notes` are
    the restore's own words. `pending` names the backup that the switch stands for, if any.
    """

    decided: str | None
    notes: tuple[str, ...]
    pending: str
    applying: bool

    @classmethod
    def read(cls, outputs: Mapping[str, RawOutput]) -> SwitchState | None:
        """From the outputs of `state_sections`; None when they are not whole."""
        if any(s not in outputs or outputs[s].rc != 0 for s in ("outcome", "pending", "applying")):
            return None
        lines = outputs["outcome"].text.splitlines()
        notes = tuple(line[5:][:500] for line in lines if line.startswith("note="))
        known = {"confirmed", "restored", "restore-failed"}
        decided = lines[0] if lines and lines[0] in known else None
        active = outputs["applying"].text.strip() in ("active", "activating", "deactivating")
        return cls(decided, notes[:20], outputs["pending"].text.strip(), active)
