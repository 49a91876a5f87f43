"""`import proxmox`: a cluster whose SDN is made by Proxmox itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adopt.difference import difference
from adopt.hostfiles import FRR_CONF, PROXMOX_SDN, read_host
from adopt.inventory_text import inventory_files, kept_files, remarks_report, with_kept
from adopt.kept.interfaces import Kept
from adopt.proxmox.cluster import infer_proxmox
from adopt.proxmox.frr import kept_by_node
from adopt.proxmox.values import RUNNING
from adopt.strange_texts import refuse_strange
from app.adopt import load_imported, tell
from app.hand_written import complaints, node_names, read_given
from app.host_folders import REPORT, pve_folder, pve_of, refuse_inventory, write_inventory
from overlay.derive import derive
from overlay.errors import FleetError
from overlay.intent import Fabric
from overlay.problems import few
from reports.text import counted
from tasks.render import render_all
from tasks.ssh.fleet import open_fleet
from tasks.ssh.given_hosts import given_hosts
from tasks.ssh.node_files import HAND_WRITTEN, PROXMOX

if TYPE_CHECKING:
    from pathlib import Path

    from adopt.difference import Statement
    from adopt.infer import Inferred
    from app.context import Context
    from app.hand_written import Source
    from app.host_folders import Pve

_PVE = "/etc/pve/"


def import_proxmox(
    context: Context, source: Source, output: Path, name: str | None, scope: str
) -> None:
    """Writes the inventory of a cluster's SDN, from a folder or from one or more of its nodes.

    Raises IntentError where it holds no VXLAN, or what every intent needs is not in it.
    """
    source.check()
    refuse_inventory(output)
    reach: dict[str, dict[str, object]] = {}
    if source.folder is not None:
        pve, place = pve_folder(source.folder), str(source.folder)
    elif source.hosts:
        pve, reach = _ask(context, source)
        place = "the nodes"
    else:
        raise FleetError(
            "neither a node nor a folder of the cluster is named",
            "name a node with --host NAME, or a folder laid out as /etc/pve is with --from DIR",
        )
    refuse_strange(pve.interfaces)
    hosts = {node: read_host(node, texts) for node, texts in pve.interfaces.items()}
    inferred = infer_proxmox(
        pve.running, pve.members, hosts, name=name or output.resolve().name, scope=scope
    )
    remedy = f"correct what is said above in {place}"
    write_inventory(output, inventory_files(inferred, _members(pve) | reach))
    load_imported(output, remedy)
    kept, lost = _compared(inferred, output, pve)
    inferred = with_kept(inferred, kept)
    files = inventory_files(inferred, _members(pve) | reach) | kept_files(kept)
    write_inventory(output, files | {REPORT: remarks_report(inferred, kept, lost)})
    load_imported(output, remedy)
    tell(context, output, inferred)
    for count, noun, what in (
        (sum(it.frr.size for it in kept.values()), "statement", "of FRR kept, as found"),
        (sum(map(len, lost.values())), "statement", "that the intent does not say"),
    ):
        if count:
            context.out.print(f"{counted(count, noun)} {what}", markup=False)
    for file, names in pve.pending.items():
        said = f"what it says of {few(names)} is not in {RUNNING}, which was imported"
        context.warn(
            f"{file} is pending: {said}",
            "apply it in Proxmox (Datacenter, SDN, Apply), then import again",
        )
    context.say(f"next: run.py --inventory {output} audit")


def _compared(
    inferred: Inferred, output: Path, pve: Pve
) -> tuple[dict[str, Kept], dict[str, list[Statement]]]:
    """What each node's FRR is told beside the intent, and what its files say that it does not.

    Only of nodes whose files are at hand, and of the files that the SDN writes.
    """
    kept: dict[str, Kept] = {}
    lost: dict[str, list[Statement]] = {}
    intent = derive(Fabric.model_validate(inferred.fabric))
    nodes = {name: pve.interfaces[name] for name in intent.nodes if name in pve.interfaces}
    with open_fleet(output, workers=1) as fleet:
        for name, rendered in render_all(fleet, intent):
            if name in nodes:
                kept[name] = Kept(frr=kept_by_node(name, nodes[name], rendered))
        whole = derive(Fabric.model_validate(with_kept(inferred, kept).managed))
        for name, rendered in render_all(fleet, whole):
            if name in nodes:
                beyond, _ = difference(name, nodes[name], rendered)
                written = {path for path in (PROXMOX_SDN, FRR_CONF) if path in nodes[name]}
                lost[name] = [one for one in beyond if one.file in written]
    return kept, lost


def _ask(context: Context, source: Source) -> tuple[Pve, dict[str, dict[str, object]]]:
    """What the named nodes say, and how each of them was reached, by its own name."""
    given = given_hosts(source.hosts, source.ssh_config)
    answered = read_given(context, given, (*PROXMOX, *HAND_WRITTEN))
    said = [line for answer in answered for line in complaints(answer)]
    if said:
        raise FleetError(
            "these nodes could not be read:\n" + "\n".join(said), "correct that and try again"
        )
    names = node_names(answered)
    texts = {
        path.removeprefix(_PVE): text
        for answer in reversed(answered)
        for path, text in answer.texts.items()
        if path.startswith(_PVE)
    }
    interfaces = {
        names[answer.host]: {
            path: text for path, text in answer.texts.items() if not path.startswith(_PVE)
        }
        for answer in answered
    }
    pve = pve_of(
        texts,
        interfaces,
        f"{answered[0].host}: /etc/pve",
        "name a node of the cluster, once its SDN was applied (Datacenter, SDN, Apply); of hosts "
        "whose files were written by hand, `import hosts` knows more",
    )
    return pve, {names[host.name]: host.as_keys() for host in given}


def _members(pve: Pve) -> dict[str, dict[str, object]]:
    """The address by which the cluster's members know each other, where it is said."""
    listed = pve.members.get("nodelist")
    members = listed if isinstance(listed, dict) else {}
    return {
        str(name): {"hostname": str(keys["ip"])}
        for name, keys in members.items()
        if isinstance(keys, dict) and keys.get("ip")
    }
