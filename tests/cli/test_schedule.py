"""Audits at set times: the units, their installation below another root, the cron line."""

from __future__ import annotations

import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app import schedule as scheduling
from app.systemd_units import Schedule, Times
from overlay.errors import FleetError
from tests.cli.audits import Desk, call

SECRET = "slack://T0ken/s3cr3t"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of another system; what is said to systemctl is kept in `calls`."""
    monkeypatch.setattr(scheduling, "_refuse_temporary", lambda _: None)
    monkeypatch.delenv("EVPN_FLEET_NOTIFY", raising=False)
    root, tools = tmp_path / "system", tmp_path / "tools"
    root.mkdir()
    tools.mkdir()
    fake = tools / "systemctl"
    fake.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    return root


def schedule_of(folder: Path, *command: str, times: Times | None = None) -> Schedule:
    return Schedule(
        name="dc1", inventory=folder / "inventory", command=command or ("/bin/true",),
        times=times or Times.every("15min"), user="root", folder=folder, writable=(folder / "audits",),
        environment=Path("/etc/evpn-fleet/dc1.env"),
    )  # fmt: skip


def value(unit: str, key: str) -> str:
    return next(line for line in unit.splitlines() if line.startswith(f"{key}=")).partition("=")[2]


@pytest.mark.parametrize(
    ("text", "calendar", "minutes", "cron"),
    [
        ("1min", "*:0/1", 1, "*/1 * * * *"),
        ("15min", "*:0/15", 15, "*/15 * * * *"),
        ("60min", "0/1:00", 60, "0 */1 * * *"),
        ("6h", "0/6:00", 360, "0 */6 * * *"),
        ("24h", "*-*-* 00:00", 1440, "0 0 * * *"),
        ("1d", "*-*-* 00:00", 1440, "0 0 * * *"),
    ],
)
def test_intervals(text: str, calendar: str, minutes: int, cron: str) -> None:
    times = Times.every(text)
    assert (times.calendar, times.minutes, times.cron) == (calendar, minutes, cron)
    assert 60 <= times.timeout <= max(300, minutes * 60)
    if shutil.which("systemd-analyze"):
        said = subprocess.run(
            ["systemd-analyze", "calendar", "--iterations=3", calendar],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert said


@pytest.mark.parametrize("text", ["7min", "5h", "2d", "0min", "15", "min", "15 min", "90min"])
def test_intervals_without_a_rhythm_are_refused(text: str) -> None:
    with pytest.raises(FleetError) as raised:
        Times.every(text)
    assert "--calendar" in raised.value.hint


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    odd = tmp_path / 'with blanks & 100% "quotes" $HOME'
    (odd / "audits").mkdir(parents=True)
    plan = schedule_of(odd, "/bin/echo", "a b", "100%", "$HOME", 'say "x"', "back\\slash")
    files = []
    for ending, text in ((".service", plan.service()), (".timer", plan.timer())):
        file = tmp_path / f"evpn-fleet-audit-dc1{ending}"
        file.write_text(text)
        files.append(str(file))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "evpn-fleet" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_unit_is_hardened_and_knows_our_exit_codes(desk: Desk) -> None:
    ended = desk.call(
        *(
            "schedule",
            "--user",
            "netops",
            "--",
            "--metrics",
            "/var/lib/m/a.prom",
            "--deadline",
            "60",
        )
    )
    assert ended.code == 0
    assert value(ended.out, "SuccessExitStatus") == "2 3"
    assert value(ended.out, "User") == "netops"
    assert value(ended.out, "ProtectSystem") == "strict"
    assert value(ended.out, "ReadWritePaths") == f"{desk.folder}/audits /var/lib/m"
    command = shlex.split(value(ended.out, "ExecStart"))
    assert command[0] == sys.executable
    assert command[2:] == [
        *("--quiet", "--inventory", str(desk.folder / "inventory"), "audit"),
        *("--metrics", "/var/lib/m/a.prom", "--deadline", "60"),
    ]
    assert subprocess.run([*command, "--help"], capture_output=True, check=False).returncode == 0


def test_installing_twice_changes_nothing_and_removing_takes_all(
    desk: Desk, system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVPN_FLEET_NOTIFY", SECRET)
    first = desk.call("schedule", "--install", "--root", system)
    assert first.code == 0, first.err
    files = sorted(path for path in system.rglob("*") if path.is_file())
    assert [path.relative_to(system).as_posix() for path in files] == [
        "etc/evpn-fleet/inventory.env",
        "etc/systemd/system/evpn-fleet-audit-inventory.service",
        "etc/systemd/system/evpn-fleet-audit-inventory.timer",
    ]
    environment, service, timer = files
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600
    assert environment.read_text() == f'EVPN_FLEET_NOTIFY="{SECRET}"\n'
    assert "s3cr3t" not in service.read_text() + timer.read_text() + first.out + first.err
    assert value(service.read_text(), "EnvironmentFile") == "-/etc/evpn-fleet/inventory.env"

    monkeypatch.delenv("EVPN_FLEET_NOTIFY")
    before = [(path.read_text(), path.stat().st_mtime_ns) for path in files]
    again = desk.call("schedule", "--install", "--root", system)
    assert again.code == 0
    assert again.err.count("unchanged") == 2
    assert [(path.read_text(), path.stat().st_mtime_ns) for path in files] == before

    for said in ("removed", "is not installed"):
        ended = desk.call("schedule", "--remove", "--root", system)
        assert (ended.code, said in ended.out) == (0, True)
    assert not [path for path in system.rglob("*") if path.is_file()]
    calls = (desk.folder / "calls").read_text().splitlines()
    assert calls == [
        f"--root={system} enable evpn-fleet-audit-inventory.timer",
        f"--root={system} enable evpn-fleet-audit-inventory.timer",
        f"--root={system} disable evpn-fleet-audit-inventory.timer",
    ]


def test_another_inventory_is_not_overwritten(desk: Desk, system: Path, tmp_path: Path) -> None:
    assert desk.call("schedule", "--install", "--root", system).code == 0
    other = Desk.at(tmp_path / "other")
    ended = other.call("schedule", "--install", "--root", system)
    assert ended.code == 1
    assert "already audits another inventory" in ended.err
    assert "--name" in ended.err
    assert other.call("schedule", "--install", "--root", system, "--name", "other").code == 0


def test_a_cron_line_survives_cron_and_the_shell(tmp_path: Path) -> None:
    plan = schedule_of(tmp_path, "/bin/echo", "a b", "100%", "it's")
    line = plan.cron_line()
    assert line.startswith(f"*/15 * * * * cd {tmp_path} && /bin/echo ")
    command = line.split(" ", 5)[5].replace(r"\%", "%")
    assert (
        subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, text=True, check=True
        ).stdout
        == "a b 100% it's\n"
    )


MISUSE = {
    "two at once": (["--cron", "--install"], "exclude each other"),
    "cron and calendar": (["--cron", "--calendar", "Mon 06:00"], "cron cannot express"),
    "no such option": (["--", "--bogus"], "No such option"),
    "a secret": (["--", "--notify", SECRET], "visible to all users"),
    "two lines": (["--calendar", "Mon 06:00\nExecStart=/bin/sh"], "is not one line"),
    "a path as a name": (["--name", "../x"], "cannot name a unit"),
}


@pytest.mark.parametrize("case", MISUSE, ids=lambda case: case.replace(" ", "-"))
def test_misuse_says_what_to_do(case: str) -> None:
    arguments, words = MISUSE[case]
    ended = call("schedule", *arguments)
    assert ended.code == 1
    assert words in ended.err
    assert "next: " in ended.err
    assert "s3cr3t" not in ended.err


def test_nothing_is_installed_from_a_temporary_folder(tmp_path: Path) -> None:
    plan = schedule_of(Path("/tmp/x"))
    with pytest.raises(FleetError, match="temporary files"):
        scheduling._refuse_temporary(plan)
    scheduling._refuse_temporary(schedule_of(Path("/srv/x")))


def test_where_there_is_no_systemd_cron_is_named(
    desk: Desk, system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(desk.folder / "empty"))
    ended = desk.call("schedule", "--install", "--root", system)
    assert ended.code == 1
    assert "schedule --cron" in ended.err
    assert not list(system.iterdir())


def test_a_scheduled_audit_can_probe(desk: Desk) -> None:
    printed = desk.call("schedule", "--", "--probe", "--deadline", "600")
    assert printed.code == 0, printed.err
    assert value(printed.out, "ExecStart").endswith(" audit --probe --deadline 600")
    line = desk.call("schedule", "--cron", "--", "--probe")
    assert line.out.rstrip().endswith("audit --probe"), line.out
    chosen = desk.call("schedule", "--", "--probe", "--check", "path-mtu")
    assert chosen.code == 0, chosen.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--check", "path-mtu"), "--check path-mtu: it is made only with --probe"),
        (("--check", "nonsense"), "nonsense"),
    ],
)
def test_a_check_that_no_run_could_make_is_refused_at_once(
    desk: Desk, options: tuple[str, ...], words: str
) -> None:
    printed = desk.call("schedule", "--", *options)
    assert printed.code == 1
    assert words in printed.err
