"""`vrfs.X.snat`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, IPvAnyAddress

from overlay.keys.kinds import section_or_switch
from overlay.keys.routes import Prefix  # noqa: TC001 - pydantic reads it
from overlay.values import Strict


class Snat(Strict):
    """The guests that the outside sees under an address of the exit (SNAT)."""

    prefixes: tuple[Prefix, ...] = Field(
        (),
        description="Whose addresses are translated: subnets of the VRF, or parts of them; default "
        "all of its IPv4 subnets.",
    )
    addresses: dict[str, tuple[IPvAnyAddress, ...]] = Field(
        default_factory=dict,
        description="By exit, the addresses that the outside sees, one for each IP version: the "
        "exit has them, or they are routed to it; default the exit's own address.",
    )


SnatSwitch = Annotated[
    Snat | None,
    BeforeValidator(section_or_switch, json_schema_input_type=bool | Snat | None),
]
"""`snat: true`, or a section of that name."""
