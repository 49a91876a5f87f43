"""Kernel settings: `sysctl` of the keys that the intent sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.check import SETTINGS
from drift.draft import About, Draft, bounded, draft, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.view import HostView

SETTING_CHECKS = frozenset({"sysctl"})


def examine_settings(view: HostView) -> Iterator[Draft]:
    """Each setting against `key = value`; one that the kernel does not have is absent."""
    found: dict[str, str] = {}
    for line in view.state.texts[SETTINGS].splitlines():
        key, equals, value = line.partition("=")
        if equals:
            found[key.strip()] = " ".join(value.split())
    bridge = view.node.underlay_bridge.name
    for key, wanted in view.node.sysctls:
        actual = found.get(key)
        if actual != wanted:
            yield draft(
                "sysctl",
                view.host,
                key,
                "changed",
                wanted,
                bounded(actual),
                attribute="value",
                evidence=lines(SETTINGS, [f"{key} = {actual}"] if key in found else []),
                about=About(device=bridge if f".{bridge}." in key else ""),
            )
