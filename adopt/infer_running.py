"""What FRR runs on a host beside what its file says: typed in, and gone when it starts again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adopt.hostfiles import FRR_CONF, RUNNING
from overlay.errors import ParseError
from overlay.redaction import redact
from parsers.configuration import parse_running_config, plain_statements

if TYPE_CHECKING:
    from adopt.survey import Survey

_SHOWN = 3


def remark_running(survey: Survey) -> None:
    """Says of each host what FRR runs and frr.conf lacks. The intent goes by the file."""
    for host in survey.hosts:
        text = redact(host.texts.get(RUNNING, ""))
        try:
            parse_running_config(text)
        except ParseError:
            continue  # FRR does not run there, or the account may not ask it
        said = plain_statements(redact(host.texts.get(FRR_CONF, "")))
        known = {one[:depth] for one in said for depth in range(1, len(one) + 1)}
        found = [" / ".join(one) for one in plain_statements(text) if one not in known]
        if found:
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            survey.remark(
                host,
                f"FRR runs what its file does not say: {'; '.join(found[:_SHOWN])}{more}. The "
                "intent goes by the file: if it is meant to stay, write it there (`vtysh -c "
                "write`) and import again",
                FRR_CONF,
            )
