"""The catalogue of checks, in the order in which they are listed; only what is implemented."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from drift.control_checks import EVPN
from drift.forwarding_checks import FORWARDING
from drift.host_checks import HOST
from drift.kernel_checks import LINKS
from overlay.errors import FleetError
from overlay.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from drift.check import Check

CHECKS: dict[str, Check] = {check.id: check for check in (*LINKS, *FORWARDING, *EVPN, *HOST)}


class UnknownCheckError(FleetError):
    """A check was named that the catalogue does not hold."""


def select(only: Collection[str] | None, skip: Collection[str]) -> tuple[Check, ...]:
    """The chosen checks in the catalogue's order: `only` (None: all) less `skip`.

    Both hold ids or globs (`flood-*`). UnknownCheckError names one that is like no
    check, or says that the choice leaves none.
    """
    wanted = set(CHECKS) if only is None else matching(only)
    chosen = wanted - matching(skip)
    if not chosen:
        raise UnknownCheckError(
            "the choice of checks leaves none", "skip fewer; `evpn-fleet checks` lists them all"
        )
    return tuple(check for name, check in CHECKS.items() if name in chosen)


def matching(patterns: Iterable[str]) -> set[str]:
    """The ids of the checks that any of these ids or globs names; UnknownCheckError for none."""
    found: set[str] = set()
    for pattern in sorted(patterns):
        like = {name for name in CHECKS if fnmatchcase(name, pattern)}
        if not like:
            close = nearest(pattern, CHECKS)
            hint = f"did you mean `{close}`? " if close else ""
            raise UnknownCheckError(
                f"there is no check `{pattern}`", f"{hint}`evpn-fleet checks` lists them all"
            )
        found |= like
    return found
