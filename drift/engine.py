"""The audit: every plane of every node, then what shows across nodes, then folding.

`examine` looks at one node, in whatever process, and `conclude` at what was kept of all of them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from drift.catalogue import ACROSS, CHECKS, PLANES, select
from drift.facts.examined import Compared, Examined, Gathered, outline
from drift.facts.shared import Shared
from drift.fleet.peerings import Sessions, heard
from drift.fleet.reachability import Reach, reached
from drift.folding import fold
from drift.model import RawFinding, Severity
from drift.result import NOT_CHOSEN, AuditResult, Note, SkippedCheck
from drift.view import HostView
from overlay.outputs import EVPN_TABLE, PROBE
from overlay.problems import few

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from overlay.expected import FabricIntent, RenderedNode
    from overlay.records import HostState

_SHOWN_WORDS = 5


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
    chosen = chosen_ids(only, skip)
    gathered, shared = Gathered(), Shared()
    for name, state in states.items():
        files = rendered.get(name) if rendered is not None else None
        gathered.add(examine(intent, state, files, chosen, shared))
    return conclude(intent, gathered, chosen)


def chosen_ids(only: Collection[str] | None, skip: Collection[str]) -> frozenset[str]:
    """The ids of the chosen checks; see `audit`."""
    return frozenset(check.id for check in select(only, skip))


def examine(
    intent: FabricIntent,
    state: HostState,
    rendered: RenderedNode | None,
    chosen: frozenset[str],
    shared: Shared,
) -> Examined:
    """The map: one node compared with its own intent, and the facts for what is judged across.

    `shared` is the process's own, the same for all nodes that it examines.
    """
    node = intent.nodes.get(state.host)
    if node is None:
        return Examined(outline(state), None)
    view = HostView(intent, node, state, rendered)
    usable, skipped = _sort_checks(chosen, view)
    found = tuple(
        (one.finding, one.about)
        for plane in PLANES
        if any(check.id in usable for check in plane.checks)
        for one in plane.examine(view)
        if one.check.id in usable
    )
    facts = {part.check.id: part.facts(view, shared) for part in ACROSS if part.check.id in usable}
    compared = Compared(frozenset(usable), tuple(skipped), found, facts, reached(view), heard(view))
    return Examined(outline(state), compared, shared.news())


def conclude(intent: FabricIntent, gathered: Gathered, chosen: frozenset[str]) -> AuditResult:
    """The reduce: what shows across the nodes that were examined, all of it folded."""
    reach, sessions = Reach(intent), Sessions(intent)
    named = gathered.named
    across = [(part.check.id, part.gather(intent, named)) for part in ACROSS]
    raw: list[RawFinding] = []
    skipped: list[SkippedCheck] = []
    run: set[str] = set()
    # In one order, whoever was examined first: which node stands for a group hangs on it.
    for name, node in gathered.nodes.items():
        compared = node.compared
        if compared is None:
            continue
        run |= compared.usable
        skipped += compared.skipped
        raw += (RawFinding(CHECKS[one.check], one, about) for one, about in compared.found)
        for check, gathering in across:
            if check in compared.facts:
                gathering.add(name, compared.facts[check])
        reach.add(name, compared.reached)
        sessions.add(name, compared.heard)
    raw += (one for _, gathering in across for one in gathering.findings())
    outlines = gathered.outlines
    silent = {name for name, state in outlines.items() if state.error is not None}
    return AuditResult(
        findings=fold(raw, intent.owner, silent, intent.systems),
        checks_run=tuple(check for check in CHECKS if check in run and check in chosen),
        skipped=tuple(skipped),
        notes=tuple(_unknown_words(outlines)),
        reachability=reach.picture(),
        topology=sessions.topology(),
    )


def _sort_checks(chosen: frozenset[str], view: HostView) -> tuple[set[str], list[SkippedCheck]]:
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


def _unknown_words(states: Mapping[str, HostState]) -> Iterator[Note]:
    """One note for each output with words or lines that no parser knows; nothing follows."""
    words: dict[str, dict[str, None]] = defaultdict(dict)
    hosts: dict[str, list[str]] = defaultdict(list)
    for name in sorted(states):
        for slug, result in states[name].commands.items():
            if result.unknown:
                words[slug] |= dict.fromkeys(result.unknown)
                hosts[slug].append(name)
    for slug in sorted(words):
        shown = list(words[slug])
        more = f" and {len(shown) - _SHOWN_WORDS} more" if len(shown) > _SHOWN_WORDS else ""
        yield Note(
            Severity.INFO,
            f"{slug} of {few(hosts[slug])}: not understood, so kept as printed and nothing "
            f"concluded from it: {'; '.join(shown[:_SHOWN_WORDS])}{more}. Every entry was counted, "
            "and the rest was audited. Please report it with the versions of FRR and iproute2",
        )
