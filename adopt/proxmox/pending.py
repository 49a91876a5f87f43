"""What of a cluster's SDN is configured and does not run yet: `sdn/*.cfg` against what runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from adopt.proxmox.values import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("zones", "vnets", "subnets", "controllers", "fabrics")
# `zone: name` at the beginning of a line begins an object of Proxmox's section files.
_SECTION = re.compile(r"([a-z][a-z0-9_-]*): *(\S+) *")


def pending(running: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The files whose objects are others than those that run, each with the objects that differ.

    `texts` are the files of `/etc/pve` by their paths in it.
    """
    found = {}
    for kind in KINDS:
        if (file := f"sdn/{kind}.cfg") in texts:
            wanted = _objects(texts[file])
            runs = {
                name: {key: _said(value) for key, value in mapping(keys).items()}
                for name, keys in mapping(mapping(running.get(kind)).get("ids")).items()
            }
            names = sorted({*wanted, *runs})
            found[file] = tuple(n for n in names if _differ(wanted.get(n), runs.get(n)))
    return {file: names for file, names in found.items() if names}


def _objects(text: str) -> dict[str, dict[str, frozenset[str]]]:
    found: dict[str, dict[str, frozenset[str]]] = {}
    keys: dict[str, frozenset[str]] = {}
    for line in text.splitlines():
        if begins := _SECTION.fullmatch(line):
            keys = found.setdefault(begins[2], {"type": frozenset({begins[1]})})
        elif line[:1].isspace() and line.strip():
            key, _, value = line.strip().partition(" ")
            keys[key] = keys.get(key, frozenset()) | _said(value or "1")
    return found


def _said(value: object) -> frozenset[str]:
    """The words of a value, however Proxmox writes it: `a,b`, a list, a mapping, a number."""
    parts = value if isinstance(value, dict | list) else [value]
    return frozenset(
        word.lower() for part in parts for word in re.split(r"[,; ]+", str(part)) if word
    )


def _differ(
    one: Mapping[str, frozenset[str]] | None, other: Mapping[str, frozenset[str]] | None
) -> bool:
    if one is None or other is None:
        return True
    # A fabric's objects name themselves in one of the two forms only, and a subnet its zone.
    keys = {key for key in one.keys() & other.keys() if key != "type"}
    more = {key for key in one.keys() ^ other.keys() if key not in {"id", "zone", "type"}}
    return bool(more) or any(one[key] != other[key] for key in keys)
