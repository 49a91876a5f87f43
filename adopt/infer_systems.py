"""The AS of each host: the fabric's is that of most, another one is the host's own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from adopt.bgp import EVPN, is_number

if TYPE_CHECKING:
    from collections.abc import Iterable

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
