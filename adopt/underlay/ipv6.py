"""EVPN over an IPv6 underlay, which takes a recent FRR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.intent import FRR_WITH_IPV6_VTEPS
from overlay.values import version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adopt.hostfiles import Host


def oldest_frr(hosts: Iterable[Host], say: Callable[[Host, str], None]) -> str:
    """The oldest FRR of hosts, as `10.7`; one that names none has what tunnels over IPv6 take.

    Of one that is too old `say` is told: no intent could be written with it, and what is there is
    there all the same.
    """
    versions = [FRR_WITH_IPV6_VTEPS]
    for host in hosts:
        named = host.frr_version
        if named and version_of(named) < version_of(FRR_WITH_IPV6_VTEPS):
            say(
                host,
                f"its FRR is {named}, and EVPN over IPv6 takes {FRR_WITH_IPV6_VTEPS}, which the "
                "intent says: until it is upgraded there may be no tunnels to it",
            )
            named = None
        versions.append(named or FRR_WITH_IPV6_VTEPS)
    oldest = version_of(min(versions[1:] or versions, key=version_of))
    return ".".join(map(str, oldest[:2]))  # its patches come and go
