"""The links of a routed underlay, and which protocol routes it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from overlay.values import GatewayAddress, InterfaceName, Strict


class Protocol(StrEnum):
    """What routes the underlay."""

    NONE = "none"
    OSPF = "ospf"
    OPENFABRIC = "openfabric"
    ISIS = "isis"
    EBGP_UNNUMBERED = "ebgp-unnumbered"


class Link(Strict):
    """One interface that a node routes the underlay on."""

    peer: str | None = Field(
        None,
        description="The node at its other end; with it a dead link is one finding, not two, and "
        "lost ECMP legs show.",
    )
    address: GatewayAddress | None = Field(
        None,
        description="Its own IPv4 address, as address/length; default unnumbered: it borrows the "
        "VTEP address.",
    )


def _by_name(value: object) -> object:
    if isinstance(value, list | tuple):
        strange = next((it for it in value if not isinstance(it, str)), None)
        if strange is not None:
            raise ValueError(
                f"{strange!r} is not the name of an interface: a list names interfaces alone; with "
                "more to say of one, make each a key of its own, as `eno1: {peer: spine1}`"
            )
        twice = {name for name in value if value.count(name) > 1}
        if twice:
            raise ValueError(f"{', '.join(sorted(map(str, twice)))} is in the list twice")
        return {name: {} for name in value}
    if isinstance(value, dict):
        return {name: {} if link is None else link for name, link in value.items()}
    return value


Links = Annotated[
    dict[InterfaceName, Link],
    BeforeValidator(
        _by_name, json_schema_input_type=dict[InterfaceName, Link | None] | list[InterfaceName]
    ),
]
"""Interfaces by name; a list of names is taken for links of which no more is said."""
