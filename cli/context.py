"""What every command gets: the inventory folder, the two consoles, how much to say."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console

from drift.catalogue import CHECKS
from overlay.loading import Inventory, load_inventory
from reports.text import visible
from tasks.session import Selection, Session, open_session

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_INVENTORY = ROOT / "inventory"

LimitOption = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="NAME[,NAME…]", help="Only hosts with such a name (globs)."),
]
FilterOption = Annotated[
    list[str] | None,
    typer.Option("--filter", metavar="KEY=VALUE", help="Only hosts whose inventory data say so."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, max=500, help="Hosts that are worked on at once.")
]


def _result_console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        # What is piped is read by tools and pagers: wrapped at 80 columns it would serve neither.
        console.width = 160
    return console


@dataclass(slots=True)
class Context:
    """The state of one run. stdout carries the result, stderr progress and errors."""

    inventory: Path = DEFAULT_INVENTORY
    verbosity: int = 0
    quiet: bool = False
    out: Console = field(default_factory=_result_console)
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    def load(self, *, suppressions: bool = False) -> Inventory:
        """The validated inventory, with its suppressions if asked for.

        Raises IntentError with every problem.
        """
        return load_inventory(self.inventory, checks=CHECKS if suppressions else None)

    @property
    def audits(self) -> Path:
        """Where audits are kept unless told otherwise: beside the inventory folder."""
        return self.inventory.resolve().parent / "audits"

    def session(
        self, limit: Iterable[str] | None, filters: Iterable[str] | None, workers: int
    ) -> Session:
        """A Nornir session over the chosen hosts."""
        return open_session(self.inventory, selection(limit, filters), workers=workers)

    def say(self, text: str) -> None:
        """A line of progress on stderr, unless --quiet; never read as markup."""
        if not self.quiet:
            self.err.print(text, markup=False, soft_wrap=True)

    def warn(self, what: str, hint: str = "") -> None:
        """What went wrong beside the result, on stderr, even when quiet: a cron job must tell."""
        text = f"Warning: {what}" + (f"\n  next: {hint}" if hint else "")
        self.err.print(visible(text), markup=False, soft_wrap=True)


def selection(limit: Iterable[str] | None, filters: Iterable[str] | None) -> Selection:
    """The hosts that were asked for; names may be joined by commas."""
    names = tuple(name for part in limit or () for name in part.split(",") if name)
    return Selection(names, tuple(filters or ()))


def login() -> str:
    """The name of the user that we run as; its number where it has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def context_of(ctx: typer.Context) -> Context:
    """The Context that the main callback made."""
    return cast("Context", ctx.obj)
