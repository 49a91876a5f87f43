"""The records of an audit: checks, and what they find (`drift.result` is the whole of it)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from overlay.expected import FabricIntent, NodeIntent

    Applies = Callable[[FabricIntent, NodeIntent], bool]
    NeedsOn = Callable[[NodeIntent], tuple[str, ...]]
    Owner = Mapping[str, str]
    Causes = Callable[["RawFinding", Owner], Iterator["Cause"]]

Kind = Literal["missing", "extra", "changed"]
Cause = tuple[object, ...]
"""Something broken that others may follow from, such as `(Broken.VNI, "node1", 2)`."""
Group = tuple[object, ...]

_WORD_LIMIT = 200


class Severity(StrEnum):
    """How much a finding matters; `critical` means that traffic is or will be lost."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the gravest: the order in which findings are shown."""
        return list(Severity).index(self)


CRITICAL = Severity.CRITICAL
WARNING = Severity.WARNING


class Depth(IntEnum):
    """Of two findings that explain the same, the deeper one (lower number) is the cause.

    The numbers between are for the order within a layer: `Depth.DEVICE + 1`.
    """

    CARRIER = 0
    DEVICE = 10
    PLACE = 20
    ADDRESS = 30
    PROTOCOL = 40
    SESSION = 50
    ROUTE = 60
    SYMPTOM = 99


class Pairwise(IntEnum):
    """Silence between two nodes, seen from the far end: what says most about it comes first.

    A path that only small packets get through is none: NARROW ones are laid at a node of their own.
    """

    PATH = 0
    SESSION = 1
    ROUTE = 2
    PROBE = 3
    NARROW = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """The very lines of the node that a finding rests on; `command` is a snapshot slug."""

    command: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference between intent and reality on one host.

    `object` names what differs (`vxlan2`, `VNI 2 VTEP 192.168.0.2`), `attribute` which property of
    it (empty for a whole object), `caused_by` the id of the finding that this one follows from,
    `vni` the VNI whose traffic it concerns, if it is one. Where `caused_by` names the same fault on
    another node (`drift.alike`), `own_root` is the id of the node's own: its own id for the fault
    itself.
    """

    check: str
    severity: Severity
    host: str
    object: str
    kind: Kind
    expected: Any
    actual: Any
    message: str
    attribute: str = ""
    evidence: tuple[Evidence, ...] = field(default=())
    caused_by: str | None = None
    vni: int | None = None
    own_root: str | None = None

    @property
    def id(self) -> str:
        """The same for the same fact in every run: values seen take no part in it."""
        fact = f"{self.check}\0{self.host}\0{self.object}\0{self.attribute}\0{self.kind}"
        return sha256(fact.encode("utf-8", "backslashreplace")).hexdigest()[:16]

    @property
    def order(self) -> tuple[int, str, str, str, str, str]:
        """Sort key: gravest first, then by host, check and object."""
        return (
            self.severity.rank,
            self.host,
            self.check,
            self.object,
            self.attribute,
            self.kind,
        )


@dataclass(frozen=True, slots=True)
class About:
    """The subject of a finding, for folding; all but what applies stays empty.

    `device` is an interface of the host itself, `bridge` the bridge that it should be a port of,
    `below` the device that it is a VLAN of, itself where VLANs are on it, `vni` and `vrf` whose
    traffic is concerned, `vnis` those of which it is not certain which one is, `foreign` those that
    the traffic lands in instead. `peer` is the address of another node, `mac` a guest's or a
    router's MAC, `address` a guest's IP address, `router_id` the one that an RD is made of.
    `underlay` says that the host's way to all others is concerned, `alone` that it has no iBGP
    session left, `by_hand` that a session was shut or is not configured. `topics` are the parts of
    FRR's configuration that it is about (`frrconfig.topic_of`), `differing` those that differ from
    the rendered ones. Findings of one `group` state one fact.
    """

    device: str = ""
    bridge: str = ""
    below: str = ""
    vni: int | None = None
    vnis: frozenset[int] = frozenset()
    foreign: frozenset[int] = frozenset()
    vrf: str | None = None
    peer: str | None = None
    mac: str | None = None
    address: str | None = None
    router_id: str | None = None
    underlay: bool = False
    alone: bool = False
    by_hand: bool = False
    topics: frozenset[Cause] = frozenset()
    differing: frozenset[Cause] = frozenset()
    group: Group | None = None


@dataclass(frozen=True, slots=True)
class RawFinding:
    """A finding with its check and its subject, before folding has settled its `caused_by`."""

    check: Check
    finding: Finding
    about: About


def anywhere(_intent: FabricIntent, _node: NodeIntent) -> bool:
    """Applies on every node."""
    return True


def nothing(_raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    """Explains nothing, or follows from nothing."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Check:
    """One check, with all that is known of it.

    Words: `compares` is what it does in one sentence, `why` what its drift breaks, `confirm` a
    shell command that shows the same by hand, `remedy` what to do about it (commands in
    backticks); both name the things of an example (`drift.reference.EXAMPLE`).

    `needs` are snapshot slugs (`overlay.outputs`); `needs_in_evpn` those needed besides in evpn
    mode, and `needs_on` says otherwise by node; `reads` are collected for it, too, but it can do
    without. With `by_vni` it sorts routes by the VNI in their route targets, with `by_render` it
    compares with the rendered files. `applies` says on which nodes of which fabric it has anything
    to compare: elsewhere it is neither run nor skipped.

    Folding: `explains` yields what a finding of it breaks, `follows` what it may follow from, the
    likeliest first; `depth` decides between two causes; `pairwise` marks silence between two nodes.

    With `by_probe` it is made only in an audit with `--probe`, and elsewhere not even skipped.

    `with_others` says that it also hangs on other nodes, which may be deployed later; `transient`
    that a guest that migrates may cause it for a moment.
    """

    id: str
    severity: Severity
    title: str
    compares: str
    why: str
    needs: tuple[str, ...]
    needs_in_evpn: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    by_vni: bool = False
    by_render: bool = False
    by_probe: bool = False
    needs_on: NeedsOn | None = None
    applies: Applies = anywhere
    confirm: str = field(kw_only=True)
    remedy: str = field(kw_only=True)
    explains: Causes = field(default=nothing, kw_only=True)
    follows: Causes = field(default=nothing, kw_only=True)
    depth: int = field(default=Depth.SYMPTOM, kw_only=True)
    pairwise: Pairwise | None = field(default=None, kw_only=True)
    with_others: bool = field(default=False, kw_only=True)
    transient: bool = field(default=False, kw_only=True)

    def slugs(self, intent: FabricIntent, node: NodeIntent) -> tuple[str, ...]:
        """The outputs that it needs on this node."""
        if self.needs_on is not None:
            return self.needs_on(node)
        return self.needs + self.needs_in_evpn if intent.evpn else self.needs

    def found(  # noqa: PLR0913 - a finding has that many parts
        self,
        host: str,
        subject: str,
        kind: Kind,
        expected: object,
        actual: object,
        *,
        attribute: str = "",
        what: str = "",
        evidence: Iterable[Evidence] = (),
        severity: Severity | None = None,
        about: About,
    ) -> RawFinding:
        """A finding on `subject`; `what` is the message's word for it (default: `attribute`).

        `severity` is the check's own if it is not given.

        Values must be JSON-able; lists, tuples and sets of words become sorted lists.
        """
        wanted, seen = _plain(expected), _plain(actual)
        message = f"{subject}: {what or attribute} - Expected: {word(wanted)} Actual: {word(seen)}"
        finding = Finding(
            check=self.id,
            severity=severity or self.severity,
            host=host,
            object=subject,
            kind=kind,
            expected=wanted,
            actual=seen,
            message=message,
            attribute=attribute,
            evidence=tuple(evidence),
            vni=about.vni,
        )
        return RawFinding(self, finding, about)


def word(value: object) -> str:
    """A value as messages say it: on/off, lists joined, nothing as `absent`; bounded in length."""
    if value is None or value == []:
        return "absent"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = ", ".join(map(word, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _WORD_LIMIT else text[: _WORD_LIMIT - 1] + "…"


def _plain(value: object) -> object:
    if isinstance(value, list | tuple | set | frozenset):
        return sorted(value, key=str)
    return value
