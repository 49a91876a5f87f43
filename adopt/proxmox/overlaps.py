"""Prefixes that a cluster has twice: what an intent refuses, and an observed one takes as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from overlay.crosscheck.control import overlaps, shut
from overlay.intent import Fabric, Scope
from overlay.problems import dotted

if TYPE_CHECKING:
    from collections.abc import Callable


def take_overlaps(fabric: dict[str, Any], say: Callable[[str, str], None]) -> None:
    """Has an observed intent hold together where prefixes overlap, and says what that costs.

    A VRF in which the underlay's prefix is used, too, cannot block it: its `unreachable` is empty.
    """
    if fabric["scope"] != Scope.OBSERVED:
        return
    try:
        model = Fabric.model_validate(fabric | {"scope": Scope.OVERLAY})
    except ValidationError:
        return  # what is wrong with it is said where it is read
    for key, reason, _ in shut(model):
        fabric["vrfs"][key[1]]["unreachable"] = []
        say(
            dotted(key),
            f"{reason}. The intent blocks nothing at its exits (`unreachable: []`), so no audit "
            "looks at what its guests reach through them",
        )
    for key, reason, _ in overlaps(model):
        say(
            dotted(key),
            f"{reason}: what comes from outside goes to one of them. No audit looks at which",
        )
