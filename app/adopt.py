"""`lint` and `import`: hosts whose files were written by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from adopt.difference import difference
from adopt.hostfiles import INTERFACES, read_host, read_hosts
from adopt.infer import infer
from adopt.inventory_text import inventory_files, remarks_report, report
from adopt.lint import lint as find_faults
from adopt.proxmox import RUNNING, infer_proxmox
from app.exit_codes import ExitCode
from app.host_folders import REPORT, read_folder, read_pve, refuse_inventory, write_inventory
from overlay.errors import IntentError
from overlay.loading import FABRIC_FILE, load_inventory
from reports.text import counted, visible
from tasks.render import render_all
from tasks.ssh.fleet import open_fleet

if TYPE_CHECKING:
    from pathlib import Path

    from adopt.difference import Statement
    from adopt.infer import Inferred
    from adopt.lint import Finding
    from app.context import Context
    from overlay.loading import Inventory


def lint(context: Context, folder: Path, *, strict: bool, as_json: bool) -> ExitCode:
    """Says what is wrong with the files below `folder`, laid as `render` lays them."""
    hosts = read_hosts(read_folder(folder))
    found = find_faults(hosts, strict=strict)
    if as_json:
        print(json.dumps([_plain(finding) for finding in found], indent=1))
    else:
        for finding in found:
            context.out.print(visible(f"{folder}/{finding}"), markup=False, soft_wrap=True)
    context.say(
        f"{counted(len(hosts), 'host')}: {counted(len(found), 'fault')}"
        + ("" if found else ", nothing to correct")
    )
    return ExitCode.DRIFT if found else ExitCode.OK


def _plain(finding: Finding) -> dict[str, object]:
    return asdict(finding) | {"level": finding.level.value, "also": list(finding.also)}


def import_hosts(context: Context, folder: Path, output: Path, name: str | None) -> None:
    """Writes the inventory that the files below `folder` were written for, and `import.md`.

    Raises IntentError where the files say too little, or contradict each other.
    """
    texts = read_folder(folder)
    refuse_inventory(output)
    hosts = read_hosts(texts)
    inferred = infer(hosts, name or output.resolve().name)
    write_inventory(output, inventory_files(inferred))
    inventory = _load(output, folder)
    lost: dict[str, list[Statement]] = {}
    added: dict[str, list[Statement]] = {}
    with open_fleet(output, workers=1) as fleet:
        for host, rendered in render_all(fleet, inventory.intent):
            lost[host], added[host] = difference(host, texts[host], rendered)
    faults = find_faults(hosts)
    write_inventory(output, {REPORT: report(inferred, faults, lost, added)})
    _tell(context, output, inferred)
    for count, what in (
        (len(faults), "faults of the files themselves (`lint` lists them)"),
        (len(inferred.remarks), "remarks: hosts differ, or the intent says less"),
        (len(inferred.unread), "lines not understood"),
        (sum(map(len, lost.values())), "statements that the intent does not say"),
        (sum(map(len, added.values())), "statements that a deployment adds"),
    ):
        context.out.print(f"{count:6} {what}", markup=False)
    context.say(f"{output / REPORT} lists them; next: run.py --inventory {output} audit")


def import_proxmox(
    context: Context, folder: Path, output: Path, name: str | None, scope: str
) -> None:
    """Writes the inventory of a cluster's SDN, from a folder laid out as `/etc/pve` is.

    Raises IntentError where it holds no VXLAN, or what every intent needs is not in it.
    """
    running, members, texts, pending = read_pve(folder)
    refuse_inventory(output)
    hosts = {node: read_host(node, {INTERFACES: text}) for node, text in texts.items()}
    inferred = infer_proxmox(
        running, members, hosts, name=name or output.resolve().name, scope=scope
    )
    write_inventory(output, inventory_files(inferred) | {REPORT: remarks_report(inferred)})
    _load(output, folder)
    _tell(context, output, inferred)
    for file in pending:
        context.warn(
            f"{file} holds other objects than {RUNNING}: it is pending, and was not imported",
            "apply it in Proxmox (Datacenter, SDN, Apply), then import again",
        )
    context.say(f"next: run.py --inventory {output} audit")


def _load(output: Path, folder: Path) -> Inventory:
    try:
        return load_inventory(output)
    except IntentError as error:
        raise IntentError(
            f"{output}: the intent that was inferred does not hold together",
            f"`lint {folder}` says what is wrong with the files; correct them, remove "
            f"{output / FABRIC_FILE} and import again",
            error.problems,
        ) from None


def _tell(context: Context, output: Path, inferred: Inferred) -> None:
    fabric = inferred.fabric
    text = (
        f"{output}: {counted(len(fabric['nodes']), 'node')}, "
        f"{counted(len(fabric['networks']), 'network')}, mode {fabric['mode']}, "
        f"routing {fabric['routing']}"
    )
    for line in (text, *map(str, inferred.remarks)):
        context.out.print(visible(line), markup=False, soft_wrap=True)
