"""Cross-validation of what is kept by hand: groups without nodes, text that nothing can take."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from overlay.derived.routed import DAEMONS
from overlay.intent import Fabric, Mode
from overlay.kept.extras import extras_of, sources
from overlay.problems import few, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from overlay.kept.extras import Extras
    from overlay.problems import Complaint, KeyPath

_UNPRINTABLE = re.compile(r"[^\n\t\x20-\x7e\x80-\U0010ffff]")
_LEAVES = re.compile(r"end|conf(igure)?( .*)?|do .*|write( .*)?")
_TEMPLATE = re.compile(r"%|<%|</%")
_READS_ITSELF = re.compile(r"source(-directory)? /etc/network/interfaces\.d(/\*?)?")
# The daemon that reads a statement of the top level; zebra and staticd always run.
_NEEDS = (
    (re.compile(r"router ospf( .*)?"), "ospfd"),
    (re.compile(r"router ospf6( .*)?"), "ospf6d"),
    (re.compile(r"router rip( .*)?"), "ripd"),
    (re.compile(r"router ripng( .*)?"), "ripngd"),
    (re.compile(r"router isis .*"), "isisd"),
    (re.compile(r"router openfabric .*"), "fabricd"),
    (re.compile(r"router eigrp .*"), "eigrpd"),
    (re.compile(r"router babel"), "babeld"),
    (re.compile(r"router bgp .*"), "bgpd"),
    (re.compile(r"mpls ldp"), "ldpd"),
    (re.compile(r"pbr-map .*"), "pbrd"),
)


def groups(fabric: Fabric) -> Iterator[Complaint]:
    for name, group in fabric.groups.items():
        for position, glob in enumerate(group.nodes):
            if not any(fnmatchcase(node, glob) for node in fabric.nodes):
                close = nearest(glob, fabric.nodes)
                hint = f"did you mean `{close}`?" if close else "name a node or a glob"
                yield ("groups", name, "nodes", position), f"no node matches {glob!r}", hint
        if not group.model_fields_set - {"nodes"}:
            yield (
                ("groups", name),
                "it keeps nothing",
                "add `frr_extra:`, `interfaces_extra:` or another key that keeps something",
            )


def texts(fabric: Fabric) -> Iterator[Complaint]:
    for key, extras in sources(fabric, fabric.groups, fabric.nodes):
        if extras.frr_extra is not None:
            yield from _text((*key, "frr_extra"), extras.frr_extra, _of_frr)
        if extras.interfaces_extra is not None:
            yield from _text((*key, "interfaces_extra"), extras.interfaces_extra, _of_interfaces)


def _text(
    key: KeyPath, text: str, wrong: Callable[[str], tuple[str, str] | None]
) -> Iterator[Complaint]:
    lines = [" ".join(line.split()) for line in text.split("\n")]
    if not any(line and line[0] not in "!#" for line in lines):
        yield key, "it holds no statement", "remove it"
    for number, line in enumerate(lines, start=1):
        if _UNPRINTABLE.search(line):
            yield key, f"line {number} holds a control character", "remove that character"
        elif (found := wrong(line)) is not None:
            what, hint = found
            yield key, f"line {number}, `{line}`, {what}", hint


def _of_frr(line: str) -> tuple[str, str] | None:
    if not _LEAVES.fullmatch(line):
        return None
    return (
        "is not a statement of a frr.conf",
        "remove it: write what `show running-config` prints",
    )


def _of_interfaces(line: str) -> tuple[str, str] | None:
    if _TEMPLATE.match(line):
        return (
            "is a line of a Mako template, which ifupdown2 runs on the node",
            "write the stanzas that it makes",
        )
    if _READS_ITSELF.fullmatch(line):
        return (
            "reads what /etc/network/interfaces reads already, this text included",
            "remove it",
        )
    return None


def daemons(fabric: Fabric) -> Iterator[Complaint]:
    """A statement whose daemon does not run would fail on the node."""
    for key, extras in sources(fabric, fabric.groups, fabric.nodes):
        for daemon, statement in needed_daemons(extras.frr_extra or "").items():
            lacking = [name for name in _holders(fabric, key) if not _runs(fabric, name, daemon)]
            if lacking:
                yield (
                    (*key, "frr_extra"),
                    f"`{statement}` needs {daemon}, which does not run on {few(lacking)}",
                    f"add `daemons_extra: {{{daemon}: true}}` beside it",
                )


def needed_daemons(text: str) -> dict[str, str]:
    """The daemons that a text needs, each with its first statement for it."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        word = " ".join(line.split())
        for pattern, daemon in _NEEDS:
            if pattern.fullmatch(word):
                found.setdefault(daemon, word)
    return found


def _holders(fabric: Fabric, key: KeyPath) -> list[str]:
    if not key:
        return list(fabric.nodes)
    if key[0] == "nodes":
        return [str(key[1])]
    return [name for name in fabric.nodes if fabric.groups[str(key[1])].holds(name)]


def _runs(fabric: Fabric, name: str, daemon: str) -> bool:
    node: Extras = fabric.nodes[name]
    kept = extras_of(name, fabric, fabric.groups, node)
    derived = {"bgpd"} if fabric.mode is Mode.EVPN else set[str]()
    if fabric.underlay.routed:
        derived.add(DAEMONS[fabric.underlay.protocol])
    return daemon in derived or (daemon, "yes") in kept.daemons


CHECKS = (groups, texts, daemons)
