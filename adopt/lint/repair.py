"""Faults that turn what follows into something else: each is named once, and read as it was meant.

Without that, one missing line would show as a dozen findings of other rules.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

from adopt.bgp import instances
from adopt.devices import devices
from adopt.hostfiles import FRR_CONF
from adopt.lint.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adopt.hostfiles import Host
    from overlay.host_records import FrrLine, InterfacesFile, Stanza

# More of these in one line than one, and its line breaks were lost.
_HEADS = re.compile(
    r"(?<!\S)(router bgp \d+|bgp router-id|bgp cluster-id|address-family \S+|exit-address-family"
    r"|neighbor \S+ (?:remote-as|activate|peer-group)|!(?=\s))"
)


def repaired(host: Host) -> tuple[Host, list[Finding]]:
    """The host as its files were meant, and what had to be read otherwise than it stands."""
    found: list[Finding] = []
    files = []
    for path, file in host.interfaces:
        stanzas = tuple(_meant(host, path, file, found))
        files.append((path, replace(file, stanzas=stanzas)))
    lines = host.frr
    lost = list(_lost_breaks(host))
    if lost:
        found += lost
        lines = ()
    else:
        lines = _with_instance(host, found)
    return (
        replace(
            host,
            interfaces=tuple(files),
            devices=devices(files),
            frr=lines,
            bgp=tuple(instances(lines)),
        ),
        found,
    )


def _meant(host: Host, path: str, file: InterfacesFile, found: list[Finding]) -> Iterator[Stanza]:
    """The stanzas, one that stands below `auto X` but names an earlier device being X's."""
    defined = {stanza.name for stanza in file.stanzas}
    before: set[str] = set()
    last = 0
    starts = [number for number, _ in file.starts]
    for stanza in file.stanzas:
        at = bisect_left(starts, stanza.line) - 1
        wanted = file.starts[at][1] if at >= 0 and starts[at] > last else stanza.name
        last = stanza.line
        if wanted not in defined and stanza.name in before:
            found.append(
                Finding(
                    "stanza-names-another-device",
                    Level.ERROR,
                    host.name,
                    path,
                    stanza.line,
                    f"`iface {stanza.name}` stands below `auto {wanted}` and {stanza.name} is "
                    f"defined above: {wanted} is never made, and {stanza.name} gets both stanzas",
                    f"write `iface {wanted}`",
                )
            )
            yield replace(stanza, name=wanted)
        else:
            yield stanza
        before.add(stanza.name)


def _lost_breaks(host: Host) -> Iterator[Finding]:
    for number, line in enumerate(host.texts.get(FRR_CONF, "").splitlines(), start=1):
        if line.lstrip().startswith(("!", "#")):
            continue
        if len(_HEADS.findall(line)) > 1:
            yield Finding(
                "line-breaks-lost",
                Level.ERROR,
                host.name,
                FRR_CONF,
                number,
                "this one line holds several statements, and FRR takes none of them",
                "write each statement on a line of its own",
            )


def _with_instance(host: Host, found: list[Finding]) -> tuple[FrrLine, ...]:
    """The lines, those of a VRF's families that landed in the main instance being the VRF's."""
    lacking = {vrf for vrf, _ in host.l3vnis().values() if host.instance(vrf) is None}
    start = _second_family(host)
    if start is None or len(lacking) != 1:
        return host.frr
    main, vrf = start.statement[0], lacking.pop()
    found.append(
        Finding(
            "vrf-instance-missing",
            Level.ERROR,
            host.name,
            FRR_CONF,
            start.line,
            f"`{start.statement[-1]}` is opened a second time in `{main}`, and VRF {vrf} has no "
            "BGP instance: what follows acts on the main routing table",
            f"write `{main} vrf {vrf}` and its `bgp router-id` above this line",
        )
    )
    return tuple(
        replace(line, statement=(f"{main} vrf {vrf}", *line.statement[1:]))
        if line.line >= start.line and line.statement[0] == main and len(line.statement) > 1
        else line
        for line in host.frr
    )


def _second_family(host: Host) -> FrrLine | None:
    seen = set()
    for line in host.frr:
        opened = line.words[:1] == ["address-family"] and len(line.blocks) == 1 and line.words[1:]
        if not opened or line.statement[0].split()[3:4]:
            continue
        if line.words[1] in seen and line.words[1] in {"ipv4", "ipv6"}:
            return line
        seen.add(line.words[1])
    return None
