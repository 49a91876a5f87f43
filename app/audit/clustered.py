"""An audit whose hosts are asked and examined by the workers of a cluster; it is judged here."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from app.audit.cluster import SITE
from app.audit.cluster_worker import CODE, Ticket
from app.audit.mapping import Mapper
from app.audit.pipeline import Keeper
from app.progress import host_progress
from drift.facts.examined import Gathered
from tasks.render import render_host

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from app.audit.cluster import Cluster
    from app.audit.cluster_worker import Seen
    from app.audit.mapping import Orders
    from app.context import Context
    from overlay.loading import Inventory
    from tasks.ssh.fleet import Fleet


def ticket_of(
    inventory: Inventory,
    chosen: frozenset[str] | None,
    *,
    timeout: float | None = None,
    probe: bool = False,
    raw: bool = False,
    plan: bool = False,
) -> Ticket:
    """What the workers are told; the fields as in Ticket."""
    return Ticket(uuid4().hex, inventory.digest, CODE, chosen, timeout, probe, raw, plan)


class ClusterFleet:
    """The fleet's hosts as a cluster's workers saw them last: `look` is that of LiveFleet."""

    def __init__(
        self,
        context: Context,
        cluster: Cluster,
        fleet: Fleet,
        orders: Orders,
        ticket: Ticket,
        keep: Path | None = None,
        until: float | None = None,
    ) -> None:
        """`keep` and `until` as in LiveFleet; `ticket` asks for the outputs if they are kept."""
        self._context = context
        self._cluster = cluster
        self._fleet = fleet
        self._mapper = Mapper(orders)
        self._intent = orders.intent
        self._ticket = ticket
        self._keeper = Keeper(keep)
        self._until = until
        # What a worker has told once it does not tell again, so all rounds fill the same one.
        self._gathered = Gathered()

    def look(self, hosts: Collection[str] | None = None) -> Gathered:
        """Has these hosts (None: all) looked at: what is known of all."""
        asked = [host for host in self._fleet.hosts if hosts is None or host in hosts]
        sites = {host: self._fleet.said(host, SITE) for host in asked}
        with host_progress(self._context, "collect", len(asked)) as tick:

            def done(seen: Seen) -> None:
                self._take(seen)
                tick(seen.host, "unreachable" if seen.lost else "collected")

            self._cluster.look(self._ticket, sites, done, self._until)
        self._keeper.finish()
        return self._gathered

    def _take(self, seen: Seen) -> None:
        if seen.capture is not None:
            self._keeper.store(seen.capture)
        if seen.examined is not None:
            self._gathered.add(seen.examined)
        elif seen.capture is not None:  # no worker came back with it: it says why
            files = render_host(self._fleet, self._intent, seen.host)
            self._gathered.add(self._mapper.of_capture(seen.capture, files))
