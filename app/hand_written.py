"""Hosts' own files, from a folder or from the hosts themselves over SSH."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adopt.strange_texts import refuse_strange
from app.host_folders import read_folder
from overlay.errors import FleetError
from overlay.loading import NORNIR_FILE
from tasks.ssh.fleet import open_given
from tasks.ssh.given_hosts import given_hosts
from tasks.ssh.node_files import HAND_WRITTEN, read_node_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from app.context import Context
    from tasks.ssh.given_hosts import GivenHost
    from tasks.ssh.node_files import NodeFiles

_WORKERS = 50


@dataclass(frozen=True, slots=True)
class Source:
    """Where the files are: in `folder`, on `hosts` named one by one, or on the inventory's hosts.

    `limit` and `filters` choose among the inventory's hosts.
    """

    folder: Path | None = None
    hosts: tuple[str, ...] = ()
    ssh_config: Path | None = None
    limit: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises FleetError where two places are named, or an option that another needs."""
        if self.folder and (self.hosts or self.limit or self.filters):
            raise FleetError(
                f"{self.folder}: files of a folder and live hosts cannot be read together",
                "name the folder, or --host, or neither (then the inventory's hosts are read)",
            )
        if self.hosts and (self.limit or self.filters):
            raise FleetError(
                "--limit and --filter choose among the inventory's hosts, and --host names others",
                "name either",
            )
        if self.ssh_config and not self.hosts:
            raise FleetError(
                f"--ssh-config {self.ssh_config}: it says how --host is reached",
                "name the hosts with --host; of an inventory's hosts `ssh_config` in `data:` says",
            )


@dataclass(frozen=True, slots=True)
class Found:
    """The files of hosts by name and path; `lint` is the command that lints the same ones.

    `reach` is how each was reached, as its entry of `hosts.yaml`; empty for files of a folder and
    for the hosts of an inventory, whose own files say it.
    """

    lint: str
    texts: dict[str, dict[str, str]]
    reach: dict[str, dict[str, Any]] = field(default_factory=dict)
    inventory: Path | None = None


def find_files(context: Context, source: Source) -> Found:
    """The files of every host.

    Raises FleetError where there are none, where a host fails, or where one is no configuration.
    """
    found = _found(context, source)
    refuse_strange(found.texts, source.folder)
    return found


def _found(context: Context, source: Source) -> Found:
    source.check()
    if source.folder is not None:
        return Found(f"lint {source.folder}", read_folder(source.folder))
    if source.hosts:
        given = given_hosts(source.hosts, source.ssh_config)
        answered = _checked(read_given(context, given))
        names = node_names(answered)
        return Found(
            " ".join(["lint", *(f"--host {word}" for word in source.hosts)]),
            {names[a.host]: a.texts for a in answered},
            {names[host.name]: host.as_keys() for host in given},
        )
    with context.fleet(source.limit, source.filters, _WORKERS) as fleet:
        context.say(f"reading the files of {len(fleet.hosts)} hosts of {context.inventory}")
        answered = _checked(read_node_files(fleet))
    texts = {a.host: a.texts for a in answered}
    return Found(f"--inventory {context.inventory} lint", texts, inventory=context.inventory)


def read_given(
    context: Context, given: list[GivenHost], others: Iterable[str] = HAND_WRITTEN
) -> list[NodeFiles]:
    """What each of these hosts answers, its error included."""
    context.say(f"reading the files of {', '.join(host.name for host in given)}")
    with open_given(given, workers=_WORKERS) as fleet:
        return read_node_files(fleet, others)


def _checked(answered: list[NodeFiles]) -> list[NodeFiles]:
    """All of them. Raises FleetError with every host that failed: an intent needs them all."""
    said = [line for a in answered for line in complaints(a)]
    if said:
        raise FleetError(
            "the files of these hosts could not be read:\n" + "\n".join(said),
            "correct that and try again, or leave the host out: an intent of part of the hosts "
            "knows nothing of the others",
        )
    return answered


def complaints(answer: NodeFiles) -> list[str]:
    """What is wrong with a host's answer, one line each; none where all of it was read."""
    if answer.error:
        return [f"  {answer.error}"]
    if answer.refused:
        files = ", ".join(answer.refused)
        said = (
            f"  {answer.host}: the account may not read {files}: log in as root (--host root@"
            f"{answer.host}), or have sudo allow `cat` of it without a password"
        )
        return [said]
    if not any(path.startswith("/etc/network/") for path in answer.texts):
        return [f"  {answer.host}: it has no /etc/network/interfaces: is it a Debian host?"]
    return []


def node_names(answered: list[NodeFiles]) -> Mapping[str, str]:
    """What each host is called in the intent: as it calls itself, by how it was named.

    Raises FleetError where two call themselves the same: FRR and the reports would mix them up.
    """
    names: dict[str, str] = {}
    for answer in answered:
        name = answer.name or answer.host
        other = next((host for host, known in names.items() if known == name), None)
        if other is not None:
            raise FleetError(
                f"{other} and {answer.host} both call themselves {name}",
                "give each its own name (`hostnamectl set-hostname NAME`), or name one host once",
            )
        names[answer.host] = name
    return names


def refuse_elsewhere(context: Context, source: Source, output: Path) -> None:
    """Raises FleetError for a plugin's inventory that would be copied: its paths would break."""
    here = context.inventory
    if source.folder or source.hosts or not (here / NORNIR_FILE).exists():
        return
    if output.resolve() != here.resolve():
        raise FleetError(
            f"{here} has a {NORNIR_FILE}, and its hosts are known there alone",
            f"write the intent beside it: --output {here}",
        )
