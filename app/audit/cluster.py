"""Hosts handed to the workers of a Dask cluster, each to one that is near it, and what comes back.

Dask distributed schedules, moves results and repeats what a lost worker had. Here is only which
host may go where, and what is said of that.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from app.audit import cluster_worker
from app.audit.cluster_worker import INVENTORY_VARIABLE, Seen, Ticket
from overlay.errors import FleetError
from reports.text import counted
from tasks.collect import not_in_time
from tasks.commands import HostCapture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from app.audit.options import Machines
    from app.context import Context

SITE = "site"
"""The key of a host's `data` that says near which workers it is."""
_EXTRA = "pip install 'evpn-fleet[dask]'"
_REACHED_WITHIN = 10.0
# A nanny starts a worker that has ended again within some seconds.
_BACK_WITHIN = 10.0
# How often it is looked which workers there are, and whether anything has come.
_LOOK_ROUND = 2.0
_PAUSE = 0.05
# A worker's resource is a label here, not a quantity: one of it is enough for all its threads.
_SHARE = 1 / 1024


@contextlib.contextmanager
def open_cluster(machines: Machines, context: Context) -> Iterator[Cluster]:
    """The workers of `machines`, while the block runs.

    Raises FleetError where Dask is not installed, and where no scheduler or no worker is reached.
    """
    distributed = _distributed()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said here
    with contextlib.ExitStack() as stack:
        address = machines.scheduler
        if address is None:
            threads = max(1, -(-machines.hosts_at_once // machines.local))
            local = distributed.LocalCluster(
                n_workers=machines.local,
                threads_per_worker=threads,
                dashboard_address=None,
                # Without keys any user of this computer could have programs run by ours.
                security=True,
                env={INVENTORY_VARIABLE: str(context.inventory.resolve())},
                silence_logs=logging.CRITICAL,
            )
            stack.enter_context(local)
            client = distributed.Client(local)
        else:
            _warn_of_plain(address, context)
            client = _connect(distributed, address)
        stack.enter_context(client)
        cluster = Cluster(context, client, address)
        cluster.need_workers()
        yield cluster


def _distributed() -> Any:
    try:
        import distributed  # noqa: PLC0415 - of the extra `dask` only
    except ModuleNotFoundError as error:
        raise FleetError(
            f"--scheduler and --cluster need the library {error.name}, which is not installed",
            _EXTRA,
        ) from None
    return distributed


def _warn_of_plain(address: str, context: Context) -> None:
    host = address.partition("://")[2]
    if address.startswith("tcp://") and not host.startswith(("127.", "localhost", "[::1]")):
        context.warn(
            f"--scheduler {address}: without TLS, whoever reaches this port can read what is sent, "
            "and run programs as the workers' users",
            "use tls://, see docs/cluster.md",
        )


def _connect(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=_REACHED_WITHIN)
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        said = str(error) or type(error).__name__
        raise FleetError(
            f"--scheduler {address}: no Dask scheduler was reached there: {said}",
            "start one with `dask scheduler`, which prints its address; for tls:// give this "
            "computer, too, the keys of docs/cluster.md",
        ) from None


class Cluster:
    """A Dask cluster whose workers audit hosts."""

    def __init__(self, context: Context, client: Any, address: str | None) -> None:
        """`address` is the scheduler's as it was given, None for a cluster of our own."""
        self._context = context
        self._client = client
        self._address = address
        self._warned: set[str] = set()

    def need_workers(self) -> None:
        """Raises FleetError where the scheduler has none."""
        try:
            self._client.wait_for_workers(1, timeout=_REACHED_WITHIN)
        except TimeoutError:
            raise FleetError(f"the scheduler {self._name} has no worker", _start_some()) from None

    def prepare(self, ticket: Ticket) -> None:
        """Has all workers load what the audit needs. Raises FleetError where one is refused."""
        with self._watched():
            said = self._client.run(cluster_worker.prepare, ticket, on_error="return")
            names = {address: str(at["name"]) for address, at in self._workers().items()}
        refused = [
            f"{names.get(address, address)}: {_why(answer)}"
            for address, answer in said.items()
            if answer is not None
        ]
        if refused:
            raise FleetError(
                f"{counted(len(refused), 'worker')} of {len(said)} cannot take part: "
                + "; ".join(refused),
                "give it the evpn-fleet and the inventory of this computer (EVPN_FLEET_INVENTORY "
                "names its folder there), start it again, and audit again",
            )

    def look(
        self,
        ticket: Ticket,
        sites: Mapping[str, str],
        done: Callable[[Seen], None],
        until: float | None = None,
    ) -> None:
        """Has each host of `sites` looked at, by a worker of its site if there is one.

        `done` gets each host once. A host whose workers ended one after the other, or that has not
        come at `until` (a `time.monotonic()`), has a capture that says so. Raises FleetError where
        the scheduler or all workers are lost, or a worker refuses.
        """
        self.prepare(ticket)
        with self._watched():
            _Round(self, self._client, ticket, sites, done).run(until)

    def labels(self) -> set[str] | None:
        """The sites that workers are of; None where there is no worker at all."""
        workers = self._workers().values()
        return {name for at in workers for name in at["resources"]} if workers else None

    def warn_once(self, about: str, what: str) -> None:
        """A warning, once for each site; none in a cluster of our own, which has no sites."""
        if self._address is not None and about not in self._warned:
            self._warned.add(about)
            self._context.warn(what, f"start one there: dask worker … --resources {about}=1")

    def need_scheduler(self) -> None:
        """Raises FleetError where the connection to it is lost."""
        if self._client.status != "running":
            raise self._lost()

    def no_worker_left(self) -> FleetError:
        return FleetError(f"the scheduler {self._name} has lost all its workers", _start_some())

    @property
    def _name(self) -> str:
        return self._address or "of this computer"

    def _workers(self) -> dict[str, Any]:
        workers: dict[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        return workers

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Says that the scheduler is lost for whatever Dask raises then."""
        try:
            yield
        except (OSError, TimeoutError, AttributeError):
            # Dask's client has no scheduler to ask (an AttributeError) once it has given up.
            if self._client.status == "running":
                raise
            raise self._lost() from None

    def _lost(self) -> FleetError:
        return FleetError(
            f"the connection to the scheduler {self._name} was lost during the audit",
            "look into its log (`dask scheduler` prints it; out of memory?), start it again if it "
            "has ended, and audit again: an audit changes nothing on the nodes",
        )


class _Round:
    """Hosts that are handed out, until each has come back."""

    def __init__(
        self,
        cluster: Cluster,
        client: Any,
        ticket: Ticket,
        sites: Mapping[str, str],
        done: Callable[[Seen], None],
    ) -> None:
        self._cluster = cluster
        self._client = client
        self._ticket = ticket
        self._sites = sites
        self._done = done
        self._open: dict[str, tuple[str, Any]] = {}  # by Dask's key, the host and its future
        self._near: set[str] = set()  # hosts that only workers of their site may take
        self._coming = _distributed().as_completed(with_results=True, raise_errors=False)

    def run(self, until: float | None) -> None:
        labels = self._cluster.labels() or set()
        bare = Counter(site for site in self._sites.values() if site and site not in labels)
        for site, count in bare.items():
            self._cluster.warn_once(
                site,
                f"no worker is of the site {site}: its {counted(count, 'host')} are audited by any "
                "worker",
            )
        for host, site in self._sites.items():
            self._hand_out(host, site if site in labels else "")
        look_round, missing_since = time.monotonic() + _LOOK_ROUND, time.monotonic()
        while self._open:
            if not self._take_in():
                time.sleep(_PAUSE)
            now = time.monotonic()
            if until is not None and now > until:
                self._give_up()
            elif now > look_round:
                look_round = now + _LOOK_ROUND
                if self._all_can_go():
                    missing_since = now
                elif now - missing_since > _BACK_WITHIN:
                    self._send_elsewhere()

    def _hand_out(self, host: str, site: str) -> None:
        future = self._client.submit(
            cluster_worker.look,
            self._ticket,
            host,
            pure=False,
            resources={site: _SHARE} if site else None,
        )
        if site:
            self._near.add(host)
        else:
            self._near.discard(host)
        self._open[future.key] = host, future
        self._coming.add(future)

    def _take_in(self) -> bool:
        """What has come since the last time: whether anything has."""
        self._cluster.need_scheduler()
        batch = self._coming.next_batch(block=False)
        for future, result in batch:
            host, _ = self._open.pop(future.key, (None, None))
            if host is None:
                continue  # taken back, and handed to another
            self._done(self._outcome(host, future, result))
        return bool(batch)

    def _outcome(self, host: str, future: Any, result: Any) -> Seen:
        if future.status == "finished":
            seen: Seen = result
            return seen
        self._cluster.need_scheduler()
        error = future.exception()
        if isinstance(error, _distributed().KilledWorker):
            return _unseen(HostCapture(host, {}, f"{host}: workers ended while they audited it"))
        raise FleetError(
            f"{host}: a worker failed on it: {_why(error)}",
            "look into that worker's log; give it the evpn-fleet and the inventory of this "
            "computer, start it again, and run this again",
        )

    def _all_can_go(self) -> bool:
        """Whether each open host has a worker that may take it."""
        self._cluster.need_scheduler()
        labels = self._cluster.labels()
        if labels is None:
            return False
        return all(self._sites[h] in labels for h, _ in self._open.values() if h in self._near)

    def _send_elsewhere(self) -> None:
        """Hands the hosts of sites that have lost their workers to any other worker."""
        labels = self._cluster.labels()
        if labels is None:
            raise self._cluster.no_worker_left()
        waiting = [
            (host, future)
            for host, future in self._open.values()
            if host in self._near and self._sites[host] not in labels
        ]
        sites = Counter(self._sites[host] for host, _ in waiting)
        for site, count in sites.items():
            self._cluster.warn_once(
                site,
                f"the site {site} has lost its workers: its remaining {counted(count, 'host')} are "
                "audited by any worker",
            )
        for host, future in waiting:
            del self._open[future.key]
            future.cancel()
            self._hand_out(host, "")

    def _give_up(self) -> None:
        for host, future in self._open.values():
            future.cancel()
            self._done(_unseen(not_in_time(host)))
        self._open.clear()


def _unseen(capture: HostCapture) -> Seen:
    return Seen(capture.host, None, capture)


def _start_some() -> str:
    return "start some: `dask worker ADDRESS`, with evpn-fleet and the inventory at hand"


def _why(answer: object) -> str:
    """What a worker said, or what went wrong when it was asked."""
    if isinstance(answer, FleetError):
        return answer.what
    if isinstance(answer, ModuleNotFoundError):
        return f"it cannot import {answer.name} ({_EXTRA})"
    return answer if isinstance(answer, str) else f"it failed with {answer!r}"
