"""What is wrong with hand-written files as such, before any intent: file, line, remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adopt.lint import control, exits, fabric, overlay, sessions, statements, vrfs
from adopt.lint.finding import Finding, Level
from adopt.lint.repair import repaired

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adopt.hostfiles import Host

RULES = (
    *statements.RULES,
    *overlay.RULES,
    *vrfs.RULES,
    *control.RULES,
    *fabric.RULES,
    *sessions.RULES,
    *exits.RULES,
)


def lint(hosts: Iterable[Host], *, strict: bool = False) -> list[Finding]:
    """Every fault of these hosts' files, in the order of the files; notes only if `strict`."""
    found: list[Finding] = []
    meant = []
    for host in hosts:
        fixed, faults = repaired(host)
        meant.append(fixed)
        found += faults
    for rule in RULES:
        found += rule(meant)
    order = {host.name: index for index, host in enumerate(meant)}
    return sorted(
        (f for f in found if strict or f.level is not Level.NOTE),
        key=lambda f: (order[f.host], f.file, f.line, f.rule, f.what),
    )


__all__ = ["RULES", "Finding", "Level", "lint"]
