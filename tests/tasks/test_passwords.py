"""Passwords are read where the intent says, and no error shows one."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from overlay.errors import FleetError
from overlay.loading import load_inventory
from overlay.outputs import FRR_FILE, RUNNING_CONFIG, file_slug
from overlay.records import RawOutput
from overlay.sessions.intended import SecretSource
from tasks.commands import HostCapture, without_secrets
from tasks.files import DAEMONS, FRR_CONF
from tasks.frr.loading import CHANGED_PASSWORDS, frr_sections
from tasks.plan import FileChange, FileState
from tasks.render import environment, managed_line
from tasks.secrets.passwords import read_passwords
from tasks.snapshot import write_capture
from tests.live.matrix import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from overlay.expected import NodeIntent

SESSIONS = ROOT / "examples" / "bgp-sessions"
WITHIN = SecretSource(env="EVPN_FLEET_BGP_PASSWORD")
OUTSIDE = SecretSource(command="cat router.secret")


@pytest.fixture(scope="module")
def nodes() -> dict[str, NodeIntent]:
    return load_inventory(SESSIONS).intent.nodes


def test_each_source_is_asked(
    nodes: dict[str, NodeIntent], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "router.secret").write_text("sesame\nand more\n")
    monkeypatch.setenv("EVPN_FLEET_BGP_PASSWORD", "hunter2")

    found = read_passwords(nodes.values(), tmp_path)

    assert found == {WITHIN: "hunter2", OUTSIDE: "sesame"}
    assert read_passwords([nodes["node2"]], tmp_path) == {WITHIN: "hunter2"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "the environment variable EVPN_FLEET_BGP_PASSWORD is not set"),
        ("", "it has 0 characters"),
        ("two words", "it has 9 characters"),
        ("x" * 81, "it has 81 characters"),
        ("pässword", "it has 8 characters"),
    ],
)
def test_what_is_no_password_is_refused_without_being_shown(
    nodes: dict[str, NodeIntent],
    value: str | None,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("EVPN_FLEET_BGP_PASSWORD", raising=False)
    if value is not None:
        monkeypatch.setenv("EVPN_FLEET_BGP_PASSWORD", value)
    with pytest.raises(FleetError) as caught:
        read_passwords([nodes["node2"]], tmp_path)
    assert said in str(caught.value)
    assert not value or value not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("false", "failed with exit status 1"),
        ("sh -c 'echo hunter2; exit 3'", "failed with exit status 3"),
        ("/nowhere/pass show", "cannot be run: No such file"),
        ("echo", "it has 0 characters"),
    ],
)
def test_a_command_that_fails_is_named(
    nodes: dict[str, NodeIntent], command: str, said: str, tmp_path: Path
) -> None:
    bgp = nodes["node2"].bgp
    assert bgp is not None
    sessions = replace(bgp.sessions, password=SecretSource(command=command))
    node = replace(nodes["node2"], bgp=replace(bgp, sessions=sessions))
    with pytest.raises(FleetError) as caught:
        read_passwords([node], tmp_path)
    assert said in str(caught.value)
    assert command in str(caught.value)


def test_the_file_has_the_password_and_its_plan_does_not(nodes: dict[str, NodeIntent]) -> None:
    node = nodes["node2"]
    text, other = (
        environment()
        .get_template(FRR_CONF.template)
        .render(node=node, managed=managed_line(node), passwords={WITHIN: word})
        for word in ("hunter2", "hunter3")
    )
    assert " neighbor 192.168.0.200 password hunter2\n" in text
    first = FileChange(FRR_CONF, FileState(None), FileState(text, FRR_CONF.meta))
    assert FRR_CONF.meta == "640 frr frr"
    assert "+ neighbor 192.168.0.200 password <redacted>\n" in first.diff()
    changed = FileChange(FRR_CONF, FileState(text), FileState(other))
    assert "+ neighbor 192.168.0.200 password <redacted> (another one)\n" in changed.diff()
    assert "hunter" not in first.diff() + changed.diff()
    assert [it.slug for it in frr_sections((changed,))] == ["frr-passwords", "frr-reload"]
    restarted = FileChange(DAEMONS, FileState("bgpd=no"), FileState("bgpd=yes"))
    assert [it.slug for it in frr_sections((changed, restarted))] == ["frr-restart"]


def test_a_changed_password_is_loaded_by_no_commands_arguments(tmp_path: Path) -> None:
    wanted = tmp_path / "frr.conf"
    wanted.write_text(
        "router bgp 1\n neighbor 10.0.0.1 password same\n neighbor 10.0.0.2 password new$&\n"
        " neighbor 10.0.0.4 password first\nexit\n"
    )
    running = (
        "router bgp 1\n neighbor 10.0.0.1 password same\n neighbor 10.0.0.2 password old\n"
        " neighbor 10.0.0.3 password gone\nexit\nrouter bgp 1 vrf red\n"
        " neighbor 10.0.0.2 password other\nexit\n"
    )
    said = subprocess.run(
        ["awk", CHANGED_PASSWORDS, wanted, "-"],
        input=running, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    assert sorted(said.split("exit\n")[:-1]) == [
        "router bgp 1\n neighbor 10.0.0.2 password new$&\n",
        "router bgp 1\n no neighbor 10.0.0.3 password\n",
        "router bgp 1 vrf red\n no neighbor 10.0.0.2 password\n",
    ]


@pytest.mark.parametrize("slug", [RUNNING_CONFIG, file_slug(FRR_FILE)])
def test_what_is_collected_holds_no_password(slug: str, tmp_path: Path) -> None:
    raw = RawOutput(" neighbor 192.168.0.2 password hunter2\n", 1, "password hunter2")
    kept = without_secrets(slug, raw)
    assert kept.text == " neighbor 192.168.0.2 password <redacted>\n"
    assert "hunter2" not in repr(kept)
    write_capture(tmp_path, HostCapture("node1", {slug: raw}))
    assert all("hunter2" not in file.read_text() for file in (tmp_path / "node1").iterdir())


def test_outputs_that_hold_no_configuration_stay_as_they_are() -> None:
    raw = RawOutput(json.dumps({"password": "is a word"}))
    assert without_secrets("evpn_summary", raw) is raw
