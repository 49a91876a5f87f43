"""Managed files on disk, and FRR's running configuration, against what the intent renders to."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from drift.applies import with_managed_files, with_managed_frr
from drift.causes import Broken
from drift.evidence import lines
from drift.model import WARNING, About, Check
from drift.plane import Plane
from overlay.outputs import (
    DAEMONS_FILE,
    FRR_FILE,
    INTERFACES_FILE,
    RUNNING_CONFIG,
    SYSCTL_FILE,
    file_slug,
    managed_paths,
)
from overlay.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import NodeIntent
    from overlay.host_records import Statement

    Topic = tuple[object, ...]

_SHOWN = 20
# As the catalogue lists them; a node whose underlay is not ours has another interfaces file.
FILES = tuple(map(file_slug, (INTERFACES_FILE, FRR_FILE, DAEMONS_FILE, SYSCTL_FILE)))

_TOPICS = (
    (re.compile(r"(?:no )?neighbor (\S+)"), "neighbor"),
    (re.compile(r"vrrp (\d+)"), "vrrp"),
    (re.compile(r"(?:no )?bgp (router-id) "), "bgp"),
    (
        re.compile(
            r"(advertise-all-vni|default-originate|advertise|dup-addr-detection|rd|route-target)\b"
        ),
        "bgp",
    ),
    (re.compile(r"(?:ip|ipv6) (route) "), "ip"),
    (re.compile(r"(flooding) disable"), "bgp"),
    (re.compile(r"bgp (shutdown)"), "bgp"),
    # What zebra, or a VRF, takes of BGP's routes.
    (re.compile(r"(?:ip|ipv6) (protocol) "), "ip"),
    (re.compile(r"(table-map) "), "ip"),
)
_IGPS = ("router ospf", "router isis", "router openfabric")
_FILTER = re.compile(r"neighbor (\S+) (?:route-map|prefix-list|filter-list) (\S+) (?:in|out)")
_INTO_KERNEL = re.compile(r"(?:(?:ip|ipv6) (protocol) \S+ route-map|(table-map)) (\S+)")
_DEFINED = re.compile(r"(?:route-map|(?:ip |ipv6 )?prefix-list|bgp as-path access-list) (\S+)")
_PROBED = re.compile(r"peer (\S+)")
_VNI = re.compile(r"vni (\d+)")


def files_on(node: NodeIntent) -> tuple[str, ...]:
    """The texts of a node's managed files, whose interfaces lie where its scope says."""
    return tuple(map(file_slug, managed_paths(node)))


def _from_one_topic(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    # What was typed into vtysh shows in two ways: the statement that differs, and what it breaks.
    # The latter says more, so it is the root; but only where all that differs is about one thing.
    if len(raw.about.differing) == 1:
        host = raw.finding.host
        for topic in raw.about.differing:
            yield Broken.CONFIG, host, topic
            if topic[0] == "neighbor":
                address = str(topic[1])
                yield Broken.TYPED, *sorted((host, owner.get(address, address)))


CONFIG_FILE = Check(
    "config-file",
    WARNING,
    "managed file edited",
    "Each managed file on disk is what the intent renders to, byte for byte.",
    "The next reload or reboot brings up something else than the intent.",
    FILES,
    by_render=True,
    applies=with_managed_files,
    confirm="python run.py plan --limit node1",
    remedy="`deploy` puts the rendered file back. What was edited for good belongs into "
    "fabric.yaml.",
    needs_on=files_on,
)

CONFIG_RUNNING = Check(
    "config-running",
    WARNING,
    "FRR's running configuration differs",
    "FRR runs the statements of the rendered frr.conf and no others, whatever their order.",
    "What was typed into vtysh is lost at the next restart, and until then is not intended.",
    (RUNNING_CONFIG,),
    by_render=True,
    applies=with_managed_frr,
    confirm="/usr/lib/frr/frr-reload.py --test /etc/frr/frr.conf",
    remedy="`/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf` takes it back, if that "
    "file is as rendered (`plan` is empty). What should stay belongs into fabric.yaml.",
    follows=_from_one_topic,
)


def examine_files(view: HostView) -> Iterator[RawFinding]:
    """Each managed file, byte for byte. One that is not there was collected as an empty text."""
    for path, wanted in view.rendered.files.items() if view.rendered else ():
        slug = file_slug(path)
        found = view.state.files[slug]
        if found == wanted:
            continue
        differing = _differing_lines(wanted, found)
        yield CONFIG_FILE.found(
            view.host,
            path,
            "changed" if found else "missing",
            "as rendered",
            _counted(differing) if found else None,
            attribute="content" if found else "",
            what="content",
            evidence=lines(slug, map(redact, differing), limit=_SHOWN) if found else (),
            about=About(),
        )


def _differing_lines(wanted: str, found: str) -> list[str]:
    diff = difflib.unified_diff(wanted.splitlines(), found.splitlines(), n=0, lineterm="")
    return [line for line in list(diff)[2:] if not line.startswith("@@")]


def _counted(differing: list[str]) -> str:
    more = sum(1 for line in differing if line.startswith("+"))
    if not differing:
        return "other line ends"
    return f"{more} lines more, {len(differing) - more} fewer"


def examine_running(view: HostView) -> Iterator[RawFinding]:
    """FRR's statements against those of the rendered frr.conf: one finding for all of them."""
    wanted: frozenset[Statement] = view.rendered.frr if view.rendered else frozenset()
    found = view.state.running_config or frozenset()
    missing, extra = missing_from(wanted, found), missing_from(found, wanted)
    if not missing and not extra:
        return
    topics = topics_of(missing, found) | topics_of(extra, wanted)
    yield CONFIG_RUNNING.found(
        view.host,
        "frr",
        "changed",
        _bounded(missing),
        _bounded(extra),
        attribute="running configuration",
        evidence=lines(
            RUNNING_CONFIG, [redact(statement[-1]) for statement in extra], limit=_SHOWN
        ),
        about=About(differing=frozenset(topics)),
    )


def _bounded(differing: list[Statement]) -> list[str]:
    shown = [redact(" / ".join(statement)) for statement in differing[:_SHOWN]]
    more = len(differing) - len(shown)
    return [*shown, f"… and {more} more"] if more else shown


def missing_from(wanted: Collection[Statement], found: Collection[Statement]) -> list[Statement]:
    """The wanted statements that are not there; a block counts as there when anything is in it."""
    blocks = {statement[:depth] for statement in found for depth in range(1, len(statement))}
    return sorted(set(wanted) - set(found) - blocks)


def topics_of(
    differing: Collection[Statement], elsewhere: Collection[Statement]
) -> frozenset[Topic]:
    """What differing statements are about; a filter is about those that it is used for."""
    filters: dict[str, set[Topic]] = {}
    for statement in differing:
        used = _FILTER.fullmatch(statement[-1])
        if used is not None:
            filters.setdefault(used[2], set()).add(("neighbor", used[1]))
        elif (kept := _INTO_KERNEL.fullmatch(statement[-1])) is not None:
            filters.setdefault(kept[3], set()).add(("ip", kept[1] or kept[2]))
    topics: set[Topic] = set()
    for statement in differing:
        defined = _DEFINED.match(statement[0])
        users = filters.get(defined[1], set()) if defined else set()
        topics |= users or {topic_of(statement, elsewhere)}
    return frozenset(topics)


def topic_of(statement: Statement, elsewhere: Collection[Statement]) -> Topic:
    """What a differing statement is about; a whole BGP instance that `elsewhere` lacks is one."""
    block, word = statement[0], statement[-1]
    # The main instance counts: FRR makes that of a VRF by itself, and what is typed there is news.
    main = block.partition(" vrf ")[0]
    if main.startswith("router bgp ") and all(other[0] != main for other in elsewhere):
        return ("instance",)
    for part in statement[1:]:
        vni = _VNI.fullmatch(part)
        if vni is not None:
            return ("vni", int(vni[1]))
        probed = _PROBED.match(part) if block == "bfd" else None
        if probed is not None:
            return ("bfd", probed[1])
    for pattern, name in _TOPICS:
        match = pattern.match(word)
        if match is not None:
            return (name, match[1])
    if block.startswith("interface "):
        return ("interface", block.removeprefix("interface "))
    if block.startswith(_IGPS):
        return ("igp",)
    return ("other", *statement)


FILES_ON_DISK = Plane(examine_files, (CONFIG_FILE,))
RUNNING = Plane(examine_running, (CONFIG_RUNNING,))
