"""Two audits side by side: what is new, gone, unchanged, and unknown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drift.catalogue import BY_PROBE
from reports.text import one_line, short_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import JsonValue

    from reports.model import FindingReport, Report

MAX_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class Comparison:
    """The findings of two runs by id.

    `new`, `unchanged` are findings of the new run, `gone` and `unknown` of the old one. `unchanged`
    means the same fact; its values may differ. `unknown` are old findings that the new run could
    not look for again: not collected is not gone. `suppressed` are those that somebody has accepted
    since; one whose suppression ended is new.
    """

    old_run: str
    new_run: str
    new: tuple[FindingReport, ...] = ()
    gone: tuple[FindingReport, ...] = ()
    unchanged: tuple[FindingReport, ...] = ()
    unknown: tuple[FindingReport, ...] = ()
    suppressed: tuple[FindingReport, ...] = ()


def compare_reports(old: Report, new: Report) -> Comparison:
    """Return what differs from `old` to `new`, each list in its report's order.

    An old finding is unknown, not gone, if the new run was blind to it (`blind_spots`).
    """
    before = {item.id: item for item in old.findings}
    now = {item.id: item for item in new.findings}
    blind = blind_spots(new)
    gone: list[FindingReport] = []
    unknown: list[FindingReport] = []
    suppressed: list[FindingReport] = []
    accepted = {item.finding.id for item in new.suppressed}
    for key, item in before.items():
        if key in now:
            continue
        if key in accepted:
            suppressed.append(item)
            continue
        (unknown if blind(item.host, item.check) else gone).append(item)
    return Comparison(
        old_run=old.run.id,
        new_run=new.run.id,
        new=tuple(item for key, item in now.items() if key not in before),
        gone=tuple(gone),
        unchanged=tuple(item for key, item in now.items() if key in before),
        unknown=tuple(unknown),
        suppressed=tuple(suppressed),
    )


def blind_spots(report: Report) -> Callable[[str, str], bool]:
    """Return a test of `(host, check)`: could this run not have found such a finding?

    It could not if it did not audit the host, found it incomplete, or skipped the check there; nor
    if only an audit with `--probe` can, and it was none.
    """
    skipped = {(item.host, item.check) for item in report.skipped}
    unasked = BY_PROBE if report.run.probe is None else frozenset()

    def blind(host: str, check: str) -> bool:
        state = report.hosts.get(host)
        unread = state is None or state.status == "incomplete"
        return unread or check in unasked or (host, check) in skipped

    return blind


def compare_json(comparison: Comparison) -> str:
    """Return the runs' ids, a summary of counts, and each list of findings, as indented JSON."""
    lists = _lists(comparison)
    data: dict[str, JsonValue] = {
        "schema": "1",
        "old_run": comparison.old_run,
        "new_run": comparison.new_run,
        "summary": {name: len(items) for name, items in lists.items()},
        **{name: [item.model_dump(mode="json") for item in it] for name, it in lists.items()},
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def compare_text(comparison: Comparison) -> str:
    """Return the counts, then every finding that is new, gone or unknown, one a line.

    `+` is new, `-` gone, `?` unknown; what is unchanged is only counted.
    """
    lists = _lists(comparison)
    shown = {name: items for name, items in lists.items() if items or name != "suppressed"}
    lines = [", ".join(f"{len(items):,} {name}" for name, items in shown.items())]
    for mark, items in (("+", comparison.new), ("-", comparison.gone), ("?", comparison.unknown)):
        lines += [f"{mark} {_line(item)}" for item in items[:MAX_LISTED]]
        if len(items) > MAX_LISTED:
            lines.append(f"{mark} … and {len(items) - MAX_LISTED:,} more")
    return "\n".join(lines) + "\n"


def _lists(comparison: Comparison) -> dict[str, tuple[FindingReport, ...]]:
    return {
        "new": comparison.new,
        "gone": comparison.gone,
        "unchanged": comparison.unchanged,
        "unknown": comparison.unknown,
        "suppressed": comparison.suppressed,
    }


def _line(item: FindingReport) -> str:
    host, check = short_name(item.host), one_line(item.check, 80)
    return f"{item.severity.value} {host} {check} {one_line(item.message)}"
