"""A healthy fabric gives no finding, however busy it is."""

from __future__ import annotations

import itertools
import shlex
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import pytest

from lab import guests
from tests.live.matrix import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.spec import LabSpec
    from tests.live.conftest import Lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

AUDITS = 50
# Every other audit has a machine migrate under it, some time after it has begun.
AUDITS_A_MOVE = 2
DELAYS = (0.0, 0.7, 1.4, 2.1)
ASKED_AT_ONCE = 50


class Traffic:
    """Machines that migrate between nodes and ask for neighbours, in the background, until stopped."""

    def __init__(self, spec: LabSpec) -> None:
        self._specs = [spec, moved(spec, "vm1", "node2")]
        self._stop = threading.Event()
        self._wanted = threading.Semaphore(0)
        self.moves = 0
        self.errors: list[Exception] = []
        self._threads = [threading.Thread(target=self._guard, args=(job,)) for job in
                         (self._migrate, self._ask)]  # fmt: skip

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._wanted.release()
        for thread in self._threads:
            thread.join()
        guests.stop(self._specs[1], "vm1")
        guests.start_all(self._specs[0])

    def _guard(self, job: object) -> None:
        try:
            assert callable(job)
            job()
        except Exception as error:  # noqa: BLE001 - raised by the test itself
            self.errors.append(error)

    def move(self) -> None:
        """Has the machine migrate soon, while whoever asks for it goes on."""
        self._wanted.release()

    def _migrate(self) -> None:
        delays = itertools.cycle(DELAYS)
        for before, after in itertools.pairwise(itertools.cycle(self._specs)):
            self._wanted.acquire()
            if self._stop.wait(next(delays)):
                return
            guests.stop(before, "vm1")
            guests.start(after, "vm1")
            # As a hypervisor announces a machine that has arrived.
            guests.run(after, "vm1", "ping -c 2 -i 0.2 -W 1 10.0.2.254 || :")
            self.moves += 1

    def _ask(self) -> None:
        """A busy neighbour table: addresses that answer and addresses that nobody has."""
        for first in itertools.cycle(range(1, 250, ASKED_AT_ONCE)):
            if self._stop.is_set():
                return
            # Without a process for each: on an emulated machine they would be most of its work.
            ask = (
                f"exec 9<> <(:); for n in {{{first}..{first + ASKED_AT_ONCE - 1}}}; do "
                "echo 2>/dev/null > /dev/udp/10.0.2.$n/9; read -r -t 0.2 -u 9; done; :"
            )
            guests.run(self._specs[0], "vm2", f"bash -c {shlex.quote(ask)}").check()


def moved(spec: LabSpec, name: str, node: str) -> LabSpec:
    guest = replace(spec.guest(name), node=node)
    return replace(spec, guests={**spec.guests, name: guest})


@pytest.fixture
def busy(lab: Lab) -> Iterator[Traffic]:
    lab.use(ROOT / "examples" / "l3-symmetric")
    lab.deploy()
    guests.start_all(lab.spec)
    lab.ping("vm1", "vm2")
    lab.ping("vm3", "vm2")
    lab.audit_clean()
    with Traffic(lab.spec) as traffic:
        yield traffic


def test_fifty_audits_of_a_busy_fabric_are_silent(lab: Lab, busy: Traffic) -> None:
    for number in range(AUDITS):
        if number % AUDITS_A_MOVE == 0:
            busy.move()
        audit = lab.audit()
        assert audit.code == 0, f"audit {number}, after {busy.moves} moves:\n{audit.text}"
    assert busy.errors == []
    # Those that the last audits have asked for may still be under way.
    assert busy.moves >= AUDITS // AUDITS_A_MOVE - 2
