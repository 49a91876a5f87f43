"""What an account that is not root may run: all that it must, and not a word more."""

from __future__ import annotations

import re
from typing import Literal

import pytest

from overlay.errors import FleetError
from tasks.commands import COMMANDS, as_section
from tasks.sudoers import sudoers

PATHS = "/usr/bin/"


def allowed(text: str) -> set[str]:
    return {line.partition("NOPASSWD: ")[2] for line in text.splitlines() if line[0] != "#"}


def test_an_audit_may_run_exactly_what_it_runs() -> None:
    run = set()
    for command in COMMANDS:
        for words in as_section(command, sudo=True).command.split(" || "):
            if "sudo" in words:
                assert words.startswith("sudo -n ")
                run.add(PATHS + words.removeprefix("sudo -n ").replace("'", ""))
    assert allowed(sudoers("evpn-audit", "audit")) == run
    assert "/usr/bin/vtysh -c show bgp l2vpn evpn summary json" in run
    assert "/usr/bin/cat /etc/frr/frr.conf" in run
    assert not any("sh -" in words.split("vtysh")[0] for words in run), "no shell"


def test_without_sudo_nothing_is_asked_of_it() -> None:
    assert not any("sudo" in as_section(command, sudo=False).command for command in COMMANDS)


def test_no_entry_matches_more_than_itself() -> None:
    for words in allowed(sudoers("evpn-audit", "audit")):
        assert not re.search(r"(?<!\\)[*?\[\]:,=#]", words)


def test_who_deploys_is_as_good_as_root_and_told_so() -> None:
    text = sudoers("evpn-deploy", "deploy")
    assert allowed(text) == {"/bin/sh -s"}
    assert "as good as root" in text


@pytest.mark.parametrize("user", ["", "ALL=(ALL) ALL", "a\nb ALL", "%wheel", "-x"])
@pytest.mark.parametrize("purpose", ["audit", "deploy"])
def test_a_name_cannot_smuggle_a_rule(user: str, purpose: Literal["audit", "deploy"]) -> None:
    with pytest.raises(FleetError, match="not the name of an account"):
        sudoers(user, purpose)
