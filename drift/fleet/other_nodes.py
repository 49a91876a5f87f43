"""The names of several nodes in a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_FEW = 5


def other_nodes(hosts: Collection[str], but: str) -> str:
    """The others of these nodes; of many, the first and how many more."""
    others = sorted(host for host in hosts if host != but)
    more = f" and {len(others) - _FEW} more" if len(others) > _FEW else ""
    return ", ".join(others[:_FEW]) + more
