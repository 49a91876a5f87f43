"""What an audit with `--probe` has asked other VTEPs, one line for each question."""

from __future__ import annotations

import re

from overlay.host_records import Probe
from parsers._text import split_lines, unaccounted

PROBE = "probe"

_LINE = re.compile(
    r"(?P<kind>path|vxlan) (?P<address>[0-9a-fA-F:.]{2,45}) (?P<number>\d{1,8}) "
    r"(?:(?P<answer>ok|lost)|lost (?P<mac>[0-9a-f:]{17})|short (?P<passed>\d{1,8})"
    r"|untried (?P<why>.*))"
)


def parse_probes(text: str) -> tuple[Probe, ...]:
    """One record for each line. Raises ParseError for a line that is none."""
    found: list[Probe] = []
    strange: list[str] = []
    for line in split_lines(text):
        match = _LINE.fullmatch(line)
        if match is None:
            strange.append(line)
            continue
        answer = match["answer"] or ("lost" if match["mac"] else "untried")
        answer = "short" if match["passed"] else answer
        number = int(match["number"])
        found.append(
            Probe(
                address=match["address"],
                answer=answer,
                size=number if match["kind"] == "path" else None,
                vni=number if match["kind"] == "vxlan" else None,
                passed=int(match["passed"]) if match["passed"] else None,
                mac=match["mac"],
                why=match["why"],
                text=line,
            )
        )
    if strange:
        whole = len(found) + len(strange)
        raise unaccounted(PROBE, f"{len(found)} of {whole} answers read", strange, found)
    return tuple(found)
