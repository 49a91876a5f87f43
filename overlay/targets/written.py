"""What people write of route targets and route distinguishers; a wrong one is explained."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address
from typing import Annotated

from pydantic import BeforeValidator, Field

from overlay.values import Strict

ANY = "*"
ROUTER_ID = "{router_id}"
_SHORT, _LONG = 2**16, 2**32
_TARGET = "'65000:4000' (AS:number) or '10.0.0.1:4000' (address:number)"


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        # YAML reads 65000:10 without quotes as a number to the base of 60.
        raise ValueError(f"{value!r} is not a {what}: write it in quotes, such as '65000:10'")  # noqa: TRY004 (pydantic's)
    return value


def _number(text: str) -> int | None:
    found = re.fullmatch(r"0|[1-9][0-9]{0,9}", text)
    return int(text) if found and int(text) < _LONG else None


def _halves(value: str, what: str) -> tuple[str, int]:
    """The part before the colon as it is written, and the number; as FRR fits them in six bytes."""
    before, colon, after = value.partition(":")
    number = _number(after)
    if not colon or number is None:
        raise ValueError(f"{value!r} is not a {what}: write {_TARGET}")
    short = before == ANY
    if not short and before != ROUTER_ID:
        asn = _number(before)
        if asn is None:
            try:
                IPv4Address(before)
            except AddressValueError:
                raise ValueError(f"{value!r} is not a {what}: write {_TARGET}") from None
        short = asn is not None and asn < _SHORT
    if not short and number >= _SHORT:
        raise ValueError(
            f"{value!r} is not a {what}: behind an address or an AS above 65535 there is room for "
            "65535 at most"
        )
    return before, number


def _target(value: object) -> str:
    text = _text(value, "route target")
    before, number = _halves(text, "route target")
    if before == ROUTER_ID:
        raise ValueError(f"{text!r} is not a route target: all nodes must have the same one")
    if before == "0":
        raise ValueError(f"{text!r} has AS 0: for any AS write '*:{number}'")
    return text


def _exported(value: object) -> str:
    text = _target(value)
    if text.startswith(ANY):
        raise ValueError(f"{text!r} can be imported only: a route carries one AS")
    return text


def _distinguisher(value: object) -> str:
    text = _text(value, "route distinguisher")
    if text.startswith(ANY):
        raise ValueError(f"{text!r} is not a route distinguisher: write '{ROUTER_ID}:4000'")
    _halves(text, "route distinguisher")
    return text


ImportTarget = Annotated[str, BeforeValidator(_target)]
ExportTarget = Annotated[str, BeforeValidator(_exported)]
Distinguisher = Annotated[str, BeforeValidator(_distinguisher)]


class RouteTargets(Strict):
    """Route targets by hand: FRR's own of a VNI end where one is set."""

    imports: tuple[ImportTarget, ...] = Field(
        (),
        alias="import",
        description="Routes with one of these are taken; `*:N`: N behind any AS. Default: FRR's "
        "own, `*:VNI`, which ends here.",
    )
    exports: tuple[ExportTarget, ...] = Field(
        (),
        alias="export",
        description="Its routes carry all of these. Default: FRR's own, `AS:VNI`.",
    )
    outside: tuple[ImportTarget, ...] = Field(
        (),
        description="Those of them that somebody outside the fabric exports or imports, and no "
        "node of it: routes that come by them are not judged.",
    )
