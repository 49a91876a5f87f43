"""How an audit is to be made: its hosts, its source, its checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drift.model import Severity
from overlay.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "ALL_CHECKS",
    "DEFAULTS",
    "AuditOptions",
    "Choice",
    "Machines",
    "Results",
    "Severity",
    "choice_of",
]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which checks are made: ids or globs of the catalogue. `only` None means all."""

    only: frozenset[str] | None = None
    skip: frozenset[str] = frozenset()


ALL_CHECKS: Final = Choice()


@dataclass(frozen=True, slots=True)
class Machines:
    """Whose hands do it: a Dask scheduler's workers, `local` ones of our own, or this process.

    The local ones together handle `hosts_at_once`.
    """

    scheduler: str | None = None
    local: int = 0
    hosts_at_once: int = 50

    def __post_init__(self) -> None:
        """FleetError for both at once."""
        if self.scheduler is not None and self.local:
            raise FleetError(
                "--scheduler names a cluster, and --cluster starts one", "leave out one of them"
            )

    def __bool__(self) -> bool:
        return self.scheduler is not None or self.local > 0


HERE: Final = Machines()


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """How one audit is made: its hosts (--limit, --filter, --workers), its source, its checks.

    `timeout` are the seconds that each node gets; None is what the inventory says.

    `source` is a snapshot folder, None for live nodes; `snapshot` is where the raw outputs go.
    `suppressions` False leaves suppressions.yaml unread. `settle` are the seconds that live nodes
    get to converge. Nodes that have not answered at `until` (a `time.monotonic()`) are incomplete.
    With `probe` the nodes also ping each other. `machines` are those that ask and compare.
    """

    limit: list[str] | None = None
    filters: list[str] | None = None
    workers: int = 50
    timeout: float | None = None
    source: Path | None = None
    snapshot: Path | None = None
    choice: Choice = ALL_CHECKS
    suppressions: bool = True
    settle: float = 0
    until: float | None = None
    probe: bool = False
    machines: Machines = HERE

    def settle_seconds(self, now: float) -> float:
        """How long the nodes get to converge from `now` on: no round begins after `until`."""
        return self.settle if self.until is None else min(self.settle, self.until - now)


DEFAULTS: Final = AuditOptions()


@dataclass(frozen=True, slots=True)
class Results:
    """What becomes of an audit's report: where it is written, how it is shown, what is drift.

    `output` None: a new folder below the audits. `fail_on` is the lowest severity that is drift.
    """

    output: Path | None = None
    keep_snapshot: bool = False
    as_json: bool = False
    fail_on: Severity = Severity.INFO


def choice_of(
    only: Iterable[str] | None, skip: Iterable[str] | None, *, unprobed: bool = False
) -> Choice:
    """The checks that were asked for; names may be joined by commas.

    UnknownCheckError for a name that the catalogue does not know, before anything is collected.
    FleetError where a check is named that only `--probe` makes, and the audit is `unprobed`.
    """
    choice = Choice(_split(only) if only else None, _split(skip or ()))
    # All planes, which `plan` does without.
    from drift.catalogue import select  # noqa: PLC0415

    chosen = select(choice.only, choice.skip)
    for check in chosen if unprobed else ():
        if check.by_probe and check.id in (choice.only or ()):
            raise FleetError(f"--check {check.id}: it is made only with --probe", "add --probe")
    return choice


def _split(parts: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip() for part in parts for name in part.split(",") if name.strip())
