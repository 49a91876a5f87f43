"""Reads an inventory folder: `fabric.yaml`, the hosts that Nornir will know, what is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from overlay.crosscheck.fabric import contradictions, crosscheck_hosts
from overlay.derive import derive
from overlay.intent import Fabric
from overlay.problems import Problems
from overlay.suppressions import SUPPRESSIONS_FILE, Suppressions, crosscheck_suppressions
from overlay.unused.unused_keys import unused_keys
from overlay.validation import validated
from overlay.yamlfile import YamlFile, read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from overlay.expected import FabricIntent
    from overlay.suppressions import Suppression

FABRIC_FILE = "fabric.yaml"
HOSTS_FILE = "hosts.yaml"


@dataclass(frozen=True, slots=True)
class Inventory:
    """A loaded, cross-checked inventory folder.

    `digest` is the SHA-256 of `fabric.yaml`'s bytes (hex): it names the intent in records.
    `suppressions` is empty unless they were asked for.
    """

    folder: Path
    intent: FabricIntent
    digest: str
    suppressions: tuple[Suppression, ...] = ()


def load_inventory(folder: Path, *, checks: Collection[str] | None = None) -> Inventory:
    """Loads, validates and derives the inventory in `folder`.

    `checks` are the ids that its suppressions may name; without them suppressions are not read.
    Raises IntentError with every problem at once (file, line, key, reason, hint).
    """
    fabric_file = read_yaml(folder / FABRIC_FILE, "the intent")
    hosts_file = read_yaml(folder / HOSTS_FILE, "the hosts and how to reach them")
    problems = Problems()
    fabric = validated(fabric_file, Fabric, problems, begin="`underlay:`, `networks:` and `nodes:`")
    hosts = _host_names(hosts_file, problems)
    intent = None
    if fabric is not None:
        intent = _derived(fabric, fabric_file, problems)
        crosscheck_hosts(fabric, fabric_file, hosts, hosts_file, problems)
    accepted = () if checks is None else _suppressions(folder, problems, checks, hosts)
    problems.check()
    assert intent is not None  # noqa: S101 - problems.check() has raised otherwise
    digest = sha256(fabric_file.path.read_bytes()).hexdigest()
    return Inventory(folder, intent, digest, accepted)


def _derived(fabric: Fabric, file: YamlFile, problems: Problems) -> FabricIntent | None:
    """What follows from an intent that holds together, else None; unused keys are problems too."""
    wrong = list(contradictions(fabric))
    intent = None if wrong else derive(fabric)
    # A wrong key makes right ones look unused, so that they are asked for only without one.
    for key, reason, hint in wrong if intent is None else unused_keys(fabric, intent.nodes):
        problems.add(file, key, reason, hint)
    return intent


def _host_names(file: YamlFile, problems: Problems) -> frozenset[str]:
    if not isinstance(file.data, dict) or not file.data:
        problems.add(
            file, (), "it has no hosts", "add one entry per node, such as `node1: {hostname: …}`"
        )
        return frozenset()
    return frozenset(map(str, file.data))


def _suppressions(
    folder: Path, problems: Problems, checks: Collection[str], hosts: Collection[str]
) -> tuple[Suppression, ...]:
    path = folder / SUPPRESSIONS_FILE
    if not path.exists():
        return ()
    file = read_yaml(path, "the accepted findings")
    if file.data is None:  # all of it is commented out
        return ()
    found = validated(file, Suppressions, problems, begin="`suppressions:`")
    if found is None:
        return ()
    crosscheck_suppressions(found, file, problems, checks=checks, hosts=hosts)
    return found.suppressions
