"""A VTEP that is not ours and keeps its own MACs, whatever the others announce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.live.matrix import ROOT
from tests.live.tools.probes import on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.live.conftest import Lab

_SESSION = " neighbor 192.168.0.201 remote-as 1234\n"
_ACTIVATED = "  neighbor 192.168.0.201 activate\n"
# Of the routes that it receives it takes none of a MAC.
_FILTER = """route-map OWN-MACS deny 10
 match evpn route-type macip
exit
route-map OWN-MACS permit 20
exit
router bgp 1234
"""


def come(lab: Lab, switch: str, neighbours: Sequence[str]) -> None:
    """Makes a machine the switch of `examples/external-peers`, with sessions to those neighbours."""
    text = (ROOT / "examples" / "external-peers" / "switch1.sh").read_text()
    for line in (_SESSION, _ACTIVATED, "router bgp 1234\n"):
        assert text.count(line) == 1, line
    activated = _ACTIVATED + "  neighbor 192.168.0.201 route-map OWN-MACS in\n"
    for line, each in ((_SESSION, _SESSION), (_ACTIVATED, activated)):
        lines = [each.replace("192.168.0.201", neighbour) for neighbour in neighbours]
        text = text.replace(line, "".join(lines))
    on(lab, switch, text.replace("router bgp 1234\n", _FILTER))
