"""A make-believe machine: the node's scripts run for real under sh, below a temporary root.

What would touch this computer is faked and counted; `kill_at` ends everything with SIGKILL right
before the n-th command that changes something, as a power failure or an OOM kill would.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

from tasks.files import (
    BACKUPS,
    DAEMONS,
    FRR_CONF,
    INTERFACES,
    MARK,
    SNAT,
    STATE,
    SYSCTL,
    ManagedFile,
)
from tasks.plan import FileChange, FileState, sha256_of
from tasks.safety.arm import apply_guard, arm_sections, hold_section, withdraw_section
from tasks.safety.manifest import FileRecord, Manifest
from tasks.safety.places import BOOT_UNIT, LOCK, PENDING
from tasks.safety.scripts import boot_unit, confirm_script, restore_script
from tasks.ssh.script import Section, build_script, split_output
from tasks.steps import apply_sections

if TYPE_CHECKING:
    from pathlib import Path

_REAL = ("mv", "cp", "rm", "ln", "mkdir")
_FAKED = (
    "systemctl",
    "ifquery",
    "systemd-run",
    "ifreload",
    "frr-reload",
    "vtysh",
    "ip",
    "logger",
    "sysctl",
    "nft",
)
_WRAPPER = """\
#!/bin/sh
read n < {fake}/count; read kill < {fake}/kill; read leader < {fake}/leader
n=$((n + 1)); echo $n > {fake}/count
[ "$n" != "$kill" ] || {{ kill -9 -- -$leader; kill -9 0; }}
echo "{name} $*" >> {fake}/calls
{does}
"""
_INSTALL = """\
while [ "$1" = -o ] || [ "$1" = -g ]; do shift 2; done
exec /usr/bin/install "$@"
"""
_DOES = {
    "systemctl": """\
case "$*" in
    stop*) for unit; do rm -f {fake}/timers/$unit; done ;;
    *is-active*) for unit; do :; done; [ -e {fake}/active/$unit ] ;;
    "restart networking") [ ! -e {fake}/broken/networking ] ;;
    "restart frr") [ ! -e {fake}/broken/frr ] ;;
esac""",
    "systemd-run": """\
for word; do case "$word" in --unit=*) unit=${{word#--unit=}} ;; esac; done
case "$*" in *--on-active*) echo "$*" > {fake}/timers/$unit.timer ;; esac""",
    "ifquery": "cat {fake}/said",
    "frr-reload": "cat {fake}/lines 2> /dev/null || :",
    "ifreload": "[ ! -e {fake}/broken/ifreload ]",
    "sysctl": "echo 'net.ipv4.ip_forward = 0'",
    # Its prompt before each output, of which there is none.
    "vtysh": """\
for word; do
    case "$1 $word" in "-E show "*) echo "node# $word" ;; esac
done""",
}

OLD = {
    DAEMONS.path: ("bgpd=no\n", 0o640),
    FRR_CONF.path: (f"! {MARK} for n\nrouter bgp 1\nexit\n", 0o640),
    INTERFACES.path: ("auto lo\niface lo inet loopback\n", 0o600),
}
NEW = {
    DAEMONS.path: f"# {MARK} for n\nbgpd=yes\n",
    FRR_CONF.path: f"! {MARK} for n\nrouter bgp 2\nexit\n",
    SYSCTL.path: f"# {MARK} for n\nnet.ipv4.ip_forward = 1\n",
    SNAT.path: f"# {MARK} for n\ntable inet evpn_fleet_snat {{}}\n",
    INTERFACES.path: f"# {MARK} for n\nauto vxlan2\niface vxlan2\n        vxlan-id 2\n",
}


class Machine:
    """One machine with the OLD files and a staged deployment `0001` of the NEW ones."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.fake = root / "fake"
        self.stage = root / "stage"
        for folder in ("fake/bin", "fake/timers", "fake/active", "fake/broken", "run", "stage"):
            (root / folder).mkdir(parents=True)
        for folder in ("etc/frr", "etc/network", "etc/sysctl.d", "etc/iproute2", "var/lib"):
            (root / folder).mkdir(parents=True)
        (root / "etc/systemd/system").mkdir(parents=True)
        (root / "sys/class/net/lo").mkdir(parents=True)
        for path, (text, mode) in OLD.items():
            self.at(path).write_text(text)
            self.at(path).chmod(mode)
        for name in (*_REAL, *_FAKED, "install"):
            does = f'exec /bin/{name} "$@"' if name in _REAL else _DOES.get(name, ":")
            does = _INSTALL if name == "install" else does.format(fake=self.fake)
            tool = self.fake / "bin" / name
            tool.write_text(_WRAPPER.format(fake=self.fake, name=name, does=does))
            tool.chmod(0o755)
        # Not counted, for it changes nothing that a killed script could show.
        (self.fake / "bin/sync").symlink_to("/bin/true")
        self.changes = tuple(self._change(f) for f in (DAEMONS, FRR_CONF, SYSCTL, SNAT, INTERFACES))
        self.manifest = Manifest(
            "0001", "deploy", "0.1", "feed", "me@here", "2026-01-01T00:00:00Z", "cafe",
            tuple(self._record(change) for change in self.changes), {"frr": "active"},
        )  # fmt: skip
        self.fill_stage()

    def _change(self, file: ManagedFile) -> FileChange:
        old = OLD.get(file.path)
        before = FileState(None) if old is None else FileState(old[0], f"{old[1]:o} root root")
        return FileChange(file, before, FileState(NEW[file.path], "644 root root"))

    def _record(self, change: FileChange) -> FileRecord:
        text = change.before.text
        sha256 = None if text is None else sha256_of(text)
        new = sha256_of(NEW[change.file.path])
        existed = text is not None
        return FileRecord(change.file.path, existed, change.before.meta, sha256, new, True)

    def fill_stage(self) -> None:
        self.stage.mkdir(exist_ok=True)
        texts = {change.file.name: NEW[change.file.path] for change in self.changes}
        texts["restore.sh"] = restore_script(self.manifest, self.changes, "/tmp/stage")
        texts["confirm.sh"] = confirm_script(self.manifest, "/tmp/stage")
        texts["boot.service"] = boot_unit()
        texts["manifest.json"] = self.manifest.to_json()
        for name, text in texts.items():
            ours = name in {"restore.sh", "confirm.sh", "boot.service"}
            (self.stage / name).write_text(self.rooted(text) if ours else text)

    def save(self) -> None:
        """Remembers all of the machine, for `rewind`."""
        shutil.copytree(self.root, f"{self.root}.saved", symlinks=True)

    def rewind(self) -> None:
        """Makes the machine what it was when it was saved."""
        shutil.rmtree(self.root)
        shutil.copytree(f"{self.root}.saved", self.root, symlinks=True)

    def rooted(self, text: str) -> str:
        for place in ("/etc/", "/var/lib/", "/run/", "/sys/class/", "/tmp/stage"):
            text = text.replace(place, f"{self.root}{place.replace('/tmp/stage', '/stage')}")
        return text.replace("/usr/lib/frr/frr-reload.py", "frr-reload")

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def sh(self, text: str, *words: str, kill_at: int = 0) -> subprocess.CompletedProcess[bytes]:
        """Runs a script of ours; `kill_at` counts the commands that change something, from 1."""
        (self.fake / "count").write_text("0\n")
        (self.fake / "kill").write_text(f"{kill_at}\n")
        (self.fake / "script").write_text(text)
        path = f"{self.fake / 'bin'}:{os.environ['PATH']}"
        start = f'echo $$ > {self.fake}/leader; exec sh {self.fake}/script "$@"'
        return subprocess.run(
            ["/bin/sh", "-c", start, "sh", *words],
            env={**os.environ, "PATH": path}, capture_output=True, check=False,
            start_new_session=True, timeout=60,
        )  # fmt: skip

    def sections(self, sections: list[Section], *, kill_at: int = 0) -> dict[str, int | None]:
        """Runs sections as one script; the exit status of each that was reached."""
        script = build_script(sections)
        done = self.sh(self.rooted(script.text), kill_at=kill_at)
        self.said = split_output(script, done.stdout, done.stderr)
        return {slug: output.rc for slug, output in self.said.items()}

    def arm(self, *, kill_at: int = 0, break_lock: bool = False) -> dict[str, int | None]:
        made = arm_sections(
            self.manifest, self.changes, "/tmp/stage", seconds=120, break_lock=break_lock
        )
        return self.sections(made, kill_at=kill_at)

    def withdraw(self, token: str = "cafe") -> None:
        self.sections([withdraw_section(replace(self.manifest, token=token))])

    def apply(self, *, kill_at: int = 0) -> dict[str, int | None]:
        steps = apply_sections(self.changes, "/tmp/stage")
        return self.sections(
            [apply_guard("0001"), *steps, hold_section("0001", 120)], kill_at=kill_at
        )

    def backup_script(
        self, name: str, *words: str, kill_at: int = 0
    ) -> subprocess.CompletedProcess[bytes]:
        text = (self.at(BACKUPS) / "0001" / name).read_text()
        return self.sh(text, *words, kill_at=kill_at)

    @property
    def steps(self) -> int:
        """How many commands that change something the last run had."""
        return int((self.fake / "count").read_text())

    @property
    def calls(self) -> list[str]:
        calls = self.fake / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    @property
    def timers(self) -> set[str]:
        return {path.name for path in (self.fake / "timers").iterdir()}

    @property
    def pending(self) -> bool:
        return self.at(PENDING).is_symlink()

    @property
    def locked(self) -> bool:
        return self.at(LOCK).exists()

    @property
    def outcome(self) -> str:
        path = self.at(f"{BACKUPS}/0001/outcome")
        return path.read_text().splitlines()[0] if path.exists() else ""

    def fire_timers(self, *, kill_at: int = 0) -> None:
        """What systemd does when a timer is over."""
        if self.timers:
            shutil.rmtree(self.fake / "timers")
            (self.fake / "timers").mkdir()
            self.backup_script("restore.sh", "timer", kill_at=kill_at)

    def boot(self, *, kill_at: int = 0) -> None:
        """A power failure: /run and every transient unit is gone, the boot unit runs if it must."""
        shutil.rmtree(self.root / "run")
        (self.root / "run").mkdir()
        shutil.rmtree(self.fake / "timers")
        (self.fake / "timers").mkdir()
        if self.pending:
            assert self.at(BOOT_UNIT).exists()
            self.sh((self.at(PENDING) / "restore.sh").read_text(), "boot", kill_at=kill_at)

    def files(self) -> dict[str, tuple[str, int]]:
        """The managed files as they lie there now, and whatever was left beside them."""
        found = {}
        for folder in ("etc/frr", "etc/network", "etc/sysctl.d"):
            for path in (self.root / folder).iterdir():
                name = "/" + str(path.relative_to(self.root))
                found[name] = (path.read_text(), path.stat().st_mode & 0o777)
        return found


KILLED = -signal.SIGKILL
__all__ = ["BACKUPS", "KILLED", "NEW", "OLD", "STATE", "Machine"]
