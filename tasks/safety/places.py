"""Where the switch keeps its things on a node, and what its units are called."""

from __future__ import annotations

import re

from tasks.files import BACKUPS, STATE

# A link to the backup of the deployment that is not confirmed yet. It outlives a power failure.
PENDING = f"{STATE}/pending"
# A folder: making one is atomic. It goes with a reboot, as those who held it did.
LOCK = "/run/evpn-fleet.lock"
# Held while a deployment is being restored or confirmed, so that it cannot become both.
DECISION = "/run/evpn-fleet-decision.lock"
BOOT_UNIT = "/etc/systemd/system/evpn-fleet-restore.service"
BOOT_LINK = "/etc/systemd/system/sysinit.target.wants/evpn-fleet-restore.service"
KEPT_BACKUPS = 10
NUMBER = re.compile(r"[0-9]{4}")


def backup_folder(number: str) -> str:
    return f"{BACKUPS}/{number}"


def apply_unit(number: str) -> str:
    return f"evpn-fleet-apply-{number}"


def timer_unit(number: str, phase: str) -> str:
    """The switch of a phase: `apply` while files are replaced, `confirm` until we say they hold."""
    return f"evpn-fleet-undo-{number}-{phase}"


def next_number(used: tuple[str, ...]) -> str:
    """The number after the highest one, of four digits, so that names sort in their order."""
    return f"{max((int(number) for number in used), default=0) + 1:04d}"
