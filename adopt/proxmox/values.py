"""Proxmox's own ways to write a value in its configuration."""

from __future__ import annotations

from typing import Any

from overlay.errors import IntentError

RUNNING = "sdn/.running-config"


def mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def number(value: object, key: str, where: str) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise IntentError(f"{RUNNING}: `{key}` of {where} is {value!r}", "copy the file again")
    return int(text)


def is_on(value: object) -> bool:
    return str(value) == "1"


def type_of(value: object) -> str:
    return str(mapping(value).get("type", "?"))


def words_of(value: object) -> list[str]:
    """The names of a list as Proxmox writes it: `a,b`, a list, or a mapping of them."""
    if isinstance(value, str):
        return [word for word in value.replace(";", ",").replace(" ", ",").split(",") if word]
    return [str(word) for word in value] if isinstance(value, dict | list) else []
