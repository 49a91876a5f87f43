"""Subnets whose guests an exit node of Proxmox translates, made into `vrfs.X.snat`."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from adopt.proxmox.values import is_on

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Subnets = Mapping[str, Mapping[str, Any]]
    Say = Callable[[str, str], None]


def snat_keys(zone: str, subnets: Subnets, exits: Sequence[str], say: Say) -> dict[str, Any]:
    """The key of a zone's VRF, from the subnets in it; what is not the same in effect is said.

    Proxmox translates to the address that the exit node has on its way to the internet, by iptables
    and in the stanza of the vnet.
    """
    translated: dict[str, ipaddress.IPv4Network] = {}
    others = set()
    for name, subnet in sorted(subnets.items()):
        prefix = _prefix(zone, name)
        if not is_on(subnet.get("snat")):
            if prefix is not None and prefix.version == 4 and subnet.get("gateway"):
                others.add(prefix)
        elif not exits:
            say(f"subnets.{name}.snat", "no exit of its zone is known, so nothing translates it")
        elif isinstance(prefix, ipaddress.IPv6Network):
            say(
                f"subnets.{name}.snat",
                "no file says to which IPv6 address it is translated: name it under "
                f"vrfs.vrf_{zone}.snat, beside the prefix; no audit looks at it",
            )
        elif prefix is not None:
            translated[name] = prefix
    if not translated:
        return {}
    say(
        f"zones.{zone}",
        f"the addresses of {', '.join(translated)} are translated by iptables rules of Proxmox, "
        "which no audit looks at. The intent says the same of nftables, to the exits' own "
        f"addresses: if their way out has another one, name it in vrfs.vrf_{zone}.snat.addresses",
    )
    if others:
        return {"snat": {"prefixes": [str(prefix) for prefix in translated.values()]}}
    return {"snat": True}


def _prefix(zone: str, name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    address, _, length = name.removeprefix(f"{zone}-").rpartition("-")
    try:
        return ipaddress.ip_network(f"{address}/{length}", strict=False)
    except ValueError:
        return None
