"""docs/checks.md is what the catalogue says, and every check says all that an operator needs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from drift.catalogue import CHECKS
from drift.reference import check_text, reference_text
from tests.generated import generated, hold

ROOT = Path(__file__).parents[2]


@generated
def test_the_document_is_the_catalogue() -> None:
    hold(ROOT / "docs" / "checks.md", reference_text())


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.id)
def test_each_check_says_why_and_how_to_confirm_and_fix_it(check) -> None:
    for text in (check.compares, check.why, check.remedy):
        assert text[0] == "`" or text[0].isupper() or text.startswith("zebra")
        assert text.endswith(".")
    assert check.remedy.count("`") % 2 == 0
    assert shlex.split(check.confirm)
    for command in re.findall(r"`([^`]+)`", check.remedy):
        shlex.split(command)
    assert all(slug in check_text(check) for slug in check.needs)


def test_to_confirm_changes_nothing() -> None:
    reads = re.compile(
        r"(ip (-d |-6 )?(link|address|route|neigh|rule) show|bridge (-d )?(fdb|link|vlan|vni) (show|tunnelshow)|vtysh -c 'show [^']*'|"
        r"systemctl status|nft list (table|ruleset)|ip xfrm (policy show|state list)|ping (-M do )?-c 3|tcpdump -ni|sysctl [^=]*$|python run.py plan|/usr/lib/frr/frr-reload.py --test)"
    )
    for check in CHECKS.values():
        for command in check.confirm.split("; "):
            assert reads.match(command), command
