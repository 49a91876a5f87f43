"""The systemd service and timer, or the cron line, that audit an inventory at set times. Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from overlay.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_EVERY: Final = re.compile(r"([1-9][0-9]{0,2})(min|h|d)")
_MINUTES: Final = {"min": 1, "h": 60, "d": 24 * 60}
# An audit that hangs must not keep the timer from ever starting the next one.
_SHORTEST_TIMEOUT: Final = 300
_CALENDAR_TIMEOUT: Final = 3600

_SERVICE: Final = """\
# inventory: {inventory}
# Written by `evpn-fleet schedule`; changes here are lost when it is installed again.
[Unit]
Description=evpn-fleet: audit of {described}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={user}
{directory}ExecStart={command}
# Drift (2) and nodes that are incomplete (3) are results of an audit. The unit fails when the audit
# itself did (1): `systemctl --failed` and OnFailure= then mean that.
SuccessExitStatus=2 3
TimeoutStartSec={timeout}
# EVPN_FLEET_NOTIFY=… : its URLs are secrets, so they stand there and in no command line.
EnvironmentFile=-{environment}
Nice=10

# Its own keys and known_hosts are in a home folder: readable, no more.
ProtectHome=read-only
ProtectSystem=strict
ReadWritePaths={writable}
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
LockPersonality=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""

_TIMER: Final = """\
# inventory: {inventory}
[Unit]
Description=evpn-fleet: when to audit {described}

[Timer]
OnCalendar={calendar}
RandomizedDelaySec={delay}
Persistent=yes

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True, slots=True)
class Times:
    """When to audit: `minutes` between two audits, 0 where only the calendar says it."""

    calendar: str
    minutes: int = 0
    cron: str = ""

    @classmethod
    def every(cls, text: str) -> Times:
        """Returns the times of `15min`, `2h` or `1d`. Raises FleetError for what has no rhythm."""
        match = _EVERY.fullmatch(text)
        number, unit = (int(match[1]), match[2]) if match else (0, "")
        whole = {"min": 60, "h": 24, "d": 1}.get(unit, 0)
        if not match or whole % number:
            raise FleetError(
                f"--every {text}: does not divide a day evenly",
                "use minutes that divide an hour (5min, 15min), hours that divide a day (1h, 6h), "
                "or 1d; or use --calendar",
            )
        calendar, cron = {
            "min": (f"*:0/{number}", f"*/{number} * * * *"),
            "h": (f"0/{number}:00", f"0 */{number} * * *"),
            "d": ("*-*-* 00:00", "0 0 * * *"),
        }[unit]
        if number == whole != 1:  # 60min, 24h
            return cls.every({"min": "1h", "h": "1d"}[unit])
        return cls(calendar, number * _MINUTES[unit], cron)

    @property
    def delay(self) -> int:
        """Seconds by which starts are spread, so that several inventories do not begin at once."""
        return min(300, self.minutes * 6) or 60

    @property
    def timeout(self) -> int:
        """Seconds after which an audit is ended from outside."""
        return max(_SHORTEST_TIMEOUT, self.minutes * 60) if self.minutes else _CALENDAR_TIMEOUT


@dataclass(frozen=True, slots=True)
class Schedule:
    """All that the units say. `writable` are the folders that an audit writes to, `folder` the one
    that it runs in, where that decides what it does.
    """

    name: str
    inventory: Path
    command: tuple[str, ...]
    times: Times
    user: str
    folder: Path | None
    writable: tuple[Path, ...]
    environment: Path

    def service(self) -> str:
        """Return the text of the service."""
        return _SERVICE.format(
            inventory=_comment(self.inventory),
            described=_specifiers(self.name),
            user=_specifiers(self.user),
            directory=f"WorkingDirectory={_specifiers(str(self.folder))}\n" if self.folder else "",
            command=" ".join(_argument(word) for word in self.command),
            timeout=self.times.timeout,
            environment=_specifiers(str(self.environment)),
            writable=" ".join(_path(folder) for folder in self.writable),
        )

    def timer(self) -> str:
        """Return the text of the timer."""
        return _TIMER.format(
            inventory=_comment(self.inventory),
            described=_specifiers(self.name),
            calendar=_specifiers(self.times.calendar),
            delay=self.times.delay,
        )

    def cron_line(self) -> str:
        """Return a line for the user's own crontab; FleetError where cron cannot say the times."""
        if not self.times.cron:
            raise FleetError(
                f"cron cannot express --calendar {self.times.calendar!r}",
                "use --every with --cron, or a systemd timer (without --cron)",
            )
        # cron ends a command at %, and gives the rest to its stdin.
        there = f"cd {shlex.quote(str(self.folder))} && " if self.folder else ""
        command = there + shlex.join(self.command)
        return f"{self.times.cron} {command}".replace("%", r"\%") + "\n"


def unit_name(inventory: Path) -> str:
    """Return the name that an inventory's units have unless told otherwise."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", inventory.resolve().name).strip("-.") or "fleet"


def secrets_among(arguments: Sequence[str]) -> bool:
    """Return whether a notification URL stands in the arguments of an audit."""
    return any("://" in word for word in arguments)


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _path(path: Path) -> str:
    return _quoted(_specifiers(str(path)))


def _argument(word: str) -> str:
    return _quoted(_specifiers(word).replace("$", "$$"))


def _quoted(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_@%+=:,./$-]+", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _comment(path: Path) -> str:
    return " ".join(str(path).split())
