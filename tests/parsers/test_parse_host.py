"""A host's outputs together: what is known, and what must not be concluded."""

from __future__ import annotations

import json
import os
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

import parsers
from overlay.errors import ParseError
from overlay.records import RawOutput
from parsers import _engine

RECORDINGS = Path(__file__).parent / "recordings"
SLUGS = ("bridge_fdb", "ip_link", "bgp_l2vpn_evpn")


def _outputs(machine="trixie", **changes):
    outputs = {
        slug: RawOutput((RECORDINGS / machine / f"{slug}.txt").read_text(encoding="utf-8"))
        for slug in SLUGS
    }
    return outputs | changes


def test_everything_collected():
    summary = (RECORDINGS / "trixie" / "evpn_summary.json").read_text(encoding="utf-8")
    state = parsers.parse_host(
        "node2",
        _outputs(evpn_summary=RawOutput(summary), sysctl=RawOutput("net.ipv4.ip_forward = 1\n")),
    )
    assert {slug: result.status for slug, result in state.commands.items()} == dict.fromkeys(
        (*SLUGS, "evpn_summary", "sysctl"), "ok"
    )
    assert (len(state.links), len(state.fdb), len(state.evpn.paths)) == (13, 85, 21)
    assert state.links["vxlan2"].vxlan.vni == 2
    assert state.commands["bridge_fdb"].entries == 85
    assert state.evpn_peers == parsers.parse("evpn_summary", summary)
    assert state.files == {}
    assert state.settings == {"net.ipv4.ip_forward": "1"}
    assert state.commands["evpn_summary"].entries == 2
    assert pickle.loads(pickle.dumps(state)) == state


def test_nothing_collected_is_missing_not_empty():
    state = parsers.parse_host("node1", {})
    assert {slug: result.status for slug, result in state.commands.items()} == dict.fromkeys(
        SLUGS, "missing"
    )
    assert (state.links, state.fdb, state.evpn) == (None, None, None)


@pytest.mark.parametrize(
    ("output", "status", "words"),
    [
        (RawOutput("", 127, "sh: 1: bridge: not found\n"), "failed", "bridge: not found"),
        (RawOutput("half", None, "", truncated=True), "unparsed", "cut off"),
        (RawOutput("half", None), "failed", "never seen"),
        (RawOutput("33:33:00:00:00:01 dev", truncated=True), "unparsed", "cut off"),
        (RawOutput("Last login: today\n"), "unparsed", "Last login"),
    ],
)
def test_what_failed_gives_no_plane(output, status, words):
    state = parsers.parse_host("node1", _outputs(bridge_fdb=output))
    assert state.commands["bridge_fdb"].status == status
    assert words in state.commands["bridge_fdb"].error
    assert state.fdb is None
    assert state.commands["ip_link"].status == "ok"


@pytest.mark.parametrize(
    "output",
    [
        RawOutput("", 1, "Exiting: failed to connect to any daemons.\n"),
        RawOutput("", 0, "bgpd is not running\n"),
        RawOutput("bgpd is not running\n", 1),
        RawOutput(
            "",
            1,
            "% Can't open configuration file /etc/frr/vtysh.conf due to 'No such file'.\n"
            "Exiting: failed to connect to any daemons.\n",
        ),
        RawOutput("No BGP process is configured\n"),
        RawOutput("% BGP instance not found\n"),
    ],
)
def test_frr_stopped_is_an_empty_table(output):
    state = parsers.parse_host("node1", _outputs(bgp_l2vpn_evpn=output))
    assert state.commands["bgp_l2vpn_evpn"].status == "ok"
    assert state.evpn.empty
    assert state.evpn.said


@pytest.mark.parametrize(
    "output",
    [
        RawOutput(
            "",
            1,
            "Exiting: failed to connect to any daemons.\n"
            "Hint: if this seems wrong, try running me as a privileged user!\n",
        ),
        RawOutput("", 1, "vtysh_connect(/var/run/frr/bgpd.vty): stat = Permission denied\n"),
        RawOutput("", 1, "sudo: a password is required\n"),
        RawOutput("", 127, "sh: 1: vtysh: not found\n"),
    ],
)
def test_not_being_allowed_to_ask_is_not_an_empty_table(output):
    state = parsers.parse_host("node1", _outputs(bgp_l2vpn_evpn=output))
    assert state.commands["bgp_l2vpn_evpn"].status == "failed"
    assert state.evpn is None


def test_no_word_at_all_is_not_an_empty_table():
    state = parsers.parse_host("node1", _outputs(bgp_l2vpn_evpn=RawOutput("")))
    assert state.commands["bgp_l2vpn_evpn"].status == "unparsed"


def test_a_table_beside_a_complaint_is_read():
    text = _outputs()["bgp_l2vpn_evpn"].text
    complaint = "zebra is not running\nbgpd is not running\n"
    state = parsers.parse_host("node1", _outputs(bgp_l2vpn_evpn=RawOutput(text, stderr=complaint)))
    assert len(state.evpn.paths) == 21


def test_two_links_of_one_name_do_not_become_one():
    text = _outputs()["ip_link"].text
    assert len(parsers.parse_links(text + text)) == 26
    state = parsers.parse_host("node1", _outputs(ip_link=RawOutput(text + text)))
    assert state.commands["ip_link"].status == "unparsed"
    assert state.links is None


@pytest.mark.parametrize("text", ["", "bgpd is not running", "{", "[" * 100000])
def test_json_that_is_none(text):
    with pytest.raises(ParseError) as caught:
        parsers.parse("evpn_summary", text)
    assert caught.value.hint
    state = parsers.parse_host("node1", _outputs(evpn_summary=RawOutput(text)))
    assert state.commands["evpn_summary"].status == "unparsed"
    assert state.evpn_peers is None


def test_json_of_another_shape_is_unparsed():
    state = parsers.parse_host("node1", _outputs(evpn_vni=RawOutput('{"2": {"type": "L2"}}')))
    assert state.commands["evpn_vni"].status == "unparsed"
    assert "2.tenantVrf: this key is missing" in state.commands["evpn_vni"].error
    assert state.vnis is None


def test_no_parser_for_a_slug_names_those_there_are():
    with pytest.raises(ParseError, match="bridge_fdb"):
        parsers.parse("bridge-fdb", "")


def test_frr_without_evpn_has_no_vni():
    """As FRR 8.4 of Debian 12 answers `show evpn vni json` when advertise-all-vni is off."""
    assert parsers.parse("evpn_vni", "\n") == {}
    with pytest.raises(ParseError):
        parsers.parse("evpn_summary", "\n")


@pytest.mark.parametrize(
    ("output", "status", "known"),
    [
        (RawOutput("", rc=1, stderr="bfdd is not running\n"), "ok", ()),
        (RawOutput("bfdd is not running\n", rc=0), "ok", ()),
        (RawOutput("[]\n"), "ok", ()),
        (
            RawOutput(
                "", rc=1, stderr="bfdd is not running\nPlease try running me as a privileged user\n"
            ),
            "failed",
            None,
        ),
    ],
)
def test_without_its_daemon_there_is_no_bfd_session(output, status, known):
    state = parsers.parse_host("node1", {"bfd_peers": output})
    assert state.commands["bfd_peers"].status == status
    assert state.bfd_peers == known


def test_unknown_words_are_noted_with_their_command_escaped_and_bounded():
    line = "02:00:00:00:00:01 dev vxlan2 dst 10.0.0.2 self {}\n"
    text = "".join(line.format(f"w{n:02}\x1b") for n in range(30))
    state = parsers.parse_host("node1", {"bridge_fdb": RawOutput(text)})
    assert state.commands["bridge_fdb"].entries == 30
    assert len(state.commands["bridge_fdb"].unknown) == 20
    assert state.commands["bridge_fdb"].unknown[0] == "'w00\\x1b'"


def test_records_as_json_is_one_record_per_line_link_and_path():
    outputs = _outputs()
    sizes = {"bridge_fdb": 85, "ip_link": 13, "bgp_l2vpn_evpn": 21}
    for slug, size in sizes.items():
        records = parsers.records_as_json(parsers.parse(slug, outputs[slug].text))
        assert len(records) == size
        assert json.loads(json.dumps(records)) == records
        assert all("text" not in record for record in records)


AS_JSON = {
    ("ip_route", '[{"dst": "default", "dev": "eno1", "metrics": [{"mtu": 1400}]}]'): {
        "table": "main",
        "prefix": "0.0.0.0/0",
        "type": "unicast",
        "metric": 0,
        "protocol": None,
        "hops": [{"gateway": None, "device": "eno1", "alive": True}],
        "mtu": 1400,
    },
    ("evpn_vni", '{"2": {"type": "L2", "tenantVrf": "vrf1"}}'): {
        "vni": 2,
        "type": "L2",
        "vrf": "vrf1",
        "device": None,
        "bridge": None,
        "vlan": None,
        "remote_vteps": [],
    },
    ("bgp_summary", '{"ipv4Unicast": {"peers": {"192.0.2.1": {"state": "Active"}}}}'): {
        "address": "192.0.2.1",
        "state": "Active",
        "family": "ipv4Unicast",
        "remote_as": None,
        "local_as": None,
        "dynamic": False,
        "received": None,
        "sent": None,
    },
    ("sysctl", "net.ipv4.ip_forward = 1"): {"key": "net.ipv4.ip_forward", "value": "1"},
    ("running_config", "Current configuration:\nvrf vrf1\n vni 4000\nexit-vrf\nend\n"): [
        "vrf vrf1",
        "vni 4000",
    ],
}


@pytest.mark.parametrize(("slug", "text"), AS_JSON)
def test_records_as_json_of_other_outputs(slug, text):
    assert parsers.records_as_json(parsers.parse(slug, text)) == [AS_JSON[slug, text]]


def test_worker_processes_and_threads_read_the_same():
    expected = {machine: parsers.parse_host(machine, _outputs(machine)) for machine in MACHINES}
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(parsers.parse_host, MACHINES, map(_outputs, MACHINES)))
    assert dict(zip(MACHINES, found, strict=True)) == expected
    with ThreadPoolExecutor(8) as pool:
        many = list(pool.map(lambda name: parsers.parse_host(name, _outputs(name)), MACHINES * 8))
    assert all(state == expected[state.host] for state in many)


MACHINES = ("bookworm", "trixie", "forky", "bookworm-node3")


def test_a_child_forked_while_a_thread_parses_can_parse():
    held = threading.Event()
    release = threading.Event()

    def hold():
        with _engine._lock:
            held.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    child = os.fork()
    if child == 0:
        os._exit(0 if parsers.parse_fdb("02:00:00:00:00:01 dev x self\n") else 1)
    release.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_ttp_leaves_no_pickle_behind():
    package = Path(_engine.__file__).parent.parent
    parsers.parse_fdb("02:00:00:00:00:01 dev x self\n")
    assert "TTPCACHEFOLDER" not in os.environ
    assert not list(package.glob("parsers/*.pickle"))


def test_a_text_that_is_a_path_is_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table").write_text("02:00:00:00:00:01 dev x self\n", encoding="utf-8")
    with pytest.raises(ParseError, match="table"):
        parsers.parse_fdb("table")
