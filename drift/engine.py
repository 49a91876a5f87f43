"""The audit: every plane of every node, then what shows across nodes, then folding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift import unknown_words
from drift.catalogue import ACROSS, CHECKS, PLANES, select
from drift.fleet.peerings import Sessions
from drift.fleet.reachability import Reach
from drift.folding import fold
from drift.result import NOT_CHOSEN, AuditResult, SkippedCheck
from drift.view import HostView
from overlay.outputs import EVPN_TABLE, PROBE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from drift.model import RawFinding
    from overlay.expected import FabricIntent, RenderedNode
    from overlay.records import HostState


def audit(
    intent: FabricIntent,
    states: Mapping[str, HostState],
    *,
    rendered: Mapping[str, RenderedNode] | None = None,
    only: Collection[str] | None = None,
    skip: Collection[str] = (),
) -> AuditResult:
    """Compares what was observed with the intent: every difference, in order, folded.

    Looks at the nodes that have both an intent and a state. `rendered` are the managed files of
    each node: without them the checks of configuration are skipped. `only` and `skip`
    name checks of the catalogue by id or glob (UnknownCheckError otherwise). A check that is not
    chosen, or whose outputs a node lacks, is in `skipped` for that node: neither passed nor drift.
    Only what chosen checks found is folded, so no `caused_by` points at a finding that was left
    out: what followed from it is laid at the next cause that was looked for, or is a root.
    """
    chosen = select(only, skip)
    ids = {check.id for check in chosen}
    reach, sessions = Reach(intent), Sessions(intent)
    gatherings = [(part.check.id, part.gather(intent)) for part in ACROSS if part.check.id in ids]
    raw: list[RawFinding] = []
    skipped: list[SkippedCheck] = []
    run: set[str] = set()
    for name in sorted(states.keys() & intent.nodes.keys()):
        files = rendered.get(name) if rendered is not None else None
        view = HostView(intent, intent.nodes[name], states[name], files)
        usable, lacking = _sort_checks(ids, view)
        run |= usable
        skipped += lacking
        for plane in PLANES:
            if any(check.id in usable for check in plane.checks):
                raw += (one for one in plane.examine(view) if one.check.id in usable)
        for check, gathering in gatherings:
            if check in usable:
                gathering.add(view)
        reach.add(view)
        sessions.add(view)
    raw += (one for _, gathering in gatherings for one in gathering.findings())
    silent = {name for name, state in states.items() if state.error is not None}
    return AuditResult(
        findings=fold(raw, intent.owner, silent),
        checks_run=tuple(check.id for check in chosen if check.id in run),
        skipped=tuple(skipped),
        notes=tuple(unknown_words.notes(states)),
        reachability=reach.picture(),
        topology=sessions.topology(),
    )


def _sort_checks(chosen: set[str], view: HostView) -> tuple[set[str], list[SkippedCheck]]:
    """The checks that can be made on a node, and those that cannot, with the reason."""
    usable, skipped = set(), []
    gaps: dict[str, str | None] = {}
    for check in CHECKS.values():
        if check.by_probe and PROBE not in view.state.commands:
            continue  # nobody asked for it
        if not check.applies(view.intent, view.node):
            continue
        if check.id not in chosen:
            skipped.append(SkippedCheck(check.id, view.host, NOT_CHOSEN))
            continue
        slugs = check.slugs(view.intent, view.node)
        for slug in slugs:
            if slug not in gaps:
                gaps[slug] = _gap(slug, view)
        reasons = [reason for slug in slugs if (reason := gaps[slug]) is not None]
        if check.by_render and view.rendered is None:
            reasons.append("the files that it compares with were not rendered")
        if not reasons and check.by_vni and EVPN_TABLE in slugs and not _names_vnis(view):
            reasons = [f"{EVPN_TABLE}: this FRR prints no route targets, so its routes name no VNI"]
        if reasons:
            skipped.append(SkippedCheck(check.id, view.host, "; ".join(reasons)))
        else:
            usable.add(check.id)
    return usable, skipped


def _gap(slug: str, view: HostView) -> str | None:
    """Why nothing can be concluded from an output, or None when it is there."""
    state = view.state
    if state.error is not None:
        return f"{slug}: not collected, the node did not answer ({state.error})"
    result = state.commands.get(slug)
    if result is None:
        return f"{slug}: not collected"
    if result.status == "ok":
        return None
    return f"{slug}: {result.status}" + (f" ({result.error})" if result.error else "")


def _names_vnis(view: HostView) -> bool:
    return view.table_empty or view.routes is None or view.routes.has_targets
