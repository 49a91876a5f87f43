"""What FRR runs on a host and its file does not say, and the reverse."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adopt.hostfiles import FRR_CONF, RUNNING
from overlay.errors import ParseError
from overlay.redaction import redact
from parsers.configuration import parse_running_config, plain_statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adopt.survey import Survey
    from overlay.host_records import Statement

_SHOWN = 3
# What a fabric is made of. Of other statements FRR does not print those that are its defaults.
_SHAPES = re.compile(
    r"neighbor \S+ remote-as|advertise-all-vni|vni \d+$|advertise (ipv4|ipv6) unicast"
    r"|rd |route-target (import|export) \S+$|bgp listen range|ip ospf area"
    r"|ip router (isis|openfabric)"
)


def remark_running(survey: Survey) -> None:
    """Says of each host what FRR runs and frr.conf lacks, and the reverse.

    The intent goes by the file.
    """
    for host in survey.hosts:
        text = redact(host.texts.get(RUNNING, ""))
        try:
            parse_running_config(text)
        except ParseError:
            continue  # FRR does not run there, or the account may not ask it
        said = plain_statements(redact(host.texts.get(FRR_CONF, "")))
        known = {one[:depth] for one in said for depth in range(1, len(one) + 1)}
        runs = plain_statements(text)
        idle = [one for one in said if one not in runs and _SHAPES.match(one[-1])]
        if idle:
            survey.remark(
                host,
                f"its file says what FRR does not run: {_few(idle)}. The intent goes by the file: "
                "`/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf` puts it into force",
                FRR_CONF,
                said[idle[0]],
            )
        found = [one for one in runs if one not in known]
        if found:
            survey.remark(
                host,
                f"FRR runs what its file does not say: {_few(found)}. The "
                "intent goes by the file: if it is meant to stay, write it there (`vtysh -c "
                "write`) and import again",
                FRR_CONF,
            )


def _few(statements: Sequence[Statement]) -> str:
    more = len(statements) - _SHOWN
    shown = "; ".join(" / ".join(one) for one in statements[:_SHOWN])
    return shown + (f" and {more} more" if more > 0 else "")
