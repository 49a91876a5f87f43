"""The map of an audit: one node's outputs, parsed and compared with its intent, in a worker.

What a worker needs of the fabric it gets once, when it starts. What a node printed goes in, what is
kept of the node (`drift.facts.examined`) comes out, and nothing of the node stays but what others
print alike.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from app.audit.memory import return_large_blocks
from drift.catalogue import wanted_outputs
from drift.engine import examine
from drift.facts.shared import Shared
from overlay.errors import FleetError
from overlay.expected import RenderedNode
from overlay.outputs import FRR_FILE
from overlay.records import CommandResult, HostState
from overlay.redaction import redact
from parsers import parse_frr_config, parse_host
from tasks.commands import TEXT_SLUGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Executor

    from drift.facts.examined import Examined
    from overlay.expected import FabricIntent
    from tasks.commands import HostCapture
    from tasks.snapshot import Snapshot

# Below this, starting processes costs more than they save.
_FEW_HOSTS = 12
_MOST_WORKERS = 8
# Records are trees, so that there is little to collect but what TTP leaves behind. After each 700
# new objects, as Python does it, a node takes 55 ms; after 20,000 or more 50 ms. With 200,000 a
# worker is an eighth larger.
_COLLECT_AFTER = 20_000
# In the process that unpickles what workers send, a node takes 0.50 ms with 700, 0.31 with 20,000.
# Captures that wait for each worker: enough that it never waits, too few to fill the memory.
_QUEUED = 4


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is told once: the whole intent, and the ids of the chosen checks.

    `alone`: each node is concluded by itself, so its facts must not lean on another's.
    """

    intent: FabricIntent
    chosen: frozenset[str]
    alone: bool = False


class Mapper:
    """Examines nodes, one at a time."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._shared = Shared()

    def of_capture(self, capture: HostCapture, files: Mapping[str, str]) -> Examined:
        """One node, by what it printed and its files as rendered; never raises for its output."""
        intent = self._orders.intent
        if capture.error is not None:
            state = HostState(capture.host, error=capture.error)
        else:
            state = parse_host(capture.host, capture.outputs)
            for slug in set(TEXT_SLUGS) - wanted_outputs(intent, intent.nodes[state.host]):
                state.commands[slug] = CommandResult(slug, "skipped", error="no BGP is intended")
        # As what was collected: two secrets are never compared, nor is one in what an audit keeps.
        texts = {path: redact(text) for path, text in files.items()}
        wanted = RenderedNode(texts, parse_frr_config(texts.get(FRR_FILE, "")))
        shared = Shared() if self._orders.alone else self._shared
        return examine(intent, state, wanted, self._orders.chosen, shared)

    def of_snapshot(self, snapshot: Snapshot, host: str, files: Mapping[str, str]) -> Examined:
        """One node, by what a snapshot holds of it."""
        return self.of_capture(snapshot.read(host), files)


class Workers:
    """Where nodes are examined: one thread for a few, processes for more. Use it in a `with`.

    TTP is not thread-safe: processes share nothing, and for a few hosts one thread does it all.
    `patient` ones are not ended by a Ctrl-C: who asks them decides when it is over.
    """

    def __init__(self, orders: Orders, hosts: int, *, patient: bool = False) -> None:
        """`hosts` is how many there will be at most."""
        return_large_blocks()
        self._intent = orders.intent
        self._mapper: Mapper | None = None
        self._pools: list[Executor]
        if hosts < _FEW_HOSTS:
            self._mapper = Mapper(orders)
            self._pools = [ThreadPoolExecutor(1)]
        else:
            count = min(os.cpu_count() or 1, _MOST_WORKERS)
            # Not forked: a fork of a process with SSH threads may inherit a held lock.
            self._pools = [
                ProcessPoolExecutor(
                    1,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_begin,
                    initargs=(orders, patient),
                )
                for _ in range(count)
            ]
        self._waiting = [0] * len(self._pools)
        self._homes: dict[frozenset[int], int] = {}
        self._change = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=kind is not None)
        for pool in self._pools:
            pool.shutdown(wait=True)

    def in_turns(self, hosts: Iterable[str]) -> list[str]:
        """The hosts in an order that keeps all workers busy, each with the nodes that it is for.

        Reflectors come first: their tables are the largest, and the memory is free again when what
        is kept of all nodes is in it.
        """
        hosts = sorted(hosts, key=lambda host: bool(self._vnis(host)))
        with self._change:
            homes = {host: self._home(host) for host in hosts}
        shares = [[host for host in hosts if homes[host] == it] for it in range(len(self._pools))]
        turns = itertools.zip_longest(*shares)
        return [host for turn in turns for host in turn if host is not None]

    def examine(self, capture: HostCapture, files: Mapping[str, str]) -> Future[Examined]:
        """Begins with a node; waits while there are enough to do. From any thread."""
        work = _of_capture if self._mapper is None else self._mapper.of_capture
        return self._submit(capture.host, work, capture, files)

    def examine_snapshot(
        self, snapshot: Snapshot, host: str, files: Mapping[str, str]
    ) -> Future[Examined]:
        """The same with what a snapshot holds of a node: the worker reads it."""
        work = _of_snapshot if self._mapper is None else self._mapper.of_snapshot
        return self._submit(host, work, snapshot, host, files)

    def _submit(self, host: str, work: Callable[..., Examined], *given: object) -> Future[Examined]:
        place = self._take_place(host)
        try:
            future = self._pools[place].submit(work, *given)
        except BaseException as error:
            self._leave(place)
            if isinstance(error, BrokenExecutor):
                raise lost(error) from None
            raise
        future.add_done_callback(lambda _: self._leave(place))
        return future

    def _take_place(self, host: str) -> int:
        """The worker that examines a node: the one that knows its VNIs' routes, if it has room."""
        with self._change:
            while True:
                place = self._home(host)
                # The tables of reflectors have it all, and are never in two workers at once.
                if self._waiting[place] >= _QUEUED and self._vnis(host):
                    place = min(range(len(self._pools)), key=self._waiting.__getitem__)
                if self._waiting[place] < _QUEUED:
                    self._waiting[place] += 1
                    return place
                self._change.wait()

    def _leave(self, place: int) -> None:
        with self._change:
            self._waiting[place] -= 1
            self._change.notify_all()  # whoever waits may wait for another one

    def _home(self, host: str) -> int:
        """The worker for nodes with these VNIs: what they print alike is parsed and held once."""
        return self._homes.setdefault(self._vnis(host), len(self._homes) % len(self._pools))

    def _vnis(self, host: str) -> frozenset[int]:
        node = self._intent.nodes.get(host)
        return frozenset(vxlan.vni for vxlan in node.vxlans) if node is not None else frozenset()


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Python's garbage collector looks as rarely as in a worker while the block runs."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def lost(error: BrokenExecutor) -> FleetError:
    """What is said when a worker process was ended from outside."""
    return FleetError(
        f"a worker process that compares nodes has ended: {error}",
        "look for `Out of memory` in the kernel's log (`dmesg`), and audit fewer nodes at a time "
        "(--limit), or on a computer with more memory",
    )


_here: list[Mapper] = []
"""The mapper of this process, if it is a worker."""


def _begin(orders: Orders, patient: bool) -> None:  # noqa: FBT001 - a process's arguments
    if patient:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return_large_blocks()
    _here[:] = [Mapper(orders)]
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def _of_capture(capture: HostCapture, files: Mapping[str, str]) -> Examined:
    return _here[0].of_capture(capture, files)


def _of_snapshot(snapshot: Snapshot, host: str, files: Mapping[str, str]) -> Examined:
    return _here[0].of_snapshot(snapshot, host, files)
