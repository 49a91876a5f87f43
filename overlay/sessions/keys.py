"""What people write of BGP sessions beside their timers: passwords by their source, limits, words.

A password itself is never written down: the intent says where it is found.
"""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from overlay.values import InterfaceName, Strict

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DESCRIPTION = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        # What stands here may be the password itself, so it is not shown.
        raise ValueError("this is not the name of an environment variable, such as BGP_PASSWORD")
    return value


def _command(value: str) -> str:
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not a command line: {error}") from None
    if not words:
        raise ValueError("a command has at least one word")
    return value


def _source(value: object) -> object:
    if isinstance(value, str | int | float):
        # A type of its own would show the value, and that is a secret.
        raise ValueError(  # noqa: TRY004 (pydantic's)
            "a password is never written into the intent: write `{env: NAME}` or `{command: …}`"
        )
    return value


def _description(value: str) -> str:
    if not _DESCRIPTION.fullmatch(value):
        raise ValueError(f"{value!r} is not plain words in ASCII with single blanks between them")
    return value


def _section(value: object) -> object:
    if not isinstance(value, dict | Restart | bool | None):
        raise ValueError("write `true`, `false` or a section with `restart_time:`")  # noqa: TRY004
    return {} if value is True else value


def _limit(value: object) -> object:
    return {"prefixes": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Secret(Strict):
    """Where a password is found: `plan` and `deploy` read it there, and nothing else does."""

    env: Annotated[str, AfterValidator(_variable)] | None = Field(
        None, description="The environment variable that holds it."
    )
    command: Annotated[str, AfterValidator(_command)] | None = Field(
        None,
        description="The command that prints it as its first line, such as `pass show fabric/bgp`; "
        "run without a shell, in the intent's folder.",
    )

    @model_validator(mode="after")
    def _one(self) -> Secret:
        if (self.env is None) == (self.command is None):
            raise ValueError("name one source of the password: `env:` or `command:`")
        return self


class Restart(Strict):
    """Graceful restart: neighbours keep a speaker's routes for a while when it starts again."""

    restart_time: int = Field(
        120, ge=1, le=4095, description="Seconds that neighbours give it to come back."
    )
    stale_time: int = Field(
        360, ge=1, le=4095, description="Seconds for which it keeps a neighbour's old routes."
    )


class Limit(Strict):
    """How many prefixes of one address family are taken from the other end, and what then."""

    prefixes: int = Field(ge=1, le=4294967295, description="The most that are taken.")
    warn_only: bool = Field(
        False, description="Whether more are taken all the same, and FRR only logs it."
    )
    restart: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Minutes until a session that was ended comes up again; default never.",
    )

    @model_validator(mode="after")
    def _one(self) -> Limit:
        if self.warn_only and self.restart is not None:
            raise ValueError("a session that is only warned of is not ended: omit `restart`")
        return self


_Password = Annotated[Secret | None, BeforeValidator(_source)]
_UpdateSource = bool | InterfaceName | None
_GracefulRestart = Annotated[
    Restart | Literal[False] | None,
    BeforeValidator(_section, json_schema_input_type=bool | Restart | None),
]


class FabricSession(Strict):
    """Options of the sessions within the fabric."""

    password: _Password = Field(
        None,
        description="Where their TCP-MD5 password is found, the same on both ends of each; default "
        "none. Not of sessions with a router outside, which has its own.",
    )
    graceful_restart: _GracefulRestart = Field(
        None, description="Graceful restart: true, or a section; default as FRR, which only helps."
    )
    update_source: _UpdateSource = Field(
        None,
        description="Where sessions leave from: true for the node's address, or the interface that "
        "holds it; default as the route goes. Needed where that address is another interface's.",
    )
    descriptions: bool = Field(
        False, description="Whether each named neighbour is described by its node's name."
    )


class NodeSession(Strict):
    """Options of one node's sessions."""

    password: _Password = Field(
        None,
        description="Where the password of the exits' sessions with this router is found; only of "
        "a router with an `asn`.",
    )
    maximum_prefix: Annotated[
        Limit | None, BeforeValidator(_limit, json_schema_input_type=int | Limit | None)
    ] = Field(
        None,
        description="The most prefixes of a family that this router and the exits take from each "
        "other: a number, or a section; default no limit.",
    )
    graceful_restart: _GracefulRestart = Field(
        None, description="Its own graceful restart, false for none; default bgp.session's."
    )
    update_source: _UpdateSource = Field(
        None, description="Its own, false for none; default bgp.session's."
    )
    description: Annotated[str, AfterValidator(_description)] | None = Field(
        None, max_length=80, description="How its neighbours describe it; default as bgp.session."
    )
