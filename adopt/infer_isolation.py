"""What a VRF's exits end for its guests: the `unreachable` routes beside the default."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from adopt.survey import word
from overlay.expected import EVERYTHING
from overlay.values import UNDERLAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adopt.hostfiles import Host
    from adopt.survey import Survey, Word

_UNREACHABLE = re.compile(r"\bunreachable (default|[0-9a-fA-F.:]+/\d+)\b")


def isolation_keys(survey: Survey, vrfs: Mapping[str, dict[str, Any]], prefix: str) -> None:
    """Adds `unreachable:` to the VRFs with exits whose files end their lookups otherwise.

    `prefix` is the underlay's.  An exit without any such route says nothing: the intent's default
    stands, and the import shows what a deployment would add.
    """
    for vrf, keys in vrfs.items():
        exits = keys.get("exits", ())
        words = _words((host for host in survey.vteps if host.name in exits), vrf, prefix)
        found = survey.most(f"VRF {vrf}: what its exits make unreachable", words, (UNDERLAY,))
        if found != (UNDERLAY,):
            keys["unreachable"] = list(found)


def _words(hosts: Iterable[Host], vrf: str, underlay: str) -> Iterable[Word]:
    for host in hosts:
        device = host.devices.get(vrf)
        commands = device.all("up", "post-up") if device else ()
        ended = [match[1] for line in commands for match in _UNREACHABLE.finditer(line.value)]
        if device is None or not ended:
            continue
        beside = (one for one in dict.fromkeys(ended) if one not in (*EVERYTHING, "default"))
        value = tuple(UNDERLAY if one == underlay else one for one in beside)
        yield word(host, value, device)
