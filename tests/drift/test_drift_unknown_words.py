"""A word or line that no parser knows: kept, said once, and nothing concluded from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import parsers
from drift.engine import audit
from drift.model import Severity
from overlay.records import RawOutput
from tests.drift import worlds
from tests.simulated.fleet import healthy_states

if TYPE_CHECKING:
    from overlay.records import HostState

HEAD = """BGP table version is 1, local router ID is {router_id}
Status codes: s suppressed, d damped, h history, * valid, > best, i - internal
Origin codes: i - IGP, e - EGP, ? - incomplete

   Network          Next Hop            Metric LocPrf Weight Path
"""


def printed(states: dict[str, HostState], name: str, word: str) -> HostState:
    """The node's table as FRR prints it, with a community that nobody knows on each route."""
    table = states[name].evpn
    assert table is not None
    text = HEAD.format(router_id=table.router_id)
    rd = None
    for path in sorted(table.paths, key=lambda path: path.rd):
        if path.rd != rd:
            rd = path.rd
            text += f"Route Distinguisher: {rd}\n"
        targets = " ".join(f"RT:{target}" for target in path.route_targets)
        rmac = f" Rmac:{path.rmac}" if path.rmac else ""
        text += f" {path.status:<3} {path.prefix}\n                    {path.next_hop:<16}"
        text += f"{'':>10}{path.local_pref or '':>7}{path.weight or 0:>7} i\n"
        text += f"                    {targets}{rmac} {word}\n"
    count = len(table.paths)
    text += f"\nDisplayed {count} out of {count} total prefixes\n"
    read = parsers.parse_host(name, {"bgp_l2vpn_evpn": RawOutput(text)})
    commands = states[name].commands | {"bgp_l2vpn_evpn": read.commands["bgp_l2vpn_evpn"]}
    return replace(states[name], evpn=read.evpn, commands=commands)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("Mcast flags: I, M", True),
        ("L2: P flag:N, B Flag N, C word N, MTU 0", False),
        ("L2: Cflags none, MTU 0", False),
    ],
)
def test_an_unknown_word_on_every_route_is_one_note_and_no_drift(word: str, *, said: bool) -> None:
    intent = worlds.symmetric()
    states = dict(healthy_states(intent))
    states |= {name: printed(states, name, word) for name in states}
    assert all(state.commands["bgp_l2vpn_evpn"].status == "ok" for state in states.values())
    result = audit(intent, states)
    assert result.findings == ()
    assert [note.severity for note in result.notes] == [Severity.INFO] * said
    if said:
        (note,) = result.notes
        assert note.message.startswith("bgp_l2vpn_evpn of node1, node2, node3: not understood")
        assert f"'{word}'" in note.message
