"""What stops a deployment before it starts, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from overlay.records import RawOutput
from tasks.files import FRR_CONF, INTERFACES, KEPT_INTERFACES, MARK
from tasks.options import DeployOptions
from tasks.plan import FileChange, FileState, NodePlan, sha256_of
from tasks.preflight.facts import Backup, NodeFacts, read_facts
from tasks.preflight.guards import bridge_ports, edited_paths, refusals
from tasks.safety.manifest import FileRecord, Manifest

GUESTS = "        bridge-ports-condone-regex ^(tap|veth)[0-9]+\n"
BRIDGE = f"# {MARK} for n\niface vmbr2\n        bridge-ports vxlan2\n{GUESTS}"
FOREIGN = "iface vmbr2\n        bridge-ports eno2\n"
GOOD = NodeFacts({"frr": "active"}, {}, (), free={"/": 10**6})


def plan(before: str | None, after: str) -> NodePlan:
    change = FileChange(INTERFACES, FileState(before, "644 root root"), FileState(after, "m o g"))
    return NodePlan("n", (change,), files=(change,))


PLAN = plan(BRIDGE, BRIDGE + "\n")


def refused(facts: NodeFacts, wanted: NodePlan = PLAN, **options: Any) -> list[str]:
    return refusals(wanted, facts, DeployOptions(**options), {})


def test_nothing_stands_against_a_good_node() -> None:
    assert refused(GOOD) == []


def test_a_full_disk() -> None:
    (said,) = refused(replace(GOOD, free={"/": 10**6, "/var": 1024}))
    assert said.startswith("n: 1 MiB are free on /var, 16 MiB are needed")


def test_an_open_deployment_is_not_helped_by_breaking_its_lock() -> None:
    open_one = replace(GOOD, pending="backups/0007", lock="me@here since noon")
    for break_lock in (False, True):
        (said,) = refused(open_one, break_lock=break_lock)
        assert "n: deployment 0007 is not confirmed yet: me@here since noon" in said
        assert "confirm.sh" in said


def test_a_lock() -> None:
    locked = replace(GOOD, lock="me@here since noon")
    (said,) = refused(locked)
    assert "n: another deployment holds its lock: me@here since noon" in said
    assert "--break-lock" in said
    assert refused(locked, break_lock=True) == []


def test_proxmox_sdn_is_named_with_its_file() -> None:
    facts = replace(GOOD, sdn=("/etc/pve/sdn/zones.cfg: Proxmox SDN has objects in it",))
    (said,) = refused(facts)
    assert "  /etc/pve/sdn/zones.cfg: Proxmox SDN has objects in it\n" in said
    assert refused(facts, take_over=True) == []


@pytest.mark.parametrize(
    ("before", "ports", "stopped"),
    [
        (BRIDGE, ("vxlan2", "tap100i0"), None),
        (BRIDGE, ("vxlan2", "lxc7"), "lxc7"),
        (BRIDGE, ("vxlan2", "xtap1"), "xtap1"),
        (BRIDGE.replace("vxlan2", "vxlan2 eno9"), ("vxlan2", "eno9"), None),
        (FOREIGN, ("eno2",), "eno2"),
        (None, ("eno2",), "eno2"),
    ],
    ids=["guest", "not covered", "not at its start", "ours before", "foreign", "no file before"],
)
def test_a_port_that_would_be_taken_off_its_bridge(
    before: str | None, ports: tuple[str, ...], stopped: str | None
) -> None:
    said = refused(replace(GOOD, ports={"vmbr2": ports}), plan(before, BRIDGE))
    if stopped is None:
        assert said == []
    else:
        assert len(said) == 1
        assert said[0].startswith(f"n: port {stopped} of bridge vmbr2 would be removed")
        assert "overlay.guest_ports" in said[0]


def test_a_port_of_a_bridge_that_is_kept() -> None:
    """Each reload is of all bridges, whichever file has changed."""
    main = FileChange(INTERFACES, FileState(BRIDGE), FileState(BRIDGE))
    new = "iface vmbr9\n        bridge-ports eno2\n"
    kept = FileChange(KEPT_INTERFACES, FileState(None), FileState(new))
    facts = replace(GOOD, ports={"vmbr9": ("eno2", "tap1i0"), "vmbr2": ("lxc7",)})
    first, second = refused(facts, NodePlan("n", (kept,), files=(kept, main)))
    assert first.startswith("n: port tap1i0 of bridge vmbr9 would be removed")
    assert "add `bridge-ports-condone-regex` to the bridge's stanza" in first
    assert second.startswith("n: port lxc7 of bridge vmbr2 would be removed")
    condoning = replace(kept, after=FileState(new + GUESTS))
    assert refused(replace(facts, ports={"vmbr9": ("eno2", "tap1i0")}),
                   NodePlan("n", (condoning,), files=(condoning, main))) == []  # fmt: skip


@pytest.mark.parametrize(
    ("before", "holder", "stopped"),
    [
        (BRIDGE, "vmbr9", True),
        (BRIDGE, "vmbr2", False),
        (BRIDGE + "iface vmbr9\n        bridge-ports eno2\n", "vmbr9", False),
    ],
    ids=["another's", "ours", "one that the file makes no more"],
)
def test_a_port_that_would_be_taken_from_another_bridge(
    before: str, holder: str, *, stopped: bool
) -> None:
    tunnel = "iface vxlan2\n        vxlan-id 2\n"
    after = tunnel + BRIDGE.replace("vxlan2", "vxlan2 eno2")
    # A tunnel that is in the wrong bridge is drift, which a deployment fixes.
    facts = replace(GOOD, ports={holder: ("eno2",), "vmbr8": ("vxlan2",)})
    said = refused(facts, plan(before, after))
    assert len(said) == stopped
    if stopped:
        assert said[0].startswith("n: port eno2 of bridge vmbr2 is in bridge vmbr9, and would be")


def test_ports_do_not_matter_when_the_interfaces_file_stays() -> None:
    change = FileChange(FRR_CONF, FileState("a"), FileState("b"))
    facts = replace(GOOD, ports={"vmbr2": ("lxc7",)})
    assert refused(facts, NodePlan("n", (change,), files=(change,))) == []


def test_the_bridges_of_a_file() -> None:
    found = bridge_ports(BRIDGE + "\niface x\n        address 10.0.0.1/24\n")
    assert list(found) == ["vmbr2"]
    assert found["vmbr2"].covers("vxlan2")
    assert found["vmbr2"].covers("tap1i0")
    assert not found["vmbr2"].covers("vxlan22")


def deployed(text: str | None) -> NodeFacts:
    sha256 = None if text is None else sha256_of(text)
    record = FileRecord(INTERFACES.path, True, "", "old", sha256, True)
    manifest = Manifest("0001", "deploy", "", "", "", "", "", (record,))
    later = Backup("0002", "restored", replace(manifest, files=()))
    return replace(GOOD, backups=(Backup("0001", "confirmed", manifest), later))


def now(text: str) -> NodePlan:
    found = plan(text, "new")
    change = replace(found.changes[0], before=FileState(text, "", sha256_of(text)))
    return replace(found, changes=(change,))


def test_an_edit_is_what_is_not_as_we_left_it() -> None:
    assert edited_paths(now("edited"), deployed("ours")) == (INTERFACES.path,)
    assert edited_paths(now("ours"), deployed("ours")) == ()
    assert edited_paths(now("edited"), GOOD) == (), "we never deployed it"


def test_an_edit_is_shown_without_its_secrets() -> None:
    edited = now("one\nmine\n password hunter2\n")
    (said,) = refusals(edited, GOOD, DeployOptions(), {INTERFACES.path: FileState("one\n")})
    assert "+mine" in said
    assert "hunter2" not in said
    assert "--overwrite" in said
    lost = refusals(edited, GOOD, DeployOptions(overwrite=True), {INTERFACES.path: FileState("")})
    assert lost == []


def test_facts_are_read_from_what_a_node_prints() -> None:
    manifest = Manifest("0003", "deploy", "1", "feed", "me", "now", "t", (), {"frr": "active"})
    outputs = {
        "fact:services": "active\ninactive\n",
        "fact:backups": f"0002 -\n\n0003 confirmed\n{manifest.to_json()}0004 restored\nnonsense\n",
        "fact:free": "Filesystem 1024-blocks Used Available Capacity Mounted on\n"
        "/dev/a 100 50 50 50% /\ntmpfs 10 0 10 0% /tmp\n",
        "fact:ports": "vmbr2/brif/tap1i0\nvmbr2/brif/vxlan2\nvmbr0/brif/eno1\n",
        "fact:sdn": "", "fact:lock": "me\n", "fact:pending": "\n",
        "sessions:evpn": '{"peers": {"*10.0.0.2": {"state": "Established"}}}',
        "sessions:unicast": "bgpd is not running",
    }  # fmt: skip
    facts = read_facts({slug: RawOutput(text, 0) for slug, text in outputs.items()})
    assert facts.services == {"frr": "active", "networking": "inactive"}
    assert facts.numbers == ("0002", "0003", "0004")
    assert [backup.manifest for backup in facts.backups] == [None, manifest, None]
    assert facts.last_confirmed == facts.backups[1]
    assert facts.free == {"/": 50, "/tmp": 10}
    assert facts.ports == {"vmbr2": ("tap1i0", "vxlan2"), "vmbr0": ("eno1",)}
    assert facts.sessions == {"10.0.0.2": True}
    assert (facts.lock, facts.pending) == ("me", "")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"schema": 1}', '{"schema": 2}', "[" * 9999]
)
def test_a_manifest_may_be_anything(text: str) -> None:
    outputs = dict.fromkeys(
        ("fact:services", "fact:free", "fact:ports", "fact:sdn", "fact:lock", "fact:pending"), ""
    )
    outputs["fact:backups"] = f"0001 confirmed\n{text}\n"
    facts = read_facts({slug: RawOutput(text, 0) for slug, text in outputs.items()})
    assert facts.backups == (Backup("0001", "confirmed", None),)
