"""Audits by a timer: the tool, installed on a node of the fabric, tells each change once."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from lab import fabric, faults, guests
from lab.errors import LabError
from lab.recipe import UNPRIVILEGED_USER as USER
from lab.ssh import run_on
from tests.live.matrix import ROOT
from tests.live.tools.installation import install
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.spec import LabSpec
    from tests.live.conftest import Lab

# Installing, and fifteen audits from a machine as slow as an emulated one.
pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

# Of Debian 12, whose Python is the one that the libraries here are of.
NODE = "node1"
# An audit takes some 100 MB, beside FRR and systemd.
MEMORY = "512M"
HOME = "/srv/evpn-fleet-test"
PROGRAM = f"{HOME}/app/.venv/bin/python {HOME}/app/run.py --inventory {HOME}/fabric"
SERVICE = "evpn-fleet-audit-fabric.service"
TIMER = "evpn-fleet-audit-fabric.timer"
UNITS = f"/etc/systemd/system/{SERVICE} /etc/systemd/system/{TIMER} /etc/evpn-fleet/fabric.env"
RECEIVER = "evpn-fleet-test-receiver.service"
PORT = 8099
INSTALL = ("--install", "--every", "1min", "--user", USER, "--", "--deadline", "200")
KEY, KEY_MARK = f"/home/{USER}/.ssh/id_ed25519", "evpn-fleet-schedule-test"
KNOWN_HOSTS = f"/home/{USER}/.ssh/known_hosts"
# Up to a minute until the next one begins, 6 s of --every's spread, and the minute by which systemd
# lets timers be late (AccuracySec=); then the audit itself, on an emulated machine.
BY_ITSELF = 240.0
AUDIT_SECONDS = 310.0

RECEIVER_SCRIPT = f"""
import http.server, json, pathlib

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open("{HOME}/inbox", "a") as inbox:
            inbox.write(json.dumps(message) + "\\n")
        self.send_response(200)
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", {PORT}), Handler)
pathlib.Path("{HOME}/inbox").touch()
server.serve_forever()
"""


@dataclass
class Station:
    """The node from which the installed tool audits the fabric."""

    lab: Lab

    def say(self, command: str) -> str:
        return on(self.lab, NODE, command)

    def schedule(self, *arguments: str) -> str:
        return self.say(
            f"EVPN_FLEET_NOTIFY=json://127.0.0.1:{PORT}/ {PROGRAM} schedule {' '.join(arguments)}"
        )

    def audit(self) -> list[tuple[str, str]]:
        """One run of the service; returns the root causes that it found, each with its host."""
        done = run_on(self.lab.spec.node(NODE), f"systemctl start {SERVICE}", timeout=AUDIT_SECONDS)
        assert done.rc == 0, f"{SERVICE} failed: {done.err}\n{self.journal()}"
        return self.roots()

    def roots(self) -> list[tuple[str, str]]:
        """The root causes of the latest report, whose audit must have seen every node whole."""
        report: dict[str, Any] = json.loads(self.say(f"cat {HOME}/audits/latest/report.json"))
        hosts = report["hosts"].items()
        partly = {name: host for name, host in hosts if host["status"] == "incomplete"}
        assert partly == {}, f"not every node was audited: {partly}\n{self.journal()}"
        return [(f["host"], f["check"]) for f in report["findings"] if f["caused_by"] is None]

    def audited(self) -> int:
        """How many audits there were."""
        return int(self.say(f"ls -d {HOME}/audits/20* 2>/dev/null | wc -l"))

    def rests(self) -> bool:
        return self.say(f"systemctl show --value -p ActiveState {SERVICE}").strip() == "inactive"

    def told(self) -> list[str]:
        """The titles of the notifications that arrived."""
        return [json.loads(line)["title"] for line in self.say(f"cat {HOME}/inbox").splitlines()]

    def journal(self) -> str:
        """What the service said, for a failed test to print."""
        shown = f"systemctl status --no-pager -l {TIMER} {SERVICE}; journalctl -n 60 --no-pager"
        return run_on(self.lab.spec.node(NODE), f"{shown} -u {SERVICE} -u {TIMER}").out

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        """Waits for what the timer does by itself; what fails of it ends the wait at once."""

        def probe() -> bool:
            failed = run_on(self.lab.spec.node(NODE), f"systemctl is-failed --quiet {SERVICE}")
            assert failed.rc != 0, f"{SERVICE} failed\n{self.journal()}"
            return done()

        try:
            eventually(what, probe, BY_ITSELF)
        except AssertionError as error:
            pytest.fail(f"{error}\n{self.journal()}")


@pytest.fixture(scope="module")
def station(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    lab.use(ROOT / "examples" / "l3-symmetric")
    with _more_memory(lab):
        lab.deploy()
        guests.start_all(lab.spec)
        lab.ping("vm1", "vm2")
        lab.audit_clean()
        try:
            install(lab.spec.node(NODE), f"{HOME}/app", tmp_path_factory.mktemp("installation"))
            _write_inventory(lab)
            _let_in(lab)
            _start_receiver(lab)
            yield Station(lab)
        finally:
            _clean_up(lab)


@contextmanager
def _more_memory(lab: Lab) -> Iterator[None]:
    """The node's disk stays as it is, and so does what is deployed on it."""
    own = lab.spec
    larger = replace(own.node(NODE), memory=MEMORY)
    _restart(lab, replace(own, nodes={**own.nodes, NODE: larger}))
    try:
        yield
    finally:
        _restart(lab, own)


def _restart(lab: Lab, spec: LabSpec) -> None:
    with suppress(LabError):  # a node that hangs is restarted all the same
        on(lab, NODE, "sync")
    fabric.power_off(spec, NODE)
    fabric.power_on(spec, NODE)
    lab.clean = False


def _write_inventory(lab: Lab) -> None:
    """The lab's fabric, reached as a node on its management wire reaches it."""
    on(lab, NODE, f"cp -r {HOME}/app/examples/l3-symmetric {HOME}/fabric")
    nodes = lab.spec.nodes.items()
    hosts = {name: {"hostname": node.mgmt_address, "groups": ["lab"]} for name, node in nodes}
    # No key_file and no known_hosts: they are where OpenSSH has them.
    groups = {"lab": {"port": 22, "username": "root"}}
    for name, content in (("hosts", hosts), ("groups", groups)):
        _write(lab, f"{HOME}/fabric/{name}.yaml", json.dumps(content, indent=1) + "\n")


def _let_in(lab: Lab) -> None:
    """Gives the audits' user a key that opens every node, and the nodes' real host keys."""
    on(lab, NODE, f"runuser -u {USER} -- ssh-keygen -q -t ed25519 -N '' -C {KEY_MARK} -f {KEY}")
    key = on(lab, NODE, f"cat {KEY}.pub").strip()
    known = ""
    for name, node in lab.spec.nodes.items():
        on(lab, name, f"echo '{key}' >> /root/.ssh/authorized_keys")
        kind, public = on(lab, name, "cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
        known += f"{node.mgmt_address} {kind} {public}\n"
    _write(lab, KNOWN_HOSTS, known)
    first = next(iter(lab.spec.nodes.values())).mgmt_address
    on(lab, NODE, f"runuser -u {USER} -- ssh -n -o BatchMode=yes -i {KEY} root@{first} true")


def _start_receiver(lab: Lab) -> None:
    _write(lab, f"{HOME}/receiver.py", RECEIVER_SCRIPT)
    on(lab, NODE, f"systemd-run --quiet --collect --unit={RECEIVER} python3 {HOME}/receiver.py")
    on(lab, NODE, f"timeout 30 sh -c 'until [ -e {HOME}/inbox ]; do sleep 0.2; done'")


def _write(lab: Lab, path: str, text: str) -> None:
    run_on(lab.spec.node(NODE), f"cat > {path}", stdin=text).check()


def _clean_up(lab: Lab) -> None:
    """Not by --remove, which is what is tested here."""
    run_on(
        lab.spec.node(NODE),
        f"systemctl disable --now {TIMER}; systemctl stop {SERVICE} {RECEIVER}; "
        f"rm -rf {UNITS} {HOME} {KEY} {KEY}.pub {KNOWN_HOSTS} "
        f"/var/lib/systemd/timers/stamp-{TIMER}; "
        "rmdir --ignore-fail-on-non-empty /etc/evpn-fleet; systemctl daemon-reload",
    )
    for name in lab.spec.nodes:
        run_on(lab.spec.node(name), f"sed -i '/ {KEY_MARK}$/d' /root/.ssh/authorized_keys")


def test_a_timer_audits_by_itself(station: Station) -> None:
    said = station.schedule(*INSTALL)
    assert f"{TIMER}: installed" in said
    station.wait("the timer made no audit", lambda: station.audited() >= 1 and station.rests())
    assert station.roots() == []
    assert station.told() == [], "of a fabric that is in sync there is nothing to tell"


def test_each_change_is_told_once(station: Station) -> None:
    station.schedule(*INSTALL)
    # For now there are those audits alone that are asked for.
    station.say(f"systemctl stop {TIMER}")
    station.wait("an audit did not end", station.rests)
    drift = [("node2", "flood-unexpected")]
    told = station.told()
    faults.inject(station.lab.spec, "flood-unexpected", "node2")
    try:
        assert station.audit() == drift
        told_first = _one_more(station, told, "1 new")
        audited = station.audited()
        for _ in range(10):
            assert station.audit() == drift
        assert station.audited() == audited + 10
        assert station.told() == told_first, "what has not changed was told again"
    finally:
        faults.heal(station.lab.spec, "flood-unexpected", "node2")
    station.say(f"systemctl start {TIMER}")
    station.wait("the repair was not told", lambda: station.told() != told_first)
    station.wait("an audit did not end", station.rests)
    assert station.audit() == []
    _one_more(station, told_first, "1 resolved")


def _one_more(station: Station, before: list[str], said: str) -> list[str]:
    told = station.told()
    assert told[:-1] == before, f"not exactly one more notification: {told}"
    assert told[-1].endswith(f": {said}"), told
    return told


def test_a_removed_schedule_leaves_its_audits_and_nothing_else(station: Station) -> None:
    station.schedule(*INSTALL)
    assert station.audit() == []
    assert f"{TIMER}: removed" in station.schedule("--remove")
    left = (
        "systemctl list-unit-files --no-legend 'evpn-fleet-audit-*'; "
        "systemctl list-units --all --no-legend 'evpn-fleet-audit-*'; "
        f"ls {UNITS} 2>/dev/null; :"
    )
    # An audit that the timer has just begun is not cut off.
    eventually("the schedule is not gone", lambda: station.say(left) == "")
    assert station.audited() >= 1
