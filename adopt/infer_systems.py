"""The AS of each host: the fabric's is that of most, another one is the host's own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from adopt.bgp import EVPN, is_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adopt.bgp import Neighbor
    from adopt.hostfiles import Host
    from adopt.survey import Survey


def asn_of(host: Host) -> int | None:
    """The AS that a host speaks as; None where it runs no BGP."""
    return int(host.main.asn) if host.main and is_number(host.main.asn) else None


def usual_asn(speakers: Iterable[Host]) -> int:
    """The AS of most; of equally many, the one that is seen first."""
    found = Counter(asn for host in speakers if (asn := asn_of(host)) is not None)
    return found.most_common(1)[0][0] if found else 0


def numbers_of(survey: Survey) -> tuple[int, ...]:
    """Every AS of the fabric's nodes, the usual one first."""
    speakers = (*survey.vteps, *survey.reflectors)
    own = (asn for host in speakers if (asn := asn_of(host)) is not None)
    return tuple(dict.fromkeys((usual_asn(speakers), *own)))


def serves_routes(host: Host) -> bool:
    """Whether it has EVPN sessions and no tunnel: all that it can do is pass routes on."""
    main = host.main
    if main is None or host.vxlans or main.has_evpn:
        return False
    return any(main.active_in(neighbor, EVPN) for neighbor in main.sessions())


def passing_on(hosts: Iterable[Host]) -> frozenset[str]:
    """The names of VTEPs that are route servers as well: they pass on the routes of other AS.

    FRR does so wherever no filter stands before an eBGP neighbour. The intent has route servers
    peer with each other, so VTEPs that do not all name one another are none.
    """
    found = [host for host in hosts if host.vtep and _is_unfiltered(host)]
    addresses = {host.vtep for host in found}
    for host in found:
        named = {neighbor.name for neighbor in host.main.sessions()} if host.main else set()
        if addresses - named - {host.vtep}:
            return frozenset()
    return frozenset(host.name for host in found)


def _is_unfiltered(host: Host) -> bool:
    main = host.main
    if main is None:
        return False
    outside = [n for n in main.sessions() if main.is_external(n) and main.active_in(n, EVPN)]

    def filtered(neighbor: Neighbor) -> bool:
        group = main.neighbors.get(neighbor.group or "")
        return any((EVPN, "out") in it.policies for it in (neighbor, group) if it)

    return bool(outside) and not any(map(filtered, outside))
