"""The lab for tests: real machines, moved through many tests, and the command line as users call it."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab import fabric, faults, guests
from lab import node as nodes
from lab.errors import LabError
from lab.fault_catalogue import CATALOGUE, Fault
from lab.faults import Target
from lab.image import TESTING_VARIABLE
from lab.paths import lab_paths
from lab.spec import LabSpec, load_lab
from lab.ssh import run_on
from overlay.loading import load_inventory
from tasks.files import STATE
from tests.images import WITHOUT_TESTING
from tests.live.matrix import ROOT, rounds, severity
from tests.live.tools.command_line import run_command_line
from tests.live.tools.witnesses import Witnesses

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Collection, Iterator

    from lab.spec import Node

CONVERGE = 120.0
# All at once, for the tests' time. Exits, reflectors and routers still go one by one.
DEPLOY = ("deploy", "--yes", "--canary", "none", "--batch", "100%")
# An audit costs two seconds of CPU: what is not there at once is asked for less and less often.
PAUSE_OF_AUDITS = 4.0
# Labs of this session in which a third try runs without Debian testing.
stand_ins: list[Lab] = []


def growing_pauses(longest: float) -> Iterator[float]:
    """Seconds between looks at what is waited for: half a second first, each twice the last."""
    pause = 0.5
    while True:
        yield min(pause, longest)
        pause *= 2


@dataclass
class Audit:
    """One audit as a user sees it: its exit code, its report, what it printed, how long it took."""

    code: int
    report: dict[str, Any]
    text: str
    seconds: float

    @property
    def roots(self) -> list[dict[str, Any]]:
        return [f for f in self.report["findings"] if f["caused_by"] is None]

    @property
    def brief(self) -> list[tuple[str, str, str]]:
        return [(f["host"], f["check"], f["object"]) for f in self.roots]


@dataclass
class Lab:
    """The running lab with the inventory that is deployed on it at the moment."""

    work: Path
    inventory: Path
    spec: LabSpec = field(init=False)
    whole: LabSpec = field(init=False)  # every node that any example needs; they boot when one does
    target: Target = field(default_factory=Target)  # what faults break
    clean: bool = False  # whether the last audit said so, or what it said was fixed since

    def __post_init__(self) -> None:
        self.spec = load_lab(self.inventory)
        self.whole = load_lab(Path(__file__).parent)

    def use(self, inventory: Path) -> None:
        self.clean = False
        self.target = Target()
        self.inventory = inventory
        self.spec = load_lab(inventory)
        self.boot(self.spec.nodes)

    @contextmanager
    def using(self, inventory: Path) -> Iterator[None]:
        """Uses another inventory within, and the one before again when it ends."""
        before = self.inventory
        self.use(inventory)
        try:
            yield
        finally:
            self.use(before)

    def boot(self, names: Collection[str]) -> None:
        """Boots those of these nodes that are off; each has the NICs that lead to LANs then."""
        paths = lab_paths()
        off = [name for name in names if nodes.running_pid(paths, name) is None]
        if off:
            up = fabric.up(self.whole, only=off)
            as_wanted = {node.name: node.release for node in self.whole.nodes.values()}
            if any(node.name in off and node.release != as_wanted[node.name] for node in up.nodes):
                os.environ[TESTING_VARIABLE] = "skip"  # what testing cannot today is tried once
        guests.start_behind_nics(self.spec, names)

    def run(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs one command line of the product in a process of its own."""
        return run_command_line(["--inventory", self.inventory, *arguments], timeout=timeout)

    def deploy(self) -> subprocess.CompletedProcess[str]:
        done = self.run(*DEPLOY)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done

    def audit(self, *arguments: str) -> Audit:
        folder = self.work / "audit"
        begun = time.monotonic()
        done = self.run("audit", "--output", str(folder), *arguments)
        seconds = time.monotonic() - begun
        assert done.returncode in {0, 2, 3}, done.stdout + done.stderr
        report = json.loads((folder / "report.json").read_text())
        return Audit(done.returncode, report, done.stdout + done.stderr, seconds)

    def audit_until(self, wanted: Any, *arguments: str, timeout: float = CONVERGE) -> Audit:
        """Audits until `wanted(audit)` is true or the time is over; returns the last audit."""
        limit = time.monotonic() + timeout
        pauses = growing_pauses(PAUSE_OF_AUDITS)
        while True:
            audit = self.audit(*arguments)
            if wanted(audit) or time.monotonic() > limit:
                return audit
            time.sleep(next(pauses))

    def audit_clean(self) -> Audit:
        audit = self.audit_until(lambda audit: audit.code == 0, timeout=CONVERGE / 4)
        if audit.code != 0:
            self._have_lost_router_macs_come_again(audit)
            audit = self.audit_until(lambda audit: audit.code == 0)
        assert audit.code == 0, audit.text
        assert audit.report["findings"] == []
        self.clean = True
        return audit

    def ping(self, source: str, target: str, *, timeout: float = CONVERGE) -> None:
        """Asserts that a guest reaches another one, once the fabric has converged."""
        address = str(self.spec.guest(target).addresses[0]).partition("/")[0]
        limit = time.monotonic() + timeout
        while True:
            sent, received = guests.ping(self.spec, source, address)
            if sent and sent == received:
                return
            if time.monotonic() > limit:
                said = f"{self.describe(source)}\n{self.describe(target)}"
                pytest.fail(f"{source} -> {target}: {received} of {sent}\n{said}")
            time.sleep(0.5)

    def prove(self, name: str) -> None:
        """Injects a fault and asserts that it is exactly its finding, then heals it.

        On a node of each Debian release. That the one before is silent since it was healed shows
        here, too; of the last one, `audit_clean` is to be asked.
        """
        fault = CATALOGUE[name]
        if not self.clean:
            self.audit_clean()
        turns = rounds(fault, self.spec)
        witnesses = self._witnesses(fault)
        if witnesses:
            witnesses.look(node for broken in turns for node in broken)
        for broken in turns:
            self._prove_on(fault, broken, witnesses)

    def _witnesses(self, fault: Fault) -> Witnesses | None:
        if fault.stops is None:
            return None
        nodes = load_inventory(self.inventory).intent.nodes
        vteps = {name: node.address for name, node in nodes.items() if node.address}
        exits = {name for name, node in nodes.items() if node.bgp and node.bgp.exits}
        return Witnesses(self.spec, fault, self.target, vteps, exits)

    def _prove_on(self, fault: Fault, nodes: list[str], witnesses: Witnesses | None) -> None:
        self.clean = False
        # A fault whose own node explains it is looked at from the others, which see its routes.
        others = ",".join(node for node in self.spec.nodes if node not in nodes)
        asked = ["--limit", others] if fault.seen_by_others else []
        asked += ["--probe"] if fault.probe else []
        roots = len(nodes)
        try:
            for node in nodes:
                faults.inject(self.spec, fault.name, node, self.target)
            audit = self.audit_until(
                lambda audit: [f["check"] for f in audit.roots] == [fault.check] * roots, *asked
            )
            assert [f["check"] for f in audit.roots] == [fault.check] * roots, audit.text
            assert audit.code == 2, audit.text
            # What two nodes must not share is found on both; the first of them is the root.
            hosts = {f["host"] for f in audit.report["findings"] if f["check"] == fault.check}
            assert fault.seen_by_others or hosts >= set(nodes), audit.text
            for finding in audit.roots:
                # Of what is not there a node may have no line to show.
                assert finding["evidence"] or finding["kind"] == "missing", audit.text
                assert all(evidence["text"].strip() for evidence in finding["evidence"])
            assert {f["severity"] for f in audit.roots} == {severity(fault)}, audit.text
            if witnesses:
                witnesses.testify(nodes)
        finally:
            for node in nodes:
                faults.heal(self.spec, fault.name, node, self.target)
                if fault.renews:
                    self._have_routes_come_again(node)
        guests.start_all(self.spec, nodes)
        self.clean = True

    def _have_lost_router_macs_come_again(self, audit: Audit) -> None:
        """As docs/troubleshooting.md says, where a router MAC that FRR 8.4 has lost is all there is.

        It loses one now and then when routes come and go, which is true drift, and stays; were it a
        false alarm, this would not end it.
        """
        lost = [f for f in audit.roots if f["check"] == "fdb-missing" and " RMAC " in f["object"]]
        if len(lost) < len(audit.roots):
            return
        for finding in lost:
            node = self.spec.node(finding["host"])
            if node.release == "bookworm":
                run_on(node, f"vtysh -c 'clear bgp {finding['expected']}'").check()

    def _have_routes_come_again(self, origin: str) -> None:
        """As docs/troubleshooting.md says where FRR 8.4 has lost a router MAC of that node's."""
        vtep = load_inventory(self.inventory).intent.nodes[origin].address
        for node in self.spec.nodes.values():
            if node.release == "bookworm" and node.name != origin:
                run_on(node, f"sleep 3; vtysh -c 'clear bgp {vtep}'").check()

    def describe(self, name: str) -> str:
        """What a guest and its node hold, for a failed test to print."""
        guest = self.spec.guest(name)
        vxlan = guest.bridge.replace("vmbr", "vxlan")
        command = (
            f"ip -br link; bridge link; bridge fdb show dev {vxlan}; bridge fdb show br "
            f"{guest.bridge} | grep {guest.port}; ip -n {name} address; ip -n {name} neigh; "
            f"ip -n {name} route; vtysh -c 'show bgp l2vpn evpn summary'"
        )
        return f"{name} on {guest.node}:\n{run_on(self.spec.node(guest.node), command).out}"

    def do_without_testing(self) -> None:
        """Until the file ends Debian testing's nodes run its stand-in; all begin with fresh disks."""
        if os.environ.get(TESTING_VARIABLE) == "skip":
            return
        os.environ[TESTING_VARIABLE] = "skip"
        stand_ins.append(self)
        fabric.down()
        self.boot(self.spec.nodes)
        # A node whose owner had written its underlay by hand takes no deployment now: then the test
        # says what it lacks.
        if self.run(*DEPLOY).returncode == 0:
            guests.start_all(self.spec)

    def blank(self) -> None:
        """Gives all nodes fresh disks: Debian as installed, nothing deployed.

        Those that the inventory lacks are off until one has them: a reflector takes sessions from
        whoever is in its range.
        """
        self.clean = False
        paths = lab_paths()
        for name in self.whole.nodes:
            is_on = nodes.running_pid(paths, name) is not None
            if not (is_on and _is_blank(self.whole.node(name))):
                fabric.power_off(self.whole, name)
                nodes.wipe_disk(paths, name)
        self.boot(self.spec.nodes)


def _is_blank(node: Node) -> bool:
    """Whether nobody has configured a network there: no deployment began, and none by hand."""
    untouched = (
        f'[ ! -e {STATE} ] && [ -z "$(ls /etc/network/interfaces.d)" ] && '
        '[ -z "$(ip -br link show type bridge)" ] && ! grep -q "^router" /etc/frr/frr.conf'
    )
    try:
        return run_on(node, untouched).rc == 0
    except LabError:  # it does not answer
        return False


@pytest.fixture(scope="session")
def _own_lab() -> Iterator[None]:
    # Blank nodes are part of what is tested: a lab that somebody left running is not.
    fabric.down()
    yield
    fabric.down()


@pytest.fixture(scope="module")
def lab(_own_lab: None, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Machines stay up from one file to the next, but for those that stood in."""
    if stand_ins:
        stand_ins.clear()
        del os.environ[TESTING_VARIABLE]
        fabric.down()
    running = Lab(tmp_path_factory.mktemp("live"), ROOT / "examples" / "l2-evpn")
    running.boot(running.spec.nodes)
    return running


@pytest.fixture(scope="module")
def fleet(lab: Lab) -> Lab:
    """The symmetric example, deployed, with guests that reach each other."""
    lab.use(ROOT / "examples" / "l3-symmetric")
    lab.deploy()
    guests.start_all(lab.spec)
    lab.ping("vm1", "vm2")
    return lab


@pytest.fixture(autouse=True)
def _begins_again(request: pytest.FixtureRequest) -> None:
    """What a failed test has left deployed is not what its next try begins with.

    What fails a second time is tried without Debian testing, which may be what breaks it.
    """
    if "lab" not in request.fixturenames:
        return
    tries = getattr(request.node, "execution_count", 1)
    if tries > 2:
        request.getfixturevalue("lab").do_without_testing()
    elif tries > 1 and "fleet" in request.fixturenames:
        again = request.getfixturevalue("fleet")
        # Fresh disks: to deploy alone changes nothing on a node whose files are right already.
        again.blank()
        again.deploy()
        guests.start_all(again.spec)
        again.ping("vm1", "vm2")
    elif tries > 1:
        # FRR 8.4 may have lost a router MAC for good when the nodes' sessions changed; this is what
        # docs/troubleshooting.md says then.
        for node in request.getfixturevalue("lab").spec.nodes.values():
            if node.release == "bookworm":
                with suppress(LabError):
                    run_on(node, "vtysh -c 'clear bgp *'")
    if os.environ.get(TESTING_VARIABLE) == "skip":
        # For the summary: with what nodes of Debian testing a test has passed, if without them.
        request.node.user_properties.append(WITHOUT_TESTING)
