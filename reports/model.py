"""The models of report.json, schema "1": the contract that other programs read.

`report.schema.json` beside this file is generated from these models (`jsonfile.schema_text`).
Fields that the contract does not name have a default, so a reader of the contract never needs them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, NonNegativeInt

from drift.model import Evidence, Kind, Severity  # noqa: TC001 - pydantic reads them at run time
from drift.result import Note, Reachability, SkippedCheck, Topology  # noqa: TC001 - likewise

SCHEMA_VERSION: Literal["1"] = "1"

UTC_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"

Source = Literal["live", "snapshot"]
HostStatus = Literal["in-sync", "drift", "incomplete"]
ReportedStatus = Literal["ok", "failed", "missing", "unparsed"]


class Strict(BaseModel):
    """Unknown fields are an error, and nothing changes after creation."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


class ProbeInfo(Strict):
    """How many paths and tunnels `audit --probe` asked for, and from how many nodes."""

    nodes: NonNegativeInt
    paths: NonNegativeInt
    tunnels: NonNegativeInt = Field(description="VTEPs that were also asked by VXLAN")
    answered: NonNegativeInt = Field(description="Those of them that answered by VXLAN")


class RunInfo(Strict):
    """When, by which version, from what an audit was made. Times are UTC, ISO 8601, ending in Z."""

    id: str = Field(min_length=1, description="Unique to this run; sorts by its start")
    started: str = Field(pattern=UTC_TIME)
    finished: str = Field(pattern=UTC_TIME)
    tool_version: str
    inventory: str = Field(description="The inventory folder that the intent came from")
    source: Source = Field(description="`live`: collected in this run; `snapshot`: read from files")
    fabric: str | None = Field(default=None, description="The fabric's name in the intent")
    probe: ProbeInfo | None = Field(default=None, description="Null without `--probe`")


class HostCounts(Strict):
    """How many hosts are in which state; the last three add up to the first."""

    total: NonNegativeInt
    in_sync: NonNegativeInt
    drifted: NonNegativeInt
    incomplete: NonNegativeInt


class FindingCounts(Strict):
    """Root causes by severity; `folded` counts their consequences, which no other number has."""

    critical: NonNegativeInt
    warning: NonNegativeInt
    info: NonNegativeInt
    folded: NonNegativeInt = 0

    @property
    def roots(self) -> int:
        """All root causes."""
        return self.critical + self.warning + self.info


class Summary(Strict):
    """The counts of a report. `checks_*` count distinct checks, not checks times hosts.

    A check that ran on some hosts and was skipped on others counts in both.
    """

    hosts: HostCounts
    findings: FindingCounts
    checks_run: NonNegativeInt
    checks_skipped: NonNegativeInt
    suppressed: NonNegativeInt = Field(default=0, description="Findings in `suppressed`")


class CommandReport(Strict):
    """How one command fared on one host; `entries` is the number of records read from it."""

    status: ReportedStatus
    entries: NonNegativeInt
    error: str | None


class HostReport(Strict):
    """One host: `error` says why it could not be reached or which commands leave it incomplete."""

    status: HostStatus
    error: str | None
    commands: dict[str, CommandReport] = Field(
        description="By slug; a command that this host did not need is not listed",
    )


class FindingReport(Strict):
    """One difference between intent and reality; `id` is the same for a fact in every run."""

    id: str = Field(min_length=1)
    check: str
    severity: Severity
    host: str
    object: str
    kind: Kind
    expected: JsonValue
    actual: JsonValue
    evidence: tuple[Evidence, ...]
    message: str
    caused_by: str | None = Field(description="The id of the finding that this one follows from")
    attribute: str = Field(default="", description="The property that differs; empty for a whole")
    title: str | None = Field(default=None, description="What the check compares, in words")
    first_seen: str | None = Field(
        default=None,
        pattern=UTC_TIME,
        description="The end of the first run that found this and none since found gone; "
        "null without a history",
    )
    vni: int | None = Field(default=None, description="The VNI whose traffic it concerns, if one")


class SuppressionReport(Strict):
    """An entry of suppressions.yaml: what it matches, why, who answers for it, its last day."""

    check: str
    host: str
    object: str
    reason: str
    owner: str
    expires: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")


class SuppressedReport(Strict):
    """A finding that was accepted. It counts nowhere but in `summary.suppressed`."""

    finding: FindingReport
    suppression: SuppressionReport


class TrendPoint(Strict):
    """One earlier run, or this one, in numbers: root causes by severity, and incomplete hosts."""

    finished: str = Field(pattern=UTC_TIME)
    critical: NonNegativeInt
    warning: NonNegativeInt
    info: NonNegativeInt
    incomplete: NonNegativeInt


class GoneFinding(Strict):
    """A finding of the previous run that this run looked for and did not find again."""

    id: str = Field(min_length=1)
    check: str
    host: str
    object: str
    message: str


class PreviousRun(Strict):
    """What changed since the run before this one of the same inventory."""

    run: str = Field(min_length=1, description="The id of the previous run")
    new: tuple[str, ...] = Field(default=(), description="Ids of findings that it did not have")
    gone: tuple[GoneFinding, ...] = ()


class Report(Strict):
    """report.json: everything that an audit found, in the order in which it is shown."""

    schema_: Literal["1"] = Field(alias="schema")
    run: RunInfo
    summary: Summary
    hosts: dict[str, HostReport]
    findings: tuple[FindingReport, ...]
    skipped: tuple[SkippedCheck, ...] = ()
    suppressed: tuple[SuppressedReport, ...] = Field(
        default=(), description="Accepted findings, and what follows from them; not in `findings`"
    )
    notes: tuple[Note, ...] = ()
    trend: tuple[TrendPoint, ...] = Field(
        default=(), description="The latest runs, oldest first, this one last; none: no history"
    )
    previous: PreviousRun | None = Field(default=None, description="Null without a history")
    reachability: Reachability | None = None
    topology: Topology | None = None
