"""Workers of pytest-xdist, each of which can have a lab of its own, and what runs on which.

A lab takes names and addresses that exist once in a network and in a file system, so each worker has
its own of both (`worker.sh`, `enter_network`). Where such cannot be made, one worker has all of the
lab's tests, and the others run what needs no lab.

The lab's tests mostly wait for machines, so one more worker, which never takes any of them, computes
in the meantime.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import Iterable

    import execnet
    import pytest
    from xdist.workermanage import WorkerController

_HERE = Path(__file__).parent
_CLONE_NEWNET = 0x40000000
# A lab has up to six nodes of 256 MB, one of them of 512 MB for a while, and their audits.
_LAB_BYTES = 2_500_000_000

# Longest first, so that none of them begins when the others are about to end.
LAB_ORDER = (
    "tests/live/test_main_job.py",
    "tests/live/test_topologies.py::test_onto_blank_nodes",
    "tests/live/test_topologies.py::test_one_after_the_other",
    "tests/live/test_mishaps.py",
    "tests/live/test_isolation.py",
    "tests/live/test_adopting.py::test_a_fabric_as_proxmox_makes_it",
    "tests/live/test_adopting.py::test_from_observed_to_managed",
    "tests/live/test_scopes.py",
    "tests/live/beyond/test_type5_routes.py",
    "tests/live/beyond/test_lan_ports.py",
    "tests/live/test_ipv6_evpn.py",
    "tests/live/test_safe_deploy.py",
    "tests/live/test_schedule.py",
    "tests/live/test_foreign.py",
    "tests/live/underlay/test_leaf_spine.py",
    "tests/live/underlay/test_ebgp_unnumbered.py",
    "tests/live/bgp/test_sessions.py",
    "tests/live/bgp/test_several_as.py",
    "tests/live/test_single_device.py",
    "tests/live/bgp/test_external_peers.py",
    "tests/live/bgp/test_roles.py",
    "tests/live/test_quiet.py",
    "tests/live/test_unprivileged.py",
    "tests/live/test_two_claims.py",
    "tests/live/test_running_state.py",
    "tests/lab/test_lab_live.py",
)
# All of them, where they cannot be apart.
_LAB = "lab"
# Tests that need nothing of each other, and are long enough to be handed out one by one.
_SINGLE = ("tests/tasks/safety/test_switch.py::", "tests/drift/test_drift_properties")


def scope_of(nodeid: str) -> str:
    """What goes to one worker as a whole: a file, unless its tests are known to go apart."""
    if nodeid.startswith(_SINGLE):
        return nodeid
    for scope in LAB_ORDER:
        if nodeid.startswith(scope):
            return scope
    return nodeid.partition("::")[0]


def needs_lab(scope: str) -> bool:
    """Whether a worker needs a lab of its own for it."""
    return scope == _LAB or scope.startswith(("tests/live/", "tests/lab/test_lab_live"))


def next_for(scopes: Iterable[str], *, has_lab: bool) -> str | None:
    """What a worker gets of the scopes that are left, in their order; None where nothing is for it.

    One with a lab first what needs it: then the end of the session is made of the short rest, and
    none of them waits for another that has just begun what takes minutes.
    """
    waiting = list(scopes)
    first = next((it for it in waiting if needs_lab(it) is has_lab), None)
    return first if first or not has_lab else next(iter(waiting), None)


class Scheduling(LoadScopeScheduling):
    """Hands out the scopes, each kind in the order in which it was collected."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        config.option.loadscopereorder = False
        self._labs = how_many_labs()
        super().__init__(config, log)  # type: ignore[arg-type]

    def _split_scope(self, nodeid: str) -> str:
        scope = scope_of(nodeid)
        return _LAB if needs_lab(scope) and not can_be_apart() else scope

    def _next_for(self, node: WorkerController) -> str | None:
        return next_for(self.workqueue, has_lab=self.nodes.index(node) < self._labs)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if scope := self._next_for(node):
            self.workqueue.move_to_end(scope, last=False)
            super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        # A worker begins a test when it knows the next one. Two of them ahead, as is usual, can be
        # ten minutes that another worker could have begun with.
        if self._pending_of(self.assigned_work[node]) > 1:
            return
        if self._next_for(node) is None and not node.shutting_down:
            node.shutdown()
        else:
            super()._reschedule(node)


@cache
def can_be_apart() -> bool:
    """Whether a process here can have a network, mounts and processes of its own."""
    apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "true"]
    try:
        return subprocess.run(apart, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def how_many_labs() -> int:
    """As many labs as there is room for: real machines mostly wait."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            memory = int(line.split()[1]) * 1024
    return max(1, min(len(os.sched_getaffinity(0)) + 1, memory // _LAB_BYTES))


def how_many() -> int:
    """As many workers as there are labs, and one for what needs none."""
    return how_many_labs() + 1


def put_apart(specs: list[execnet.XSpec]) -> None:
    """Has every local worker start in a place of its own, where that is possible."""
    if not can_be_apart():
        return
    start = shlex.join([str(_HERE / "worker.sh"), sys.executable])
    for spec in specs:
        if spec.popen and not spec.python:
            spec.python = start


def enter_network() -> None:
    """Gives this thread, and all that it starts from now on, a network with nothing but loopback.

    Sockets that are open stay in the network that they were opened in.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
