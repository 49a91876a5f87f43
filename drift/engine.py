"""The audit: every plane of every node, then what shows across nodes, then folding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.catalogue import CHECKS, select
from drift.check import ADDRESSES, GROUPS, ROUTES, SUMMARY, UNICAST, VNIS, B, F, L, file_slug
from drift.configuration import FILE_CHECKS, RUNNING_CHECKS, examine_files, examine_running
from drift.crosshost import CROSS_CHECKS, Census
from drift.evpn import (
    EMPTY_CHECKS,
    IMET_CHECKS,
    ORIGINATION_CHECKS,
    examine_imet,
    examine_origination,
    examine_table,
)
from drift.exits import EXIT_CHECKS, examine_routes, routes_in
from drift.findings import NOT_CHOSEN, AuditResult, SkippedCheck
from drift.folding import fold
from drift.forwarding import FDB_CHECKS, FLOOD_CHECKS, examine_flood_lists, examine_macs
from drift.host import (
    GATEWAY_CHECKS,
    UNDERLAY_CHECKS,
    addresses_in,
    examine_gateway_addresses,
    examine_underlay_address,
)
from drift.l3vnis import L3VNI_CHECKS, examine_l3vnis, vnis_in
from drift.links import LINK_CHECKS, examine_links
from drift.mobility import MOBILITY_CHECKS, examine_mobility
from drift.peerings import Sessions
from drift.prefixes import PREFIX_CHECKS, examine_prefixes
from drift.reachability import Reach
from drift.routermacs import ROUTER_MAC_CHECKS, examine_router_macs
from drift.sessions import SESSION_CHECKS, examine_sessions, families_of, peers_of
from drift.settings import SETTING_CHECKS, examine_settings
from drift.view import HostView
from drift.vrrp import VRRP_CHECKS, examine_groups, groups_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from drift.check import Check
    from drift.draft import Draft
    from overlay.expected import FabricIntent
    from overlay.records import HostState


@dataclass(frozen=True, slots=True)
class Plane:
    """One comparison of a node, and the checks that it makes. All of them need the same outputs."""

    examine: Callable[[HostView], Iterator[Draft]]
    checks: frozenset[str]


PLANES = (
    Plane(examine_links, LINK_CHECKS),
    Plane(examine_flood_lists, FLOOD_CHECKS),
    Plane(examine_macs, FDB_CHECKS),
    Plane(examine_router_macs, ROUTER_MAC_CHECKS),
    Plane(examine_table, EMPTY_CHECKS),
    Plane(examine_origination, ORIGINATION_CHECKS),
    Plane(examine_imet, IMET_CHECKS),
    Plane(examine_prefixes, PREFIX_CHECKS),
    Plane(examine_mobility, MOBILITY_CHECKS),
    Plane(examine_sessions, SESSION_CHECKS),
    Plane(examine_l3vnis, L3VNI_CHECKS),
    Plane(examine_gateway_addresses, GATEWAY_CHECKS),
    Plane(examine_underlay_address, UNDERLAY_CHECKS),
    Plane(examine_routes, EXIT_CHECKS),
    Plane(examine_groups, VRRP_CHECKS),
    Plane(examine_settings, SETTING_CHECKS),
    Plane(examine_files, FILE_CHECKS),
    Plane(examine_running, RUNNING_CHECKS),
)

_READERS: dict[str, Callable[[object], object]] = {
    SUMMARY: peers_of,
    VNIS: vnis_in,
    UNICAST: families_of,
    ADDRESSES: addresses_in,
    ROUTES: routes_in,
    GROUPS: groups_in,
}


def audit(
    intent: FabricIntent,
    states: Mapping[str, HostState],
    *,
    rendered: Mapping[str, Mapping[str, str]] | None = None,
    only: Collection[str] | None = None,
    skip: Collection[str] = (),
) -> AuditResult:
    """Compares what was observed with the intent: every difference, in order, folded.

    Looks at the nodes that have both an intent and a state. `rendered` are the managed files of
    each node, by path: without them the checks of configuration are skipped. `only` and `skip`
    name checks of the catalogue by id or glob (UnknownCheckError otherwise). A check that is not
    chosen, or whose outputs a node lacks, is in `skipped` for that node: neither passed nor drift.
    Only what chosen checks found is folded, so no `caused_by` points at a finding that was left
    out: what followed from it is laid at the next cause that was looked for, or is a root.
    """
    chosen = select(only, skip)
    ids = {check.id for check in chosen}
    census, reach, sessions = Census(intent), Reach(intent), Sessions(intent)
    drafts: list[Draft] = []
    skipped: list[SkippedCheck] = []
    run: set[str] = set()
    for name in sorted(states.keys() & intent.nodes.keys()):
        files = rendered.get(name) if rendered is not None else None
        view = HostView(intent, intent.nodes[name], states[name], files)
        usable, lacking = _sort_checks(ids, view)
        run |= usable
        skipped += lacking
        for plane in PLANES:
            if plane.checks & usable:
                drafts += (d for d in plane.examine(view) if d.finding.check in usable)
        census.add(view, usable & CROSS_CHECKS)
        reach.add(view)
        sessions.add(view)
    drafts += census.findings(ids)
    silent = {name for name, state in states.items() if state.error is not None}
    return AuditResult(
        findings=fold(drafts, intent.owner, silent),
        checks_run=tuple(check.id for check in chosen if check.id in run),
        skipped=tuple(skipped),
        reachability=reach.picture(),
        topology=sessions.topology(),
    )


def _sort_checks(chosen: set[str], view: HostView) -> tuple[set[str], list[SkippedCheck]]:
    """The checks that can be made on a node, and those that cannot, with the reason."""
    usable, skipped = set(), []
    gaps: dict[str, str | None] = {}
    for check in CHECKS.values():
        if not check.concerns(view.intent, view.node):
            continue
        if check.id not in chosen:
            skipped.append(SkippedCheck(check.id, view.host, NOT_CHOSEN))
            continue
        slugs = _slugs(check, view)
        for slug in slugs:
            if slug not in gaps:
                gaps[slug] = _gap(slug, view)
        reasons = [reason for slug in slugs if (reason := gaps[slug]) is not None]
        if check.by_render and view.rendered is None:
            reasons.append("the files that it compares with were not rendered")
        if not reasons and check.by_vni and B in slugs and not _names_vnis(view):
            reasons = [f"{B}: this FRR prints no route targets, so its routes name no VNI"]
        if reasons:
            skipped.append(SkippedCheck(check.id, view.host, "; ".join(reasons)))
        else:
            usable.add(check.id)
    return usable, skipped


def _slugs(check: Check, view: HostView) -> tuple[str, ...]:
    """The outputs that a check needs here: of the managed files, those that were rendered."""
    if check.id in FILE_CHECKS and view.rendered is not None:
        return tuple(map(file_slug, view.rendered))
    return check.slugs(view.intent, view.node)


def _gap(slug: str, view: HostView) -> str | None:
    """Why nothing can be concluded from an output, or None when it is there."""
    state = view.state
    if state.error is not None:
        return f"{slug}: not collected, the node did not answer ({state.error})"
    if slug in {L, F, B}:
        present = {L: state.links, F: state.fdb, B: state.evpn}[slug] is not None
    else:
        present = slug in state.json or slug in state.texts
        reader = _READERS.get(slug)
        if present and reader is not None and reader(state.json.get(slug)) is None:
            return f"{slug}: its JSON is not of the expected shape"
    if present:
        return None
    result = state.commands.get(slug)
    if result is None or result.status == "ok":
        return f"{slug}: not collected"
    return f"{slug}: {result.status}" + (f" ({result.error})" if result.error else "")


def _names_vnis(view: HostView) -> bool:
    return view.table_empty or view.routes is None or view.routes.has_targets
