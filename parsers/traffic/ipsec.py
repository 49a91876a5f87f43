"""`ip xfrm policy show`, and behind it `ip xfrm state list nokeys` → one record a policy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.records import IpsecPolicy
from parsers._text import split_lines, unaccounted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COMMAND = "ip xfrm policy show"

_HEAD = re.compile(r"src (?P<source>\S+) dst (?P<target>\S+)(?P<more>.*)")
_WAY = r"(?:in|out|fwd)"
_BODY = re.compile(
    rf"(?:dir (?P<way>{_WAY}) (?:action (?P<action>\S+) )?(?:.*priority (?P<priority>\d+) )?"
    rf"|socket {_WAY} )"
)
_PROTOCOL = re.compile(r" proto (\S+)")
_PORT = re.compile(r" dport (\d+)(?= |$)")
_NUMBERS = {"17": "udp", "6": "tcp"}
# What a policy asks for, in two lines, and an association by its second one.
_TEMPLATE = re.compile(r"tmpl src (?P<source>\S+) dst (?P<target>\S+)")
_TRANSFORM = re.compile(r"proto (?P<protocol>\S+) (?:.*)reqid ")
_ASSOCIATION = re.compile(r"proto (?P<protocol>\S+) spi (?P<spi>0x[0-9a-f]+)")
_ANY = {"0.0.0.0", "::"}  # noqa: S104 - a wildcard in iproute2's words, nothing is bound to it


@dataclass(frozen=True, slots=True)
class _Secured:
    """Two ends and a protocol (esp, ah, …): of an association, or of what a policy asks for."""

    source: str
    target: str
    protocol: str

    def meets(self, wanted: _Secured) -> bool:
        return (
            wanted.protocol == self.protocol
            and wanted.source in {self.source, *_ANY}
            and wanted.target in {self.target, *_ANY}
        )


def parse_ipsec_policies(text: str) -> tuple[IpsecPolicy, ...]:
    """Each policy with the lines below it; that of a single socket is about no other packet.

    Raises ParseError for a line that stands below no head, or what is neither a policy with a
    direction nor an association.
    """
    blocks: list[tuple[re.Match[str], list[str]]] = []
    strange: list[str] = []
    for line in split_lines(text):
        if head := _HEAD.fullmatch(line):
            blocks.append((head, [line]))
        elif blocks and line[:1].isspace():
            blocks[-1][1].append(line)
        else:
            strange.append(line)
    policies = []
    associations = []
    for head, block in blocks:
        lines = [line.strip() for line in block[1:]]
        body = next((it for line in lines if (it := _BODY.match(line + " "))), None)
        if body is not None:
            if body["way"]:
                policies.append((head, body, block))
        elif lines and (found := _ASSOCIATION.match(lines[0])):
            # The kernel's own while it asks for one has no index.
            if int(found["spi"], 16):
                associations.append(_Secured(head["source"], head["target"], found["protocol"]))
        else:
            strange.append(block[0])
    read = tuple(_policy(head, body, block, associations) for head, body, block in policies)
    if strange:
        raise unaccounted(COMMAND, f"{len(read)} read", strange, list(read))
    return read


def _policy(
    head: re.Match[str],
    body: re.Match[str],
    block: Sequence[str],
    associations: Sequence[_Secured],
) -> IpsecPolicy:
    protocol, port = _PROTOCOL.search(head["more"]), _PORT.search(head["more"])
    asked = protocol[1] if protocol else ""
    rest = _PORT.sub("", _PROTOCOL.sub("", head["more"], count=1), count=1).strip()
    return IpsecPolicy(
        source=head["source"],
        target=head["target"],
        direction=body["way"],
        blocks=body["action"] == "block",
        unmet=any(not any(it.meets(wanted) for it in associations) for wanted in _wanted(block)),
        priority=int(body["priority"] or 0),
        protocol=_NUMBERS.get(asked, asked),
        port=port[1] if port else "",
        narrowed=bool(rest),
        text="\n".join(block),
    )


def _wanted(block: Sequence[str]) -> Iterable[_Secured]:
    """What a policy's packets must have; not what they may have (`level use`)."""
    for line, below in zip(block, (*block[1:], ""), strict=True):
        ends, transform = _TEMPLATE.match(line.strip()), _TRANSFORM.match(below.strip())
        if ends and transform and not below.rstrip().endswith("level use"):
            yield _Secured(ends["source"], ends["target"], transform["protocol"])
