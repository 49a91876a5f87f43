"""`lint` and `import hosts`: hosts whose files were written by hand."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from adopt.difference import comments_lost, difference
from adopt.hostfiles import read_hosts
from adopt.infer import infer
from adopt.inventory_text import inventory_files, kept_files, report, with_kept
from adopt.kept.frr import kept_frr_of
from adopt.kept.interfaces import kept_of
from adopt.lint import lint as find_faults
from app.exit_codes import ExitCode
from app.hand_written import find_files, refuse_elsewhere
from app.host_folders import REPORT, reaching, refuse_inventory, write_inventory
from overlay.derive import derive
from overlay.errors import IntentError
from overlay.intent import Fabric
from overlay.loading import FABRIC_FILE, load_inventory
from reports.text import counted, visible
from tasks.render import render_all
from tasks.ssh.fleet import open_fleet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from adopt.difference import Statement
    from adopt.infer import Inferred
    from adopt.kept.interfaces import Kept
    from adopt.lint import Finding
    from app.context import Context
    from app.hand_written import Source
    from overlay.expected import FabricIntent
    from overlay.loading import Inventory
    from tasks.ssh.fleet import Fleet


def lint(context: Context, source: Source, *, strict: bool, as_json: bool) -> ExitCode:
    """Says what is wrong with hosts' files, laid as `render` lays them or as they lie there."""
    hosts = read_hosts(find_files(context, source).texts)
    found = find_faults(hosts, strict=strict)
    if as_json:
        print(json.dumps([_plain(finding) for finding in found], indent=1))
    else:
        place = f"{source.folder}/" if source.folder else ""
        for finding in found:
            context.out.print(visible(f"{place}{finding}"), markup=False, soft_wrap=True)
    context.say(
        f"{counted(len(hosts), 'host')}: {counted(len(found), 'fault')}"
        + ("" if found else ", nothing to correct")
    )
    return ExitCode.DRIFT if found else ExitCode.OK


def _plain(finding: Finding) -> dict[str, object]:
    return asdict(finding) | {"level": finding.level.value, "also": list(finding.also)}


def import_hosts(
    context: Context, source: Source, output: Path, name: str | None, *, observe: bool = False
) -> None:
    """Writes the inventory that hosts' files were written for, and `import.md`.

    What their files hold beside it goes into files of `kept/` and settings, which it names. With
    `observe` nothing is written to the hosts until `scope:` says otherwise. Raises IntentError
    where the files say too little, or contradict each other.
    """
    refuse_inventory(output)
    refuse_elsewhere(context, source, output)
    found = find_files(context, source)
    hosts = read_hosts(found.texts)
    inferred = infer(hosts, name or output.resolve().name, observe=observe)
    files = inventory_files(inferred, found.reach)
    if found.inventory is not None:  # it says itself how its hosts are reached
        files = {FABRIC_FILE: files[FABRIC_FILE]} | reaching(found.inventory)
    write_inventory(output, files)
    remedy = f"`{found.lint}` says what is wrong with the files; correct them"
    load_imported(output, remedy)
    lost: dict[str, list[Statement]] = {}
    added: dict[str, list[Statement]] = {}
    comments: dict[str, list[Statement]] = {}
    with open_fleet(output, workers=1) as fleet:
        kept = _kept(fleet, inferred, found.texts)
        inferred = with_kept(inferred, kept)
        if any(it.keys(host) for host, it in kept.items()):
            files = {FABRIC_FILE: inventory_files(inferred, found.reach)[FABRIC_FILE]}
            write_inventory(output, files | kept_files(kept))
            load_imported(output, remedy)
        for host, rendered in render_all(fleet, _managed(inferred)):
            lost[host], added[host] = difference(host, found.texts[host], rendered)
            comments[host] = comments_lost(found.texts[host], rendered)
    faults = find_faults(hosts)
    write_inventory(output, {REPORT: report(inferred, faults, kept, lost, added, comments)})
    tell(context, output, inferred)
    for count, noun, what in (
        (len(faults), "fault", "of the files themselves (`lint` lists them)"),
        (len(inferred.remarks), "remark", "where hosts differ, or the intent says less"),
        (len(inferred.unread), "line", "not understood"),
        (sum(len(it.devices) for it in kept.values()), "device", "kept beside it, as found"),
        (
            sum(it.frr.size for it in kept.values()),
            "statement",
            "of FRR and the kernel kept, as found",
        ),
        (sum(map(len, lost.values())), "statement", "that the intent does not say"),
        (sum(map(len, added.values())), "statement", "that a deployment adds"),
    ):
        context.out.print(
            f"{count:5} {counted(count, noun).partition(' ')[2]} {what}", markup=False
        )
    context.say(f"{output / REPORT} lists them; next: run.py --inventory {output} audit")


def _managed(inferred: Inferred) -> FabricIntent:
    """What is derived for hosts that are managed, also where they are only observed yet."""
    return derive(Fabric.model_validate(inferred.managed))


def _kept(
    fleet: Fleet, inferred: Inferred, texts: Mapping[str, Mapping[str, str]]
) -> dict[str, Kept]:
    """What each host's files hold that the intent does not derive."""
    intent = _managed(inferred)
    return {
        host: replace(
            kept_of(host, texts[host], rendered, intent.fabric.overlay.guest_ports),
            frr=kept_frr_of(host, texts[host], rendered),
        )
        for host, rendered in render_all(fleet, intent)
    }


def load_imported(output: Path, remedy: str) -> Inventory:
    """The inventory that was written. Raises IntentError that says what to do about it."""
    try:
        return load_inventory(output)
    except IntentError as error:
        raise IntentError(
            f"{output}: the intent that was inferred does not hold together",
            f"{remedy}, remove {output / FABRIC_FILE} and import again",
            error.problems,
        ) from None


def tell(context: Context, output: Path, inferred: Inferred) -> None:
    """Says what was written, and each remark."""
    fabric = inferred.fabric
    text = (
        f"{output}: {counted(len(fabric['nodes']), 'node')}, "
        f"{counted(len(fabric['networks']), 'network')}, mode {fabric['mode']}, "
        f"routing {fabric['routing']}"
    )
    for line in (text, *map(str, inferred.remarks)):
        context.out.print(visible(line), markup=False, soft_wrap=True)
