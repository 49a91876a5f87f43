"""How the deployment of one node ended, and what all nodes of one run know of each other."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tasks.bgp_sessions import Peers

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent
    from tasks.options import DeployOptions
    from tasks.plan import NodePlan

Outcome = Literal[
    "unchanged", "deployed", "restored", "restore-failed", "failed", "unreachable", "left",
    "not-tried",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a deployment and how long it took."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class NodeOutcome:
    """How the deployment of one node ended.

    `failed` means that nothing was changed; `restored` that the node has its old configuration
    back; `restore-failed` that it tried and could not; `unreachable` that it does not answer (what
    was being deployed restores itself); `left` that we were told to stop and its switch decides.
    `steps` are those of the apply that were done, `timing` all phases, `backup` the number of its
    backup.
    """

    host: str
    outcome: Outcome
    plan: NodePlan
    steps: tuple[str, ...] = ()
    error: str | None = None
    backup: str | None = None
    timing: tuple[Step, ...] = ()

    @property
    def good(self) -> bool:
        return self.outcome in ("unchanged", "deployed")


@dataclass(slots=True)
class RunState:
    """What the nodes of one run share. Its sets are those of `Peers`, changed under `lock`.

    `stopping`: no further node is begun; `abandoned`: those begun are left to their switch.
    `warn` is told at once, from any thread, what cannot wait for a node's outcome.
    """

    intent: FabricIntent
    options: DeployOptions
    kind: str = "deploy"
    ready: set[str] = field(default_factory=set)
    still_open: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    in_flight: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)
    abandoned: threading.Event = field(default_factory=threading.Event)
    interrupted: Callable[[tuple[str, ...], bool], None] = lambda _hosts, _again: None
    warn: Callable[[str, str], None] = lambda _what, _hint: None

    def peers(self) -> Peers:
        """How the run's nodes stand now."""
        with self.lock:
            return Peers(frozenset(self.ready), frozenset(self.still_open), frozenset(self.lost))

    def begin(self, hosts: tuple[str, ...]) -> None:
        """These are being deployed now: nothing is asked of sessions with them."""
        with self.lock:
            for host in hosts:
                address = self.intent.nodes[host].address
                self.still_open.discard(address)
                self.lost.add(address)

    def end(self, outcomes: tuple[NodeOutcome, ...]) -> None:
        """A batch is over: its good nodes are ready for sessions, the others stay lost."""
        with self.lock:
            for outcome in outcomes:
                node = self.intent.nodes[outcome.host]
                if outcome.good:
                    self.lost.discard(node.address)
                    self.ready.add(node.address)
