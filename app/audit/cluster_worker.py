"""What a Dask worker does for an audit: it asks one host and examines it, as `LiveFleet` does.

It reads the inventory of its own computer: a key, a password or a plugin's token is never sent to
it, and what it sends back is what a report or a snapshot would hold. Whoever hands it a host tells
which intent and which code that is for, and it refuses any other.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from app.audit.mapping import Mapper, Orders
from app.audit.pipeline import asked
from app.places import DEFAULT_INVENTORY, ROOT
from overlay.errors import FleetError
from overlay.loading import load_inventory
from tasks.collect import collect_one
from tasks.plan import plan_one
from tasks.render import render_host
from tasks.secrets.passwords import read_passwords
from tasks.ssh.fleet import open_fleet

if TYPE_CHECKING:
    from drift.facts.examined import Examined
    from overlay.sessions.intended import SecretSource
    from tasks.commands import HostCapture
    from tasks.plan import ShownPlan
    from tasks.secrets.passwords import Passwords

INVENTORY_VARIABLE = "EVPN_FLEET_INVENTORY"
"""Names a worker's inventory folder, as it does for the command line."""

# What the outcome of a map hangs on.
_ROOMS = ("app", "drift", "overlay", "parsers", "tasks", "templates")
_SUFFIXES = (".py", ".ttp", ".j2")


def _digest_of_code() -> str:
    digest = sha256()
    for room in _ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in _SUFFIXES:
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


CODE = _digest_of_code()
"""The SHA-256 of this program as it was when this process began; the version does not change with
every line."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a worker is told of an audit, and all that it is told.

    `run` names the audit, for each of which a worker reads its inventory again. `intent` and `code`
    are digests of what it must have. Without `chosen` checks a host is collected only. `timeout`
    and `probe` as in AuditOptions; `raw` asks for the outputs, too. With `plan` a host is planned,
    and nothing else.
    """

    run: str
    intent: str
    code: str
    chosen: frozenset[str] | None
    timeout: float | None = None
    probe: bool = False
    raw: bool = False
    plan: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One host: how it compares, what it printed, its plan. What was not asked for is None."""

    host: str
    examined: Examined | None = None
    capture: HostCapture | None = None
    plan: ShownPlan | None = None

    @property
    def lost(self) -> bool:
        """Whether the host could not be reached."""
        if self.plan is not None:
            return self.plan.error is not None
        if self.examined is not None:
            return self.examined.outline.error is not None
        return self.capture is None or self.capture.error is not None


class _Desk:
    """One audit's intent and hosts in a worker's process."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        if ticket.code != CODE:
            raise FleetError("its evpn-fleet is of another version")
        folder = Path(os.environ.get(INVENTORY_VARIABLE) or DEFAULT_INVENTORY)
        inventory = load_inventory(folder)
        if inventory.digest != ticket.intent:
            raise FleetError(f"the intent in {folder} is another one")
        self._intent = inventory.intent
        self._fleet = open_fleet(folder, timeout=ticket.timeout)
        self._mapper = Mapper(Orders(self._intent, ticket.chosen or frozenset()))
        # TTP is not thread-safe, and one interpreter gains nothing from parsing two at a time.
        self._mapping = threading.Lock()
        self._folder = folder
        self._passwords: dict[SecretSource, str] = {}
        self._reading = threading.Lock()

    def look(self, host: str) -> Seen:
        if host not in self._fleet.nornir.inventory.hosts:
            raise FleetError(f"its inventory has no host {host}")
        if self.ticket.plan:
            plan = plan_one(self._fleet, self._intent, host, self._passwords_of(host))
            return Seen(host, plan=plan.shown())
        commands = asked(self._intent, [host], probe=self.ticket.probe)[host]
        capture = collect_one(self._fleet, host, commands)
        kept = capture if self.ticket.raw else None
        if self.ticket.chosen is None:
            return Seen(host, None, kept)
        files = render_host(self._fleet, self._intent, host)
        with self._mapping:
            return Seen(host, self._mapper.of_capture(capture, files), kept)

    def _passwords_of(self, host: str) -> Passwords:
        """Those of the host's node, from where this computer has them; each source is asked once.

        Raises FleetError where it has not.
        """
        node = self._intent.nodes[host]
        with self._reading:
            if not self._passwords.keys() >= set(node.passwords):
                self._passwords |= read_passwords([node], self._folder)
            return dict(self._passwords)


_desks: list[_Desk] = []
"""That of the last audit."""
_opening = threading.Lock()


def _desk_for(ticket: Ticket) -> _Desk:
    with _opening:
        if not _desks or _desks[0].ticket != ticket:
            _desks[:] = [_Desk(ticket)]
        return _desks[0]


def prepare(ticket: Ticket) -> str | None:
    """Loads what an audit needs; why it is refused, or None. Run on each worker first."""
    try:
        _desk_for(ticket)
    except FleetError as error:
        return "; ".join([error.what, *getattr(error, "problems", ())[:3]])
    return None


def look(ticket: Ticket, host: str) -> Seen:
    """One host, asked from here and examined here. Raises FleetError where that is refused."""
    return _desk_for(ticket).look(host)
