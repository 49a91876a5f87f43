"""What `audit` can be told: its options, and them joined into one AuditOptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from drift.catalogue import select
from drift.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CheckOption = Annotated[
    list[str] | None,
    typer.Option("--check", metavar="ID[,ID…]", help="Only these checks (globs: flood-*)."),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option("--skip", metavar="ID[,ID…]", help="All checks but these (globs)."),
]
FailOnOption = Annotated[
    Severity, typer.Option("--fail-on", help="The least severity that makes exit code 2.")
]


NoSuppressionsOption = Annotated[
    bool, typer.Option("--no-suppressions", help="Count what suppressions.yaml accepts, too.")
]


SettleOption = Annotated[
    float,
    typer.Option(
        "--settle",
        metavar="SECONDS",
        min=0,
        help="Look again at nodes that are not in sync, for so long.",
    ),
]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which checks are made: ids or globs of the catalogue. `only` None means all."""

    only: frozenset[str] | None = None
    skip: frozenset[str] = frozenset()


ALL_CHECKS: Final = Choice()


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """How one audit is made: its hosts (--limit, --filter, --workers), its source, its checks.

    `source` is a snapshot folder, None for live nodes; `snapshot` is where the raw outputs go.
    `suppressions` False leaves suppressions.yaml unread. `settle` are the seconds that live nodes
    get to converge. Nodes that have not answered at `until` (a `time.monotonic()`) are incomplete.
    """

    limit: list[str] | None = None
    filters: list[str] | None = None
    workers: int = 50
    source: Path | None = None
    snapshot: Path | None = None
    choice: Choice = ALL_CHECKS
    suppressions: bool = True
    settle: float = 0
    until: float | None = None

    def settle_seconds(self, now: float) -> float:
        """How long the nodes get to converge from `now` on: no round begins after `until`."""
        return self.settle if self.until is None else min(self.settle, self.until - now)


DEFAULTS: Final = AuditOptions()


def choice_of(only: Iterable[str] | None, skip: Iterable[str] | None) -> Choice:
    """The checks that were asked for; names may be joined by commas.

    UnknownCheckError for a name that the catalogue does not know, before anything is collected.
    """
    choice = Choice(_split(only) if only else None, _split(skip or ()))
    select(choice.only, choice.skip)
    return choice


def _split(parts: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip() for part in parts for name in part.split(",") if name.strip())
