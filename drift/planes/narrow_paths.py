"""Paths to other VTEPs that only small packets get through (`audit --probe`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_probes
from drift.causes import Broken, peer_of
from drift.evidence import lines
from drift.model import CRITICAL, About, Check, Pairwise
from drift.plane import Plane
from overlay.outputs import PROBE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView


def _from_interface_mtu(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    for host in (raw.finding.host, peer_of(raw, owner)):
        yield Broken.NARROW, host


PATH_MTU = Check(
    "path-mtu",
    CRITICAL,
    "path MTU too small",
    "With `--probe`: pings as large as the overlay's MTU and VXLAN's headers get to each VTEP that "
    "was asked, without being fragmented.",
    "Guests' small packets pass and their large ones are lost: connections open and then hang.",
    (PROBE,),
    by_probe=True,
    applies=with_probes,
    confirm="ping -M do -c 3 -s 1522 192.168.0.2",
    remedy="Where both nodes' own interfaces have the right MTU (`mtu` finds them), a switch's "
    "port or a router between is set too small: raise it to the size that is expected, or to 9000. "
    "If it cannot be raised, lower `overlay.mtu` in fabric.yaml, and the guests' MTU with it.",
    follows=_from_interface_mtu,
    pairwise=Pairwise.NARROW,
    with_others=True,
    transient=True,
)


def examine_paths(view: HostView) -> Iterator[RawFinding]:
    """Each path that is too small, with the size that passes."""
    for probe in view.state.probes or ():
        if probe.answer != "short":
            continue
        yield PATH_MTU.found(
            view.host,
            f"VTEP {probe.address}",
            "changed",
            probe.size,
            probe.passed,
            attribute="path MTU",
            evidence=lines(PROBE, [probe.text]),
            about=About(peer=probe.address),
        )


PLANE = Plane(examine_paths, (PATH_MTU,))
