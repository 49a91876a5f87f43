"""Sessions with passwords: deployed, audited, broken on one side, changed, and shown by nobody.

With a reflector whose clients come to it, an exit, and a router outside.
"""

from __future__ import annotations

import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import yaml

from lab import guests
from lab.ssh import run_on
from overlay.loading import load_inventory
from tests.live.matrix import ROOT
from tests.live.test_topologies import OUTSIDE, assert_as_intended, outside, reaches
from tests.live.tools.leaving import leave_to
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.conftest import Audit, Lab

pytestmark = pytest.mark.lab

VARIABLE = "EVPN_FLEET_BGP_PASSWORD"
ALL_AT_ONCE = ("--yes", "--canary", "none", "--batch", "100%")
# bgpd's own words on whether the kernel signs a session's packets.
SIGNED = "vtysh -c 'show bgp neighbors' | grep -c 'Peer Authentication Enabled'"


class Told:
    """What commands print; none of it may hold a secret."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        self.secrets: list[str] = []

    def new_secret(self) -> str:
        self.secrets.append(f"{secrets.token_hex(6)}./$&")
        return self.secrets[-1]

    def run(self, *arguments: str, code: int = 0) -> str:
        done = self.lab.run(*arguments)
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        self.look(said)
        return said

    def look(self, said: str) -> None:
        for secret in self.secrets:
            assert secret not in said

    def clean(self) -> None:
        """The audit is clean, where FRR 8.4 has lost a router MAC once its routes came again."""
        audit = self.lab.audit_until(lambda audit: audit.code == 0, timeout=40)
        if audit.code:
            for node in self.lab.spec.nodes.values():
                if node.release == "bookworm":
                    on(self.lab, node.name, "vtysh -c 'clear bgp *'")
            audit = self.lab.audit_clean()
        self.look(audit.text)

    def look_everywhere(self) -> None:
        """At all that was kept here, and at what everybody on a node could read."""
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name != "router.secret":
                self.look(path.read_bytes().decode("utf-8", "replace"))
        # The patterns lie where nothing is looked for.
        search = (
            "cat > /root/secrets; grep -rlaFs -D skip -f /root/secrets /run /tmp /var/log; "
            "journalctl --no-pager | grep -aF -f /root/secrets; rm /root/secrets"
        )
        for node in self.lab.spec.nodes.values():
            done = run_on(node, search, stdin="\n".join(self.secrets), timeout=120)
            assert (done.rc, done.out) == (0, ""), node.name
            kept = run_on(node, "stat -c '%a %U' /var/lib/evpn-fleet/backups").check()
            assert kept == "700 root\n"


def test_sessions(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = tmp_path / "inventory"
    shutil.copytree(ROOT / "examples" / "bgp-sessions", inventory)
    lab.use(inventory)
    lab.work = tmp_path
    lab.blank()
    try:
        _prove(lab, Told(lab, tmp_path), monkeypatch)
        monkeypatch.delenv(VARIABLE)
        leave_to(lab)
        left = r"grep -c 'password\|graceful-restart\|timers bgp 4 12' /etc/frr/frr.conf || :"
        assert all(on(lab, node, left) == "0\n" for node in lab.spec.nodes)
    finally:
        # What is begun with after this needs no password.
        lab.use(ROOT / "examples" / "exit-upstream-bgp")


def _prove(lab: Lab, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = lab.inventory
    (inventory / "router.secret").write_text(told.new_secret() + "\nnot of it\n")
    monkeypatch.delenv(VARIABLE, raising=False)
    assert f"the environment variable {VARIABLE} is not set" in told.run("plan", code=1)

    within = told.new_secret()
    monkeypatch.setenv(VARIABLE, within)
    told.run("deploy", *ALL_AT_ONCE)
    guests.start_all(lab.spec)
    monkeypatch.delenv(VARIABLE)
    told.clean()  # an audit needs no password
    for node in lab.spec.nodes:
        assert on(lab, node, "stat -c '%a %U:%G' /etc/frr/frr.conf") == "640 frr:frr\n"
        assert int(on(lab, node, SIGNED)) > 0
    assert_as_intended(lab)
    outside(lab)
    lab.ping("vm1", "vm3")
    reaches(lab, "vm2", OUTSIDE)
    _assert_imported(told)
    monkeypatch.setenv(VARIABLE, within)
    assert "Plan: 0 to change, 5 in sync" in told.run("deploy", *ALL_AT_ONCE)

    for node, peer in (("node2", "192.168.0.200"), ("router", "192.168.0.1")):
        _assert_wrong_password_is_found(told, node, peer)
    _assert_other_options_are_found(told)
    _change_it(told, monkeypatch)
    told.run("collect", "--output", str(told.folder / "snapshot"))
    told.look_everywhere()


def _assert_imported(told: Told) -> None:
    folder = told.folder / "imported"
    assert VARIABLE in told.run("import", "hosts", "--output", str(folder))
    imported, wanted = (load_inventory(it).intent for it in (folder, told.lab.inventory))
    for name, node in wanted.nodes.items():
        if name not in ("node1", "router"):  # a command that prints a password is in no file
            assert imported.nodes[name] == node
    fabric = yaml.safe_load((folder / "fabric.yaml").read_text())
    assert fabric["nodes"]["router"]["session"] == {
        "password": {"env": f"{VARIABLE}_ROUTER"},
        "maximum_prefix": {"prefixes": 100, "restart": 5},
        "description": "the edge of the site",
    }


@contextmanager
def _typed_in(told: Told, node: str, *statements: str) -> Iterator[None]:
    """Statements below `router bgp` that somebody has typed into vtysh; taken back as told."""
    asn = on(
        told.lab,
        node,
        "vtysh -c 'show running-config' | sed -n 's/^router bgp \\([0-9]*\\)$/\\1/p'",
    )
    lines = ("configure terminal", f"router bgp {asn.strip()}", *statements)
    on(told.lab, node, "vtysh " + " ".join(f"-c '{line}'" for line in lines))
    try:
        yield
    finally:
        # As the remedy says.
        reload = "/usr/lib/frr/frr-reload.py --reload --log-level error /etc/frr/frr.conf"
        on(told.lab, node, reload)
    told.clean()


def _assert_wrong_password_is_found(told: Told, node: str, peer: str) -> None:
    with _typed_in(told, node, f"neighbor {peer} password {told.new_secret()}"):
        audit = _audit_with(told, "session-down")
        # Both ends see it, and either may be the root.
        found = [f for f in audit.report["findings"] if f["check"] == "session-down"]
        assert (node, f"neighbor {peer}") in {(f["host"], f["object"]) for f in found}, audit.text
        told.look(audit.text)


def _assert_other_options_are_found(told: Told) -> None:
    """Typed timers are in force with the next session, a limit at once: both are named at once."""
    limit = ("address-family ipv4 unicast", "neighbor 192.168.0.254 maximum-prefix 1000")
    for node, statements in (
        ("node2", ("neighbor 192.168.0.200 timers 30 90",)),
        ("node1", limit),
    ):
        with _typed_in(told, node, *statements):
            (root,) = _audit_with(told, "config-running").roots
            assert root["host"] == node
            assert any(it.endswith(" / ".join(statements)) for it in root["actual"]), root


def _audit_with(told: Told, check: str) -> Audit:
    """The audit once its one root is of that check."""
    audit = told.lab.audit_until(lambda audit: [r["check"] for r in audit.roots] == [check])
    assert [r["check"] for r in audit.roots] == [check], audit.text
    return audit


def _change_it(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = told.lab
    monkeypatch.setenv(VARIABLE, told.new_secret())
    said = told.run("plan", code=2)
    assert "+ neighbor 192.168.0.200 password <redacted> (another one)" in said
    assert "+ neighbor 192.168.0.254" not in said
    # Whatever its processes are told is open to everybody on a node.
    watch = (
        "rm -f /root/enough; setsid timeout 300 sh -c 'until [ -e /root/enough ]; do "
        'cat /proc/[0-9]*/cmdline; sleep 0.02; done 2>/dev/null | tr "\\0" " " | '
        'grep -ao "password [^ ]*" > /root/seen\' >/dev/null 2>&1 &'
    )
    on(lab, "node2", watch)
    told.run("deploy", *ALL_AT_ONCE)
    told.look(on(lab, "node2", "touch /root/enough; sleep 1; cat /root/seen"))
    told.clean()
    lab.ping("vm1", "vm3")
    eventually("vm2 is outside again", lambda: guests.ping(lab.spec, "vm2", OUTSIDE)[1] > 0)
    assert "(another one)" in told.run("rollback", "--dry-run", code=2)
