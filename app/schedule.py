"""`schedule`: audits at set times, by a systemd timer or by cron."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.context import login
from app.places import INSTALLED, ROOT
from app.systemd_units import Schedule, Times, secrets_among, unit_name
from overlay.errors import FleetError
from reports.jsonfile import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.context import Context

__all__ = ["Times", "Units", "plan_of", "refuse_secrets", "times_of", "unit_name"]

_NOTIFY = "EVPN_FLEET_NOTIFY"
_SECONDS = 60


def plan_of(
    context: Context,
    units: Units,
    times: Times,
    user: str | None,
    options: Sequence[str],
    parsed: Mapping[str, Any],
) -> Schedule:
    """What is to run when. `parsed` is what `audit` makes of its `options`."""
    inventory = context.inventory.resolve()
    return Schedule(
        name=units.name,
        inventory=inventory,
        command=(*_program(), "--quiet", "--inventory", str(inventory), "audit", *options),
        times=times,
        user=user or os.environ.get("SUDO_USER") or login(),
        folder=context.audits.parent if INSTALLED else None,
        writable=_writable(context, parsed),
        # As the installed system sees it, so without --root.
        environment=Path("/") / units.environment.relative_to(units.root),
    )


def _program() -> tuple[str, ...]:
    """The command line of this very installation: a checkout's run.py, or the console command."""
    if INSTALLED:
        return (str(Path(sys.executable).with_name("evpn-fleet")),)
    return (sys.executable, str(ROOT / "run.py"))


def refuse_secrets(options: Sequence[str]) -> None:
    """Raises FleetError for a notification URL among the options of the audit."""
    if secrets_among(options):
        raise FleetError(
            "a URL in the options of `audit` would be visible to all users in the process list",
            f"set {_NOTIFY} in the environment of `schedule --install`, or name a file of URLs "
            "that only its user may read: -- --notify FILE",
        )


def _writable(context: Context, parsed: Mapping[str, Any]) -> tuple[Path, ...]:
    folders = {context.audits: None}
    for option in ("history", "metrics"):
        if parsed.get(option):
            folders[Path(parsed[option]).absolute().parent] = None
    if parsed.get("output"):
        folders[Path(parsed["output"]).absolute()] = None
    return tuple(folders)


def times_of(every: str, calendar: str | None) -> Times:
    """The times of --every, or of --calendar where it is given. Raises FleetError."""
    return Times.every(every) if calendar is None else _calendar(calendar)


def _calendar(text: str) -> Times:
    if not text.isprintable():
        raise FleetError(f"--calendar {text!r}: is not one line of text", "as in: Mon..Fri 06:00")
    if shutil.which("systemd-analyze"):
        done = _run("systemd-analyze", "calendar", text)
        if done.returncode:
            raise FleetError(
                f"--calendar {text}: {done.stderr.strip() or 'systemd does not understand it'}",
                "see `man systemd.time`, for example: Mon..Fri *-*-* 06:00",
            )
    return Times(text)


class Units:
    """The files of one schedule in the system below `root`, and their state there."""

    def __init__(self, root: Path, name: str) -> None:
        if not name or not all((c.isalnum() and c.isascii()) or c in "_.-" for c in name):
            raise FleetError(f"--name {name}: cannot name a unit", "use letters, digits, _ . and -")
        self.name, self.root = name, root.resolve()
        folder = self.root / "etc/systemd/system"
        self.service = folder / f"evpn-fleet-audit-{name}.service"
        self.timer = self.service.with_suffix(".timer")
        self.environment = self.root / "etc/evpn-fleet" / f"{name}.env"

    def install(self, context: Context, plan: Schedule) -> None:
        """Writes, enables and starts them; what is as it should be already is left alone."""
        self._refuse_other(plan)
        _refuse_temporary(plan)
        _need_systemctl(self.root)
        try:
            pwd.getpwnam(plan.user)
        except KeyError:
            if self.root == Path("/"):
                raise FleetError(
                    f"--user {plan.user}: there is no such user", "create it, or use another"
                ) from None
        try:
            self._make_folders(plan)
            for path, text in ((self.service, plan.service()), (self.timer, plan.timer())):
                _write(context, path, text, 0o644)
            self._write_environment(context)
        except OSError as error:
            raise _no_root(error) from None
        self._systemctl("enable", "--now", self.timer.name)
        context.out.print(f"{self.timer.name}: installed; it audits {plan.inventory}")
        context.say(f"see `systemctl list-timers {self.timer.name}`")

    def remove(self, context: Context) -> None:
        """Stops and removes them, and the secrets with them; audits and history stay."""
        if not (self.timer.exists() or self.service.exists() or self.environment.exists()):
            context.out.print(f"{self.timer.name}: is not installed")
            return
        if self.timer.exists():
            _need_systemctl(self.root)
            self._systemctl("disable", "--now", self.timer.name)
        try:
            for path in (self.timer, self.service, self.environment):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise _no_root(error) from None
        if self.root == Path("/"):
            _run("systemctl", "daemon-reload")
        context.out.print(f"{self.timer.name}: removed")

    def _refuse_other(self, plan: Schedule) -> None:
        """Two inventories with folders of one name must not take each other's units."""
        mark = plan.service().splitlines()[0]
        if self.service.exists() and self.service.read_text().splitlines()[:1] != [mark]:
            raise FleetError(
                f"{self.service}: already audits another inventory",
                "give this one a --name of its own, or --remove that one first",
            )

    def _make_folders(self, plan: Schedule) -> None:
        for path in (self.service, self.environment):
            path.parent.mkdir(parents=True, exist_ok=True)
        if self.root != Path("/"):
            return
        # systemd refuses to start a service whose ReadWritePaths are not there.
        for folder in plan.writable:
            if not folder.exists():
                folder.mkdir(parents=True)
                shutil.chown(folder, plan.user)

    def _write_environment(self, context: Context) -> None:
        given = os.environ.get(_NOTIFY)
        if given:
            quoted = given.replace("\\", "\\\\").replace('"', '\\"')
            _write(context, self.environment, f'{_NOTIFY}="{quoted}"\n', 0o600)
        elif not self.environment.exists():
            text = f"# {_NOTIFY}=mailto://… slack://…   apprise URLs, with a blank between them\n"
            _write(context, self.environment, text, 0o600)

    def _systemctl(self, *arguments: str) -> None:
        if self.root == Path("/"):
            _run("systemctl", "daemon-reload")
            done = _run("systemctl", *arguments)
        else:
            # Another system's: nothing can be started there.
            words = [word for word in arguments if word != "--now"]
            done = _run("systemctl", f"--root={self.root}", *words)
        if done.returncode:
            raise FleetError(
                f"systemctl {' '.join(arguments)}: {done.stderr.strip()[:500]}",
                "the unit files are in place; fix that, then run this again",
            )


def _write(context: Context, path: Path, text: str, mode: int) -> None:
    same = path.exists() and path.read_text() == text and path.stat().st_mode & 0o777 == mode
    if not same:
        write_text(path, text, mode)
    context.say(f"{path}: {'unchanged' if same else 'written'}")


def _refuse_temporary(plan: Schedule) -> None:
    """The service has a /tmp of its own, in which nothing of ours would be found."""
    for path in (plan.inventory, *plan.writable):
        if path.is_relative_to("/tmp") or path.is_relative_to("/var/tmp"):  # noqa: S108
            raise FleetError(
                f"{path}: is in a folder for temporary files, which the service cannot see",
                "move it to a permanent place, such as /srv or a home folder",
            )


def _need_systemctl(root: Path) -> None:
    running = root != Path("/") or Path("/run/systemd/system").is_dir()
    if not shutil.which("systemctl") or not running:
        raise FleetError(
            "this system does not run systemd: no timer can be installed",
            "use `schedule --cron` and put its line into the crontab of the user who audits",
        )


def _no_root(error: OSError) -> FleetError:
    return FleetError(f"{error.filename}: {error.strerror}", "installing needs root: use sudo")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
