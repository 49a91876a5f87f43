"""What somebody has accepted is taken out of the findings, kept beside them, and looked after."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from drift.alike import fold_alike, unfold_alike
from drift.model import Severity
from drift.result import Note, SuppressedFinding

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from drift.model import Finding
    from drift.result import AuditResult
    from overlay.suppressions import Suppression


def suppress(
    result: AuditResult,
    suppressions: Sequence[Suppression],
    *,
    today: date,
    audited: Collection[str],
    nodes: Collection[str],
) -> AuditResult:
    """The result with its accepted findings in `suppressed`, and notes on what to look after.

    A finding is accepted by the first suppression that matches it and has not expired, or with the
    root cause that it follows from: whoever accepts that FRR is stopped accepts the sessions that
    are down. The reverse does not hold: accepting a consequence leaves its root. One fault on many
    nodes is folded into the first of them, but accepted for each node by itself. `audited` are the
    hosts of this run, `nodes` all of the fabric: only where a suppression could have matched is it
    said that it did not.
    """
    alive = [item for item in suppressions if today <= item.expires]
    direct = {
        finding.id: by for finding in result.findings if (by := _first(finding, alive)) is not None
    }
    kept: list[Finding] = []
    taken: list[SuppressedFinding] = []
    for finding in unfold_alike(result.findings):
        by = direct.get(finding.id) or direct.get(finding.caused_by or "")
        if by is None:
            kept.append(finding)
        else:
            taken.append(SuppressedFinding(finding, by))
    notes = [
        *result.notes,
        *(
            note
            for item in suppressions
            if (note := _note(item, result, today, audited, nodes)) is not None
        ),
    ]
    return replace(result, findings=fold_alike(kept), suppressed=tuple(taken), notes=tuple(notes))


def _first(finding: Finding, suppressions: Sequence[Suppression]) -> Suppression | None:
    return next((item for item in suppressions if _accepts(item, finding)), None)


def _accepts(item: Suppression, finding: Finding) -> bool:
    return item.matches(finding.check, finding.host, finding.object)


def _note(
    item: Suppression,
    result: AuditResult,
    today: date,
    audited: Collection[str],
    nodes: Collection[str],
) -> Note | None:
    meant = {name for name in nodes if name == item.host or fnmatchcase(name, item.host)}
    where = f"suppression of {item.check} on {item.host} ({item.object})"
    matched = sum(_accepts(item, finding) for finding in result.findings)
    if today > item.expires and meant & set(audited):
        again = f"{matched} of its findings count again" if matched else "nothing matches it now"
        return Note(
            Severity.WARNING,
            f"the {where} expired on {item.expires}: {again}; {item.owner} answers for it",
        )
    blind = not meant <= set(audited) or any(
        skip.host in meant and fnmatchcase(skip.check, item.check) for skip in result.skipped
    )
    if matched or blind or today > item.expires:
        return None
    return Note(
        Severity.INFO,
        f"the {where} matches no finding: remove it from suppressions.yaml, or correct its "
        f"globs ({item.owner} is responsible)",
    )
