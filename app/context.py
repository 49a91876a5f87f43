"""What every command gets: the inventory folder, the two consoles, how much to say."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console

from app.places import DEFAULT_INVENTORY, workspace
from overlay.errors import FleetError
from overlay.loading import Inventory, load_inventory
from overlay.plainfile import is_there
from overlay.problems import few
from overlay.suppressions import SUPPRESSIONS_FILE
from reports.text import visible
from tasks.ssh.hosts import Selection

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from overlay.expected import FabricIntent
    from tasks.ssh.fleet import Fleet


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
        if not (suppressions and is_there(self.inventory / SUPPRESSIONS_FILE)):
            return load_inventory(self.inventory)
        from drift.catalogue import CHECKS  # noqa: PLC0415 - all planes, for the names alone

        return load_inventory(self.inventory, checks=CHECKS)

    @property
    def audits(self) -> Path:
        """Where audits are kept unless told otherwise."""
        return workspace(self.inventory) / "audits"

    @property
    def deploys(self) -> Path:
        """Where deployments are recorded."""
        return workspace(self.inventory) / "deploys"

    def fleet(
        self,
        limit: Iterable[str] | None,
        filters: Iterable[str] | None,
        workers: int,
        timeout: float | None = None,
    ) -> Fleet:
        """The chosen hosts of the inventory, each to be reached over a connection of its own.

        `timeout` as in `open_fleet`.
        """
        # Commands that reach no host must not wait for the SSH libraries.
        from tasks.ssh.fleet import open_fleet  # noqa: PLC0415

        chosen = selection(limit, filters)
        return open_fleet(self.inventory, chosen, workers=workers, timeout=timeout)

    def to_write(self, fleet: Fleet, intent: FabricIntent) -> Fleet:
        """The fleet without the nodes of the observed scope, each of which is named.

        Raises FleetError where no other node is left.
        """
        from tasks.scopes import left_alone  # noqa: PLC0415 - as above

        written = [name for name in fleet.hosts if intent.nodes[name].is_written]
        refusals = [left_alone(intent.nodes[n]) for n in fleet.hosts if n not in written]
        if not written:
            raise FleetError(
                f"each chosen node is of the scope `observed`: {few(fleet.hosts)}",
                "nothing is ever written there; `audit` says how they are",
            )
        for refusal in refusals:
            self.warn(refusal.what, refusal.hint)
        return fleet.only(written) if refusals else fleet

    def say(self, text: str) -> None:
        """A line of progress on stderr, unless --quiet; never read as markup."""
        if not self.quiet:
            self.err.print(text, markup=False, soft_wrap=True)

    def warn(self, what: str, hint: str = "") -> None:
        """What failed beside the result, on stderr, even when quiet: a cron job must tell."""
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
