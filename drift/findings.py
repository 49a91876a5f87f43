"""What the comparison says: findings, their severity, their evidence, and a stable fingerprint."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from drift.peerings import Topology
    from drift.reachability import Reachability
    from overlay.suppressions import Suppression

Kind = Literal["missing", "extra", "changed"]


class Severity(StrEnum):
    """How much a finding matters; `critical` means that traffic is or will be lost."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the gravest: the order in which findings are shown."""
        return list(Severity).index(self)


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
    `vni` the VNI whose traffic it concerns, if it is one.
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
    """Something to look after that is no drift: a suppression that expired, or matches nothing."""

    severity: Severity
    message: str


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
