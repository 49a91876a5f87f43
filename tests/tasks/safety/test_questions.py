"""What a node is asked, really run under sh: before a deployment, of its switch, for a proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.files import INTERFACES
from tasks.plan import NodePlan
from tasks.preflight.facts import SURVEY, read_facts
from tasks.safety.arm import SwitchState, start_restore_section, state_sections
from tasks.verification import verification_sections, what_fails
from tests.tasks.safety.machine import Machine

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.preflight.facts import NodeFacts

NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "m")


def survey(machine: Machine) -> NodeFacts:
    statuses = machine.sections(list(SURVEY))
    assert set(statuses) == {section.slug for section in SURVEY}
    assert {rc for slug, rc in statuses.items() if slug.startswith("fact")} == {0}, machine.said
    return read_facts(machine.said)


def test_a_blank_node(machine: Machine) -> None:
    facts = survey(machine)
    assert facts.backups == ()
    assert facts.sdn == ()
    assert (facts.lock, facts.pending) == ("", "")
    assert facts.ports == {}
    assert min(facts.free.values()) > 0
    assert facts.sessions is None, "vtysh prints nothing here"


def test_a_node_with_an_open_deployment_then_a_confirmed_one(machine: Machine) -> None:
    machine.arm()
    facts = survey(machine)
    assert facts.pending == "backups/0001"
    assert "me@here" in facts.lock
    assert facts.last_confirmed is None
    machine.apply()
    machine.backup_script("confirm.sh")
    facts = survey(machine)
    assert (facts.pending, facts.lock) == ("", "")
    assert facts.last_confirmed is not None
    assert facts.last_confirmed.manifest == machine.manifest


def test_an_interrupted_backup_is_known_but_empty(machine: Machine) -> None:
    machine.arm()
    (machine.at("/var/lib/evpn-fleet/backups") / "0001" / "manifest.json").unlink()
    (backup,) = survey(machine).backups
    assert (backup.number, backup.outcome, backup.manifest) == ("0001", "-", None)


def test_the_ports_of_bridges(machine: Machine) -> None:
    (machine.at("/sys/class/net/vmbr2/brif") / "tap1i0").mkdir(parents=True)
    (machine.at("/sys/class/net/vmbr2/brif") / "vxlan2").mkdir()
    assert survey(machine).ports == {"vmbr2": ("tap1i0", "vxlan2")}


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"/etc/network/interfaces.d/sdn": "#version:1\n"}, None),
        (
            {
                "/etc/network/interfaces.d/sdn": "#version:1\n",
                "/etc/network/interfaces": "auto lo\nsource /etc/network/interfaces.d/*\n",
            },
            "/etc/network/interfaces.d/sdn",
        ),
        (
            {"/etc/frr/frr.conf": "frr defaults datacenter\n neighbor VTEP peer-group\n"},
            "/etc/frr/frr.conf",
        ),
        ({"/etc/frr/frr.conf": "frr defaults datacenter\n"}, None),
        ({"/etc/pve/sdn/zones.cfg": "evpn: z\n"}, "/etc/pve/sdn/zones.cfg"),
        ({"/etc/pve/sdn/zones.cfg": ""}, None),
    ],
    ids=["not sourced", "sourced", "controller", "datacenter alone", "zones", "empty zones"],
)
def test_proxmox_sdn_is_told_by_its_files(
    machine: Machine, files: dict[str, str], named: str | None
) -> None:
    for path, text in files.items():
        machine.at(path).parent.mkdir(parents=True, exist_ok=True)
        machine.at(path).write_text(text)
    found = [line.removeprefix(str(machine.root)).partition(":")[0] for line in survey(machine).sdn]
    assert found == ([named] if named else [])


def switch(machine: Machine) -> SwitchState:
    machine.sections(state_sections("0001"))
    state = SwitchState.read(machine.said)
    assert state is not None, machine.said
    return state


def test_the_switch_says_how_it_stands(machine: Machine) -> None:
    assert switch(machine) == SwitchState(None, (), "", False)
    machine.arm()
    assert switch(machine) == SwitchState(None, (), "backups/0001", False)
    machine.apply()
    (machine.fake / "broken" / "ifreload").touch()
    assert machine.sections([start_restore_section("0001")]) == {"restore": 0}
    machine.backup_script("restore.sh", "now")
    state = switch(machine)
    assert (state.decided, state.pending) == ("restored", "")
    assert state.notes == ("ifreload failed (exit status 1): ",)


def test_a_proof_of_a_node_that_holds_and_of_one_that_does_not(machine: Machine) -> None:
    plan = NodePlan("n", machine.changes, files=machine.changes)
    (machine.fake / "said").write_text("vxlan2 [pass]\n")
    machine.sections(verification_sections(plan))
    assert what_fails(plan, machine.said, NOTHING) is None
    (machine.fake / "said").write_text("vxlan2 [pass]\n vxlan-id 2 [fail]\n")
    machine.sections(verification_sections(plan))
    assert "[fail]" in str(what_fails(plan, machine.said, NOTHING))
    (machine.fake / "said").write_text("vxlan2 [pass]\n")
    (machine.fake / "lines").write_text("Lines To Add\n============\nrouter bgp 7\n")
    machine.sections(verification_sections(plan))
    assert "frr-converged: Lines To Add" in str(what_fails(plan, machine.said, NOTHING))
    assert what_fails(plan, {}, NOTHING) == "answers: it was never run"
    foreign = NodePlan("n", files=tuple(c for c in machine.changes if c.file is not INTERFACES))
    assert "interfaces-hold" not in {section.slug for section in verification_sections(foreign)}
