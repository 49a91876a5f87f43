"""The result of an audit: findings, what was not checked, and the fabric as it was observed.

`SkippedCheck`, `Note` and the pictures of the fabric stand in report.json as they are here: a field
more or less changes its schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from drift.model import Severity  # noqa: TC001 - report.json's models read it at run time

if TYPE_CHECKING:
    from drift.model import Finding
    from overlay.suppressions import Suppression

ReachState = Literal[
    "flood-missing", "imet-missing", "both-missing", "flood-extra", "imet-extra", "both-extra"
]
PeeringKind = Literal["full-mesh", "reflector", "upstream", "static"]
LinkState = Literal["up", "down", "unknown"]
SpeakerRole = Literal["vtep", "reflector", "spine", "router", "external"]

NOT_CHOSEN: Final = "left out by choice"
"""The reason of a check that this audit was told not to make."""


@dataclass(frozen=True, slots=True)
class SkippedCheck:
    """A check that was not made on a host, and why: an output was not collected, or NOT_CHOSEN."""

    check: str
    host: str
    reason: str


@dataclass(frozen=True, slots=True)
class SuppressedFinding:
    """A finding that somebody has accepted, itself or with the finding that it follows from."""

    finding: Finding
    by: Suppression


@dataclass(frozen=True, slots=True)
class Note:
    """Something that needs attention but is not drift.

    A suppression that expired or matches nothing, a word that no parser knows.
    """

    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class Segment:
    """VNIs that the same nodes carry."""

    vnis: tuple[int, ...]
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unlike:
    """What `node` has otherwise than intended in one VNI; `vteps` None: of every other VTEP.

    A VTEP is named by its node, one that no node owns by its address.
    """

    vni: int
    node: str
    state: ReachState
    vteps: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Reachability:
    """The picture of a fabric: who should be with whom, where that is not so, what is not known.

    Nothing may be concluded about the rows of the nodes in `flood_unread` and `imet_unread`.
    `imet` is false where VTEPs are not learned from routes (multicast, unicast).
    """

    imet: bool
    segments: tuple[Segment, ...]
    flood_unread: tuple[str, ...]
    imet_unread: tuple[str, ...]
    unlike: tuple[Unlike, ...]


@dataclass(frozen=True, slots=True)
class Speaker:
    """One node of the intent and what it is; `exit` says that it routes to the outside."""

    name: str
    role: SpeakerRole
    exit: bool


@dataclass(frozen=True, slots=True)
class Down:
    """A session that `node` does not see Established; `peer` None: none of its sessions is.

    `state` is FRR's word, None where the peer is not listed at all or the states differ.
    """

    node: str
    peer: str | None
    state: str | None


@dataclass(frozen=True, slots=True)
class Peering:
    """Sessions of one kind: each hub with each node; in a full mesh each node with each other.

    `static` are default routes to a router, named by its address when it is not ours: there is
    no session. `unread` are those whose sessions were not read: the other end may know.
    """

    kind: PeeringKind
    hubs: tuple[str, ...]
    nodes: tuple[str, ...]
    down: tuple[Down, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the underlay; `said` is FRR's word for an adjacency that is not complete."""

    one: str
    two: str
    state: LinkState
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Underlay:
    """The links of an underlay that the nodes route, of which the intent names both ends."""

    protocol: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Topology:
    """The nodes of a fabric and how they are joined; `underlay` None: nothing of ours routes it."""

    nodes: tuple[Speaker, ...]
    peerings: tuple[Peering, ...]
    underlay: Underlay | None = None


@dataclass(frozen=True, slots=True)
class AuditResult:
    """All findings in their order, folded (`caused_by` set), and what was and was not checked.

    What is `suppressed` is not among the findings; a `caused_by` may point from either to either.
    `reachability` and `topology` are pictures of the fabric as it was observed.
    """

    findings: tuple[Finding, ...]
    checks_run: tuple[str, ...]
    skipped: tuple[SkippedCheck, ...] = ()
    suppressed: tuple[SuppressedFinding, ...] = ()
    notes: tuple[Note, ...] = ()
    reachability: Reachability | None = None
    topology: Topology | None = None
