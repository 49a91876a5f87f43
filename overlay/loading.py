"""Reads an inventory folder: `fabric.yaml`, the hosts that Nornir will know, what is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pydantic import Field

from overlay.crosscheck.fabric import contradictions, crosscheck_hosts
from overlay.derive import derive
from overlay.intent import Fabric, Role
from overlay.kept.extras import sources
from overlay.plainfile import is_there, read_plain
from overlay.problems import Problems
from overlay.redaction import redact
from overlay.suppressions import SUPPRESSIONS_FILE, Suppressions, crosscheck_suppressions
from overlay.unused.unused_keys import unused_keys
from overlay.unused.written_keys import with_values
from overlay.validation import validated
from overlay.values import Strict
from overlay.yamlfile import YamlFile, read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from overlay.expected import FabricIntent
    from overlay.problems import KeyPath
    from overlay.suppressions import Suppression

FABRIC_FILE = "fabric.yaml"
HOSTS_FILE = "hosts.yaml"
NORNIR_FILE = "nornir.yaml"


@dataclass(frozen=True, slots=True)
class Inventory:
    """A loaded, cross-checked inventory folder.

    `digest` is the SHA-256 of the bytes of `fabric.yaml` and of the files that it names (hex): it
    names the intent in records.
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
    problems = Problems()
    fabric = validated(fabric_file, Fabric, problems, begin="`underlay:`, `networks:` and `nodes:`")
    hosts: Collection[str] = fabric.nodes if fabric is not None else ()
    hosts_file = None
    if is_there(folder / NORNIR_FILE):
        # Its plugin may ask a server: which hosts there are is compared once they are contacted.
        inventory_plugin(folder, problems)
    else:
        hosts_file = read_yaml(folder / HOSTS_FILE, "the hosts and how to reach them")
        hosts = _host_names(hosts_file, problems)
    intent = None
    told = [fabric_file.path.read_bytes()]
    if fabric is not None:
        fabric = _with_extra_files(fabric, fabric_file, problems, told)
        intent = _derived(fabric, fabric_file, problems)
    if fabric is not None and hosts_file is not None:
        crosscheck_hosts(fabric, fabric_file, hosts, hosts_file, problems)
    accepted = () if checks is None else _suppressions(folder, problems, checks, hosts)
    problems.check()
    assert intent is not None  # noqa: S101 - problems.check() has raised otherwise
    return Inventory(folder, intent, sha256(b"".join(told)).hexdigest(), accepted)


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
    if not is_there(path):
        return ()
    file = read_yaml(path, "the accepted findings")
    if file.data is None:  # all of it is commented out
        return ()
    found = validated(file, Suppressions, problems, begin="`suppressions:`")
    if found is None:
        return ()
    crosscheck_suppressions(found, file, problems, checks=checks, hosts=hosts)
    return found.suppressions


def _with_extra_files(
    fabric: Fabric, file: YamlFile, problems: Problems, told: list[bytes]
) -> Fabric:
    """The intent with the text of each `frr_extra_file` behind its `frr_extra`, and so on.

    A file that cannot be read, and a secret in the intent itself, are added to `problems`; the
    bytes of each file that was read are added to `told`.
    """
    changes: dict[KeyPath, Any] = {}
    for key, extras in sources(fabric, fabric.groups, fabric.nodes):
        for what in ("frr_extra", "interfaces_extra"):
            said, name = getattr(extras, what), getattr(extras, f"{what}_file")
            if said is not None:
                _refuse_secrets(said, file, (*key, what), problems)
            if name is None:
                continue
            changes[*key, f"{what}_file"] = None
            content = _extra_file(file, (*key, f"{what}_file"), name, problems)
            if content is not None:
                told.append(content)
                text = content.decode("utf-8").replace("\r\n", "\n")
                changes[*key, what] = "\n".join(filter(None, (said, text)))
    return with_values(fabric, changes) if changes else fabric


def _extra_file(file: YamlFile, key: KeyPath, name: str, problems: Problems) -> bytes | None:
    try:
        content = read_plain(file.path.parent / name)
        content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        problems.add(
            file,
            key,
            f"{name} cannot be read: {why}",
            "its path is relative to the folder of fabric.yaml: correct it, or fix the file",
        )
        return None
    return content


def _refuse_secrets(text: str, file: YamlFile, key: KeyPath, problems: Problems) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        if redact(line) != line:
            problems.add(
                file,
                key,
                f"line {number} holds a secret, and the intent holds none",
                "move these statements to a file that only you can read, and name it with "
                f"`{key[-1]}_file:`",
            )


def external_names(folder: Path) -> set[str]:
    """The nodes of the folder's `fabric.yaml`, if it has one, that are external: no host is."""
    if not is_there(folder / FABRIC_FILE):
        return set()
    data = read_yaml(folder / FABRIC_FILE, "the intent").data
    nodes = data.get("nodes") if isinstance(data, dict) else None
    return {
        str(name)
        for name, node in (nodes.items() if isinstance(nodes, dict) else ())
        if isinstance(node, dict) and node.get("role") == Role.EXTERNAL.value
    }


class InventoryPlugin(Strict):
    """A plugin by its name, and its own options."""

    plugin: str = Field(min_length=1, description="Its name, as Nornir knows it.")
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="Its options; a text that begins with ./ or ../ is a path from this file.",
    )


class NornirFile(Strict):
    """The whole content of `nornir.yaml`."""

    inventory: InventoryPlugin


def inventory_plugin(folder: Path, problems: Problems | None = None) -> InventoryPlugin | None:
    """The plugin that the folder's `nornir.yaml` names; None without such a file.

    What is wrong with the file goes to `problems`, and None is returned; without them IntentError
    is raised.
    """
    if not is_there(folder / NORNIR_FILE):
        return None
    found = problems or Problems()
    file = read_yaml(folder / NORNIR_FILE, "the inventory plugin")
    read = validated(file, NornirFile, found, begin="`inventory:`")
    if problems is None:
        found.check()
    return read.inventory if read else None


def anchored(plugin: InventoryPlugin, folder: Path) -> dict[str, Any]:
    """Its options, with paths that are told from the file's place."""
    return {key: _anchored(value, folder) for key, value in plugin.options.items()}


def _anchored(value: Any, folder: Path) -> Any:
    if isinstance(value, str) and value.startswith(("./", "../")):
        return str(folder / value)
    if isinstance(value, list):
        return [_anchored(part, folder) for part in value]
    if isinstance(value, dict):
        return {key: _anchored(part, folder) for key, part in value.items()}
    return value
