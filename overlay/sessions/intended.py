"""The derived options of a node's BGP sessions; of a password only where it is found."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a password is found, never the password: an environment variable or a command."""

    env: str | None = None
    command: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The command and its arguments."""
        return tuple(shlex.split(self.command or ""))

    def __str__(self) -> str:
        return f"the environment variable {self.env}" if self.env else f"`{self.command}`"


@dataclass(frozen=True, slots=True)
class RestartIntent:
    """Graceful restart of a BGP instance, in seconds."""

    restart_time: int
    stale_time: int


@dataclass(frozen=True, slots=True)
class PrefixLimit:
    """The most prefixes of a family that are taken; `restart` is in minutes, None for never."""

    prefixes: int
    warn_only: bool = False
    restart: int | None = None


@dataclass(frozen=True, slots=True)
class OutsideOptions:
    """What the sessions between an exit and one router outside have apart from all others."""

    password: SecretSource | None = None
    limit: PrefixLimit | None = None


@dataclass(frozen=True, slots=True)
class SessionsIntent:
    """What all sessions of a node have in common; `password` is of those within the fabric.

    `source` is the address or interface that they leave from, None for the route's choice.
    `descriptions` are of its neighbours, by address: one mapping for all nodes.
    """

    password: SecretSource | None = None
    source: str | None = None
    restart: RestartIntent | None = None
    descriptions: Mapping[str, str] = field(default_factory=dict)
