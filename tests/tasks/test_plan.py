"""A plan's diffs: what they show, and what they must never show."""

from __future__ import annotations

import pytest

from tasks.files import FRR_CONF, INTERFACES
from tasks.plan import FileChange, FileState, NodePlan

META = "640 frr frr"


def diff(before: str | None, after: str, meta: str = META) -> str:
    old = FileState(before, meta if before is not None else "")
    return FileChange(FRR_CONF, old, FileState(after, META)).diff()


def test_a_diff_is_a_unified_diff() -> None:
    assert diff("a\nb\n", "a\nc\n") == (
        "--- /etc/frr/frr.conf\n+++ /etc/frr/frr.conf\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    )


def test_a_file_that_is_absent_is_dev_null() -> None:
    text = diff(None, "a\n")
    assert text == "--- /dev/null\n+++ /etc/frr/frr.conf\n@@ -0,0 +1 @@\n+a\n"


def test_mode_and_owner_alone_are_a_change() -> None:
    assert diff("a\n", "a\n", meta="600 root root").splitlines() == [
        "--- /etc/frr/frr.conf",
        "+++ /etc/frr/frr.conf",
        "# mode and owner: 600 root root -> 640 frr frr",
    ]


def test_mode_and_owner_are_said_beside_a_changed_text() -> None:
    assert diff("a\n", "b\n", meta="600 root root").endswith(
        "-a\n+b\n# mode and owner: 600 root root -> 640 frr frr\n"
    )


@pytest.mark.parametrize("before", ["a", "a\r\n", "a\x0b"])
def test_a_difference_that_lines_do_not_show_is_named(before: str) -> None:
    assert "# differs only in line ends or in a secret\n" in diff(before, "a\n")


@pytest.mark.parametrize(
    "line",
    [
        " neighbor 192.168.0.2 password hunter2-secret",
        " neighbor 192.168.0.2 password 7 hunter2-secret",
        " neighbor PG PASSWORD hunter2-secret",
        "password hunter2-secret",
        "enable password 8 hunter2-secret",
        "  key-string hunter2-secret",
        " ip ospf message-digest-key 1 md5 hunter2-secret",
        " ip ospf authentication-key hunter2-secret",
        " isis password md5 hunter2-secret",
        " area-password clear hunter2-secret",
        " domain-password md5 hunter2-secret",
        " ip rip authentication string hunter2-secret",
        " neighbor 10.0.0.1 password hunter2-secret with-spaces",
        "\tpassword\thunter2-secret",
    ],
)
def test_secrets_are_redacted_on_both_sides(line: str) -> None:
    shown = diff(f"{line}\n", f"!\n{line}x\n")
    assert "hunter2" not in shown
    assert "with-spaces" not in shown
    assert "<redacted>" in shown


@pytest.mark.parametrize(
    "line", ["service password-encryption", " no neighbor 10.0.0.1 password", "! a password"]
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert f"+{line}\n" in diff("", f"{line}\n")


def test_only_the_secret_differs() -> None:
    shown = diff(" neighbor 10.0.0.1 password one\n", " neighbor 10.0.0.1 password two\n")
    assert "\n- neighbor 10.0.0.1 password <redacted>\n" in shown
    assert "\n+ neighbor 10.0.0.1 password <redacted> (another one)\n" in shown


def test_a_secret_that_stays_is_not_marked() -> None:
    before = " neighbor 10.0.0.1 password one\n neighbor 10.0.0.2 password one\n"
    shown = diff(before, f"{before} neighbor 10.0.0.3 password one\n")
    assert "another one" not in shown
    assert [line for line in shown.splitlines()[3:] if line[0] in "+-"] == [
        "+ neighbor 10.0.0.3 password <redacted>"
    ]


def test_a_nodes_diff_joins_its_files() -> None:
    changes = tuple(
        FileChange(file, FileState(None), FileState("x\n", "644 root root"))
        for file in (FRR_CONF, INTERFACES)
    )
    shown = NodePlan("node1", changes).diff
    assert shown.count("--- /dev/null\n") == 2
    assert "+++ /etc/network/interfaces\n" in shown


EBGP = "!\nrouter bgp 1\n neighbor eno2 interface v6only remote-as external\n"
OSPF = "router ospf\n!\ninterface eno2\n ip ospf hello-interval 1\n"


@pytest.mark.parametrize(
    ("before", "after", "loses"),
    [
        (OSPF, "router isis EVPN-FLEET\n", True),
        (OSPF, OSPF.replace("interval 1", "interval 2"), True),
        ("frr defaults datacenter\nrouter bgp 1\n", OSPF, True),
        ("log syslog\n", OSPF, False),
        (OSPF, f"{OSPF} ip ospf bfd\n", False),
        ("!\nrouter bgp 1\n", "!\nrouter bgp 2\n", False),
        ("!\nrouter bgp 1\n", EBGP, True),
        (OSPF, EBGP, True),
        (EBGP, f"{EBGP} neighbor eno3 interface v6only remote-as external\n", False),
    ],
)
def test_whom_the_underlay_reaches_is_lost_until_they_change_too(before, after, loses) -> None:
    changes = (FileChange(FRR_CONF, FileState(before), FileState(after)),)
    assert NodePlan("node1", changes).loses_neighbours is loses
    assert not NodePlan("node1").loses_neighbours
