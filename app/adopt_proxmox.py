"""`import proxmox`: a cluster whose SDN is made by Proxmox itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adopt.hostfiles import read_host
from adopt.inventory_text import inventory_files, remarks_report
from adopt.proxmox import RUNNING, infer_proxmox
from app.adopt import load_imported, tell
from app.hand_written import complaints, node_names, read_given
from app.host_folders import REPORT, pve_folder, pve_of, refuse_inventory, write_inventory
from overlay.errors import FleetError
from tasks.ssh.given_hosts import given_hosts
from tasks.ssh.node_files import HAND_WRITTEN, PROXMOX

if TYPE_CHECKING:
    from pathlib import Path

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
    hosts = {node: read_host(node, texts) for node, texts in pve.interfaces.items()}
    inferred = infer_proxmox(
        pve.running, pve.members, hosts, name=name or output.resolve().name, scope=scope
    )
    files = inventory_files(inferred, _members(pve) | reach)
    write_inventory(output, files | {REPORT: remarks_report(inferred)})
    load_imported(output, f"correct what is said above in {place}")
    tell(context, output, inferred)
    for file in pve.pending:
        context.warn(
            f"{file} holds other objects than {RUNNING}: it is pending, and was not imported",
            "apply it in Proxmox (Datacenter, SDN, Apply), then import again",
        )
    context.say(f"next: run.py --inventory {output} audit")


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
