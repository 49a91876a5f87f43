"""The catalogue of checks, in the order in which they are listed; only what is implemented."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from drift.control_checks import EVPN
from drift.host_checks import HOST
from drift.kernel_checks import FORWARDING, LINKS
from overlay.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Collection

    from drift.check import Check

CHECKS: dict[str, Check] = {check.id: check for check in (*LINKS, *FORWARDING, *EVPN, *HOST)}


class UnknownCheckError(FleetError):
    """A check was named that the catalogue does not hold."""


def select(only: Collection[str] | None, skip: Collection[str]) -> tuple[Check, ...]:
    """The chosen checks in the catalogue's order; UnknownCheckError names what it does not know."""
    for name in sorted({*(only or ()), *skip} - CHECKS.keys()):
        close = get_close_matches(name, CHECKS, n=1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        raise UnknownCheckError(
            f"there is no check `{name}`", f"{hint}`evpn-fleet checks` lists them all"
        )
    chosen = CHECKS.keys() if only is None else only
    return tuple(check for name, check in CHECKS.items() if name in chosen and name not in skip)
