"""`ip xfrm policy show` → one record a policy."""

from __future__ import annotations

import re

from overlay.records import IpsecPolicy
from parsers._text import split_lines, unaccounted

COMMAND = "ip xfrm policy show"

_HEAD = re.compile(r"src (?P<source>\S+) dst (?P<target>\S+)(?P<more>.*)")
_WAY = r"(?:in|out|fwd)"
_BODY = re.compile(rf"(?:dir (?P<way>{_WAY}) (?:action (?P<action>\S+) )?|socket {_WAY} )")
_PROTOCOL = re.compile(r" proto (\S+)")
_PORT = re.compile(r" dport (\d+)(?= |$)")
_NUMBERS = {"17": "udp", "6": "tcp"}


def parse_ipsec_policies(text: str) -> tuple[IpsecPolicy, ...]:
    """Each policy with the lines below it; that of a single socket is about no other packet.

    Raises ParseError for a line that stands below no policy, or a policy without a direction.
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
    found = []
    for head, block in blocks:
        body = next((it for line in block[1:] if (it := _BODY.match(line.strip() + " "))), None)
        if body is None:
            strange.append(block[0])
        elif body["way"]:
            found.append(_policy(head, body, "\n".join(block)))
    if strange:
        raise unaccounted(COMMAND, f"{len(found)} read", strange, found)
    return tuple(found)


def _policy(head: re.Match[str], body: re.Match[str], text: str) -> IpsecPolicy:
    protocol, port = _PROTOCOL.search(head["more"]), _PORT.search(head["more"])
    asked = protocol[1] if protocol else ""
    rest = _PORT.sub("", _PROTOCOL.sub("", head["more"], count=1), count=1).strip()
    return IpsecPolicy(
        source=head["source"],
        target=head["target"],
        direction=body["way"],
        blocks=body["action"] == "block",
        protocol=_NUMBERS.get(asked, asked),
        port=port[1] if port else "",
        narrowed=bool(rest),
        text=text,
    )
