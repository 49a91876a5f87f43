"""What FRR runs and its file does not say: a remark, for the intent goes by the file."""

from __future__ import annotations

import pytest

from adopt.hostfiles import FRR_CONF, RUNNING, read_hosts
from adopt.infer import infer
from overlay.loading import load_inventory
from tasks.ssh import node_files
from tests.adopt.folders import EXAMPLES, LIVE
from tests.rendering import render


def shown(text: str, more: str = "") -> str:
    """As FRR prints it."""
    return f"Building configuration...\n\nCurrent configuration:\n!\n{text}{more}!\nend\n"


TYPED = "router bgp 1234\n neighbor 192.0.2.9 remote-as 7\n neighbor 192.0.2.9 password hunter2\n"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", None),
        ("vrf other\nexit-vrf\n", None),  # FRR's own
        (TYPED, "router bgp 1234 / neighbor 192.0.2.9 password <redacted>. The intent goes by"),
    ],
)
def test_what_was_typed_in_is_said(more: str, said: str | None) -> None:
    files = {
        name: dict(texts)
        for name, texts in render(load_inventory(EXAMPLES / "l2-evpn").intent).items()
    }
    for texts in files.values():
        texts[RUNNING] = shown(texts[FRR_CONF])
    files["node2"][RUNNING] = shown(files["node2"][FRR_CONF], more)
    files["node3"][RUNNING] = "vtysh: cannot connect"

    remarks = [str(remark) for remark in infer(read_hosts(files), "x").remarks]

    assert len(remarks) == (said is not None)
    if said:
        assert remarks[0].startswith(
            "node2/etc/frr/frr.conf: FRR runs what its file does not say: "
        )
        assert said in remarks[0]


def test_both_rooms_mean_the_same_command():
    assert node_files.RUNNING == RUNNING


def test_what_only_the_file_says_is_said() -> None:
    """Until FRR takes its file, nothing of it is true; of its defaults FRR prints none."""
    files = {
        name: dict(texts)
        for name, texts in render(load_inventory(EXAMPLES / "l2-evpn").intent).items()
    }
    for texts in files.values():
        texts[RUNNING] = shown(texts[FRR_CONF])
    idle = (
        files["node2"][RUNNING]
        .replace("  advertise-all-vni\n", "")
        .replace(" coalesce-time 1000\n", "")
    )
    files["node2"][RUNNING] = idle

    [remark] = map(str, infer(read_hosts(files), "x").remarks)

    statement = "router bgp 1234 / address-family l2vpn evpn / advertise-all-vni"
    assert (
        f"its file says what FRR does not run: {statement}. The intent goes by the file" in remark
    )
    line = int(remark.partition("frr.conf:")[2].partition(":")[0])
    assert files["node2"][FRR_CONF].split("\n")[line - 1].strip() == "advertise-all-vni"


@pytest.mark.parametrize(
    ("running", "files", "wanted"),
    [
        (("10.7", "10.7"), ("", ""), "10.7"),  # what runs, whatever the file was written for
        (("10.10", "10.7.1"), ("10.6", "10.6"), "10.7"),
        (("", ""), ("10.8", "10.7"), "10.7"),
        (("", ""), ("10.7", ""), "10.6"),  # of the other nothing is known but that it works
        (("10.7-dev", ""), ("", "10.9~deb13u1"), "10.7"),
        (("", ""), ("", ""), "10.6"),
        (("10.4.1", "10.7"), ("", ""), "10.6"),
    ],
)
def test_the_oldest_frr_over_ipv6(
    running: tuple[str, str], files: tuple[str, str], wanted: str
) -> None:
    rendered = render(load_inventory(LIVE / "ipv6-evpn").intent)
    texts = {name: dict(of_host) for name, of_host in rendered.items()}
    for of_host, runs, written in zip(texts.values(), running, files, strict=True):
        if runs:
            of_host[RUNNING] = shown(f"frr version {runs}\n{of_host[FRR_CONF]}")
        if written:
            of_host[FRR_CONF] = f"frr version {written}\n{of_host[FRR_CONF]}"
    found = infer(read_hosts(texts), "x")
    assert found.fabric["bgp"]["frr"] == wanted
    too_old = [
        str(it)
        for it in found.remarks
        if "its FRR is 10.4.1, and EVPN over IPv6 takes 10.6" in str(it)
    ]
    assert len(too_old) == ("10.4.1" in running)
