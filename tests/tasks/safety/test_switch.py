"""The switch on a node: what it does when all goes well, and what a kill at any step leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.files import MARK, OVERLAY_INTERFACES, SNAT
from tasks.plan import FileChange, FileState
from tasks.safety.manifest import FileRecord, Manifest
from tasks.safety.places import LOCK, PENDING
from tasks.safety.scripts import restore_script
from tests.tasks.safety.machine import BACKUPS, NEW, OLD, STATE, Machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Recovery = "Callable[[Machine], None]"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "m")


def deployed(machine: Machine) -> bool:
    return {path: text for path, (text, _) in machine.files().items()} == NEW


def test_arming_replaces_nothing(machine: Machine) -> None:
    assert set(machine.arm().values()) == {0}, machine.said
    assert machine.files() == OLD
    assert machine.pending
    assert machine.locked
    assert machine.timers == {"evpn-fleet-undo-0001-apply.timer"}
    backup = machine.at(f"{BACKUPS}/0001")
    assert backup.stat().st_mode & 0o777 == 0o700
    assert Manifest.from_json((backup / "manifest.json").read_text()) == machine.manifest


def test_a_confirmed_deployment_stays(machine: Machine) -> None:
    machine.arm()
    assert set(machine.apply().values()) == {0}, machine.said
    assert deployed(machine)
    assert machine.timers == {"evpn-fleet-undo-0001-confirm.timer"}
    done = machine.backup_script("confirm.sh")
    assert done.returncode == 0, done
    assert machine.outcome == "confirmed"
    assert not machine.timers
    assert not machine.pending
    assert not machine.locked
    assert not machine.stage.exists()
    machine.backup_script("restore.sh", "timer")
    machine.boot()
    assert deployed(machine), "a switch that fires too late does nothing"
    assert machine.outcome == "confirmed"


def test_nobody_confirms(machine: Machine) -> None:
    machine.arm()
    machine.apply()
    machine.fire_timers()
    assert machine.files() == OLD
    assert machine.outcome == "restored"
    assert not machine.pending
    assert not machine.locked
    calls = machine.calls[machine.calls.index("systemctl stop evpn-fleet-apply-0001.service") :]
    loads = [call for call in calls if "frr" in call or "ifreload" in call]
    assert loads.index("systemctl restart frr") < loads.index("ifreload --all"), loads
    done = machine.backup_script("confirm.sh")
    assert done.returncode == 1
    assert b"restored" in done.stdout


def test_an_apply_that_comes_after_its_restore_does_nothing(machine: Machine) -> None:
    machine.arm()
    machine.fire_timers()
    assert machine.apply() == {"armed": 1}
    assert machine.files() == OLD


def test_an_apply_does_not_start_beside_a_restore(machine: Machine) -> None:
    machine.arm()
    (machine.at(BACKUPS) / "0001" / "restoring").touch()
    assert machine.apply() == {"armed": 1}
    assert machine.backup_script("confirm.sh").returncode == 4, "half restored is not confirmed"
    assert machine.pending


def test_what_is_still_applied_is_not_confirmed(machine: Machine) -> None:
    machine.arm()
    (machine.fake / "active" / "evpn-fleet-apply-0001.service").touch()
    assert machine.backup_script("confirm.sh").returncode == 5
    assert machine.pending


def test_a_restore_by_hand_works_long_after(machine: Machine) -> None:
    machine.arm()
    machine.apply()
    machine.backup_script("confirm.sh")
    assert machine.backup_script("restore.sh", "hand").returncode == 0
    assert machine.files() == OLD


def test_networking_is_restarted_when_ifreload_fails(machine: Machine) -> None:
    machine.arm()
    machine.apply()
    (machine.fake / "broken" / "ifreload").touch()
    assert machine.backup_script("restore.sh", "now").returncode == 0
    assert "systemctl restart networking" in machine.calls
    assert machine.outcome == "restored"


def test_a_restore_that_fails_says_so_and_stays_pending(machine: Machine) -> None:
    machine.arm()
    machine.apply()
    for broken in ("ifreload", "networking"):
        (machine.fake / "broken" / broken).touch()
    assert machine.backup_script("restore.sh", "now").returncode == 75
    assert machine.outcome == "restore-failed"
    assert machine.pending
    assert any(call.startswith("logger -p daemon.crit") for call in machine.calls)
    (machine.fake / "broken" / "networking").unlink()
    assert machine.backup_script("restore.sh", "now").returncode == 0
    assert machine.outcome == "restored"


def test_a_damaged_backup_is_not_put_back(machine: Machine) -> None:
    machine.arm()
    machine.apply()
    saved = next(machine.at(BACKUPS).rglob("old/**/frr.conf"))
    saved.write_text("bit rot")
    assert machine.backup_script("restore.sh", "now").returncode == 75
    assert machine.files()["/etc/frr/frr.conf"][0] == NEW["/etc/frr/frr.conf"]
    assert machine.files()["/etc/network/interfaces"] == OLD["/etc/network/interfaces"]


def test_frr_that_did_not_run_before_is_stopped_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "m")
    machine.manifest.services["frr"] = "inactive"
    machine.fill_stage()
    machine.arm()
    machine.apply()
    machine.backup_script("restore.sh", "now")
    assert machine.calls[-20:].count("systemctl stop frr") == 1


def test_a_second_deployment_is_refused_while_one_is_open(machine: Machine) -> None:
    machine.arm()
    assert machine.arm(break_lock=True) == {"arm:free": 1}
    assert "me@here since 2026-01-01T00:00:00Z" in machine.said["arm:free"].text


def test_a_lock_is_explained_and_can_be_broken(machine: Machine) -> None:
    machine.at(LOCK).mkdir()
    (machine.at(LOCK) / "owner").write_text("somebody@else since noon\n")
    assert machine.arm() == {"arm:free": 0, "arm:lock": 1}
    assert "s by: somebody@else since noon" in machine.said["arm:lock"].text
    assert set(machine.arm(break_lock=True).values()) == {0}


@pytest.mark.parametrize("path", ["/etc/frr/frr.conf", "/etc/sysctl.d/90-evpn-fleet.conf"])
def test_a_file_that_changes_after_the_plan_stops_it(machine: Machine, path: str) -> None:
    machine.at(path).write_text("edited in this very moment\n")
    assert machine.arm()["arm:backup"] == 1
    assert path in machine.said["arm:backup"].text
    assert not machine.pending


def test_an_arming_that_failed_is_taken_back(machine: Machine) -> None:
    machine.at("/etc/frr/frr.conf").write_text("edited in this very moment\n")
    machine.arm()
    assert machine.locked
    machine.withdraw()
    assert not machine.locked
    assert not list(machine.at(BACKUPS).iterdir())


def test_who_comes_second_takes_back_nothing_of_the_first(machine: Machine) -> None:
    machine.arm()
    machine.withdraw(token="beef")
    assert machine.pending
    assert machine.locked
    assert machine.timers
    machine.fire_timers()
    assert machine.outcome == "restored"
    machine.withdraw(token="beef")
    assert (machine.at(BACKUPS) / "0001" / "manifest.json").exists()


def test_a_number_that_was_taken_in_the_meantime_is_not_used_again(machine: Machine) -> None:
    machine.arm()
    machine.apply()
    machine.backup_script("confirm.sh")
    machine.fill_stage()
    assert machine.arm()["arm:backup"] == 1
    assert not machine.pending
    assert machine.outcome == "confirmed"


def test_ten_backups_are_kept(machine: Machine) -> None:
    machine.at(BACKUPS).mkdir(parents=True)
    for number in range(2, 16):
        (machine.at(BACKUPS) / f"{number:04d}").mkdir()
    (machine.at(BACKUPS) / "20250101T000000Z").mkdir()
    machine.arm()
    machine.apply()
    machine.backup_script("confirm.sh")
    left = sorted(path.name for path in machine.at(BACKUPS).iterdir())
    assert left == [*(f"{number:04d}" for number in range(6, 16)), "20250101T000000Z"]


PHASES = ("arm", "apply", "restore")


def play(machine: Machine, phase: str, kill_at: int = 0) -> None:
    if phase == "arm":
        machine.arm(kill_at=kill_at)
    elif phase == "apply":
        machine.apply(kill_at=kill_at)
    else:
        machine.backup_script("restore.sh", "timer", kill_at=kill_at)


def by_timer(machine: Machine) -> None:
    machine.fire_timers()


def by_boot(machine: Machine) -> None:
    machine.boot()


@pytest.mark.slow
@pytest.mark.parametrize("recover", [by_timer, by_boot])
@pytest.mark.parametrize("phase", PHASES)
def test_killed_at_any_step_the_node_has_its_old_files(
    machine: Machine, phase: str, recover: Callable[[Machine], None]
) -> None:
    for earlier in PHASES[: PHASES.index(phase)]:
        play(machine, earlier)
    machine.save()
    play(machine, phase)
    steps = machine.steps
    assert steps > 10
    for step in range(1, steps + 1):
        machine.rewind()
        play(machine, phase, kill_at=step)
        if phase == "restore" and recover is by_timer:
            play(machine, phase)  # systemd starts a restore that was killed again
        armed = bool(machine.timers)
        recover(machine)
        assert machine.files() == OLD, f"{phase}, step {step}"
        assert not machine.pending, f"{phase}, step {step}"
        assert not (machine.locked and armed), f"{phase}, step {step}"


@pytest.mark.slow
def test_killed_at_any_step_a_confirmation_is_whole_or_not_there(machine: Machine) -> None:
    machine.arm()
    machine.apply()
    machine.save()
    machine.backup_script("confirm.sh")
    seen = set()
    for step in range(1, machine.steps + 1):
        machine.rewind()
        machine.backup_script("confirm.sh", kill_at=step)
        was_pending = machine.pending
        machine.fire_timers()
        machine.boot()
        assert machine.files() == OLD if was_pending else deployed(machine), f"step {step}"
        assert machine.outcome == ("restored" if was_pending else "confirmed")
        seen.add(was_pending)
    assert seen == {True, False}


def test_the_state_folder_is_closed_to_others(machine: Machine) -> None:
    machine.arm()
    assert machine.at(STATE).stat().st_mode & 0o777 == 0o700
    assert machine.at(PENDING).readlink().as_posix() == "backups/0001"


def test_in_the_overlay_scope_the_underlay_is_never_restarted() -> None:
    text = f"# {MARK} for n\nauto vxlan2\niface vxlan2\n        vxlan-id 2\n"
    for before in (None, text.replace("id 2", "id 3")):
        change = FileChange(OVERLAY_INTERFACES, FileState(before), FileState(text))
        record = FileRecord(OVERLAY_INTERFACES.path, before is not None, "", "0" * 64, None, True)
        manifest = Manifest("0001", "deploy", "", "", "", "", "", (record,))
        script = restore_script(manifest, (change,), "/tmp/stage")
        assert "restart networking" not in script
        assert ("ifreload --allow evpn" in script) == (before is not None)
        assert "ip link del vxlan2" in script


def test_a_restore_takes_rules_out_of_the_kernel_that_were_not_there_before(
    machine: Machine,
) -> None:
    machine.arm()
    machine.apply()
    loaded = [call for call in machine.calls if call.startswith("nft ")]
    assert loaded == [f"nft --file {machine.at(SNAT.path)}"]
    machine.backup_script("restore.sh", "now")
    assert machine.outcome == "restored"
    assert machine.files() == OLD
    assert [call for call in machine.calls if call.startswith("nft ")][1:] == [
        "nft delete table inet evpn_fleet_snat"
    ]
