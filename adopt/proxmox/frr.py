"""What a node's FRR is told beside what Proxmox writes on every node."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adopt.hostfiles import FRR_CONF
from adopt.kept.frr import KeptFrr, kept_frr_of

if TYPE_CHECKING:
    from collections.abc import Mapping

FRR_LOCAL = "/etc/frr/frr.conf.local"
# What Proxmox writes on every node, and what changes no route.
_USUAL = re.compile(
    r"no bgp hard-administrative-reset|no bgp graceful-restart notification|bgp router-id \S+"
    r"|route-map MAP_VTEP_(IN|OUT) permit 1|neighbor \S+ route-map MAP_VTEP_(IN|OUT) (in|out)"
)


def kept_by_node(node: str, texts: Mapping[str, str], rendered: Mapping[str, str]) -> KeptFrr:
    """What of a node's frr.conf is kept; nothing where it is no more than every node has.

    Proxmox has merged frr.conf.local into it: that file counts only where frr.conf is not at hand.
    """
    text = texts.get(FRR_CONF, texts.get(FRR_LOCAL, ""))
    found = kept_frr_of(node, {FRR_CONF: text}, rendered)
    own = [one for one in found.statements if not _USUAL.fullmatch(one.rpartition(" / ")[2])]
    return found if own else KeptFrr()
