"""The faults that the lab can inject: data only (see ``lab.fault`` for how they are written)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.fault import PRELUDE, Fault
from lab.fault_catalogue.control import CONTROL_FAULTS
from lab.fault_catalogue.forwarding import FORWARDING_FAULTS
from lab.fault_catalogue.links import LINK_FAULTS
from lab.fault_catalogue.routes import ROUTE_FAULTS
from lab.fault_catalogue.single import SINGLE_FAULTS
from lab.fault_catalogue.underlay import UNDERLAY_FAULTS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CATALOGUE", "PRELUDE", "Fault"]

CATALOGUE: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        *LINK_FAULTS,
        *FORWARDING_FAULTS,
        *ROUTE_FAULTS,
        *CONTROL_FAULTS,
        *UNDERLAY_FAULTS,
        *SINGLE_FAULTS,
    )
}
