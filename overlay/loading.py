"""Reads an inventory folder: `fabric.yaml` and the hosts that Nornir will know, cross-checked."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, get_origin

from pydantic import BaseModel, ValidationError

from overlay.crosscheck import crosscheck
from overlay.derive import derive
from overlay.intent import Fabric
from overlay.problems import Problems, nearest
from overlay.yamlfile import KeyPath, YamlFile, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from overlay.expected import FabricIntent

FABRIC_FILE = "fabric.yaml"
HOSTS_FILE = "hosts.yaml"


@dataclass(frozen=True, slots=True)
class Inventory:
    """A loaded, cross-checked inventory folder.

    `digest` is the SHA-256 of `fabric.yaml`'s bytes (hex): it names the intent in records.
    """

    folder: Path
    intent: FabricIntent
    digest: str


def load_inventory(folder: Path) -> Inventory:
    """Loads, validates and derives the inventory in `folder`.

    Raises IntentError with every problem at once (file, line, key, reason, hint).
    """
    fabric_file = read_yaml(folder / FABRIC_FILE, "the intent")
    hosts_file = read_yaml(folder / HOSTS_FILE, "the hosts and how to reach them")
    problems = Problems()
    fabric = _validate(fabric_file, problems)
    hosts = _host_names(hosts_file, problems)
    if fabric is not None:
        crosscheck(fabric, fabric_file, hosts, hosts_file, problems)
    problems.check()
    assert fabric is not None  # noqa: S101 - problems.check() has raised otherwise
    digest = sha256(fabric_file.path.read_bytes()).hexdigest()
    return Inventory(folder, derive(fabric), digest)


def _validate(file: YamlFile, problems: Problems) -> Fabric | None:
    if not isinstance(file.data, dict):
        problems.add(
            file, (), "it holds no mapping", "begin with `underlay:`, `networks:` and `nodes:`"
        )
        return None
    try:
        return Fabric.model_validate(file.data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _add_schema_problem(file, detail, problems)
        return None


def _add_schema_problem(file: YamlFile, detail: ErrorDetails, problems: Problems) -> None:
    key: KeyPath = tuple(part for part in detail["loc"] if part != "[key]")
    if detail["type"] == "extra_forbidden":
        known = sorted(_known_keys(key[:-1]))
        word = str(key[-1])
        close = nearest(word, known)
        hint = f"did you mean `{close}`? " if close else ""
        problems.add(file, key, f"unknown key `{word}`", f"{hint}known here: {', '.join(known)}")
    elif detail["type"] == "missing":
        problems.add(file, key, "this key is missing", f"add `{key[-1]}:`, see docs/inventory.md")
    else:
        reason = detail["msg"].removeprefix("Value error, ")
        given = detail["input"]
        shown = f" (found {given!r})" if isinstance(given, str | int | float | None) else ""
        if repr(given) in reason:
            shown = ""
        problems.add(file, key, reason + shown, "mend this value, see docs/inventory.md")


def _known_keys(path: KeyPath) -> set[str]:
    """The keys that the model at `path` knows; walks the annotations as the path does."""
    model: type[BaseModel] | None = Fabric
    within_many = False  # behind a list or a mapping of models comes an index or a name
    for part in path:
        if within_many:
            within_many = False
            continue
        field = model.model_fields.get(str(part)) if model else None
        model = _inner_model(field.annotation) if field else None
        within_many = field is not None and get_origin(field.annotation) in (tuple, dict)
    return set(model.model_fields) if model else set()


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    # Of `tuple[Network, ...]`, `dict[str, Vrf]` or `Bgp | None`, the model within.
    waiting = [annotation]
    while waiting:
        candidate = waiting.pop()
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
        waiting.extend(getattr(candidate, "__args__", ()))
    return None


def _host_names(file: YamlFile, problems: Problems) -> frozenset[str]:
    if not isinstance(file.data, dict) or not file.data:
        problems.add(
            file, (), "it names no host", "add one entry per node, such as `node1: {hostname: …}`"
        )
        return frozenset()
    return frozenset(map(str, file.data))
