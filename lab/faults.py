"""Break a lab node on purpose, and heal it again."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.fault_catalogue import CATALOGUE, PRELUDE, Fault
from lab.ssh import run_on

if TYPE_CHECKING:
    from lab.spec import LabSpec

__all__ = ["CATALOGUE", "Fault", "Target", "active", "find_fault", "heal", "inject", "script"]

# On the node, in memory: a fault of the kernel's state does not outlive a reboot either.
_KEEP = "/run/lab-fault"


@dataclass(frozen=True, slots=True)
class Target:
    """The objects of the overlay that a fault breaks; the defaults are the seed's VNI 2.

    `vlan` is that of its guests on a bridge with VLANs.
    """

    bridge: str = "vmbr2"
    vxlan: str = "vxlan2"
    vni: int = 2
    vlan: int | None = None
    vrf: str = "vrf1"
    uplink: str = "eno1"


def find_fault(name: str) -> Fault:
    """The fault of that name; LabError names those that exist."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise LabError(
            f"there is no fault {name!r}", f"choose one of: {', '.join(CATALOGUE)}"
        ) from None


def inject(
    spec: LabSpec, name: str, node: str | None = None, target: Target | None = None
) -> Fault:
    """Inject a fault into a node (its default one if none is named); returns what was done.

    Nothing happens if it is there already.  LabError if the overlay is not deployed there.
    """
    fault = find_fault(name)
    text = script(fault, fault.inject, target or Target())
    entry = f"[ ! -e {_KEEP}/{name} ] || exit 0\nmkdir -p {_KEEP}/{name}\n"
    # What a failed inject left half done is healed by nobody, so it undoes itself.
    undo = f"trap '[ $? = 0 ] || rm -rf {_KEEP}/{name}' EXIT\n"
    run_on(spec.node(node or fault.node), entry + undo + text, timeout=90).check()
    return fault


def heal(spec: LabSpec, name: str, node: str | None = None, target: Target | None = None) -> Fault:
    """Take a fault back, so that the node is as before; nothing happens if it is not there.

    What depends on BGP follows within some seconds.
    """
    fault = find_fault(name)
    text = script(fault, fault.heal, target or Target())
    entry = f"[ -e {_KEEP}/{name} ] || exit 0\n"
    leave = f"rm -rf {_KEEP}/{name}\n"
    run_on(spec.node(node or fault.node), entry + text + leave, timeout=90).check()
    return fault


def active(spec: LabSpec, node: str) -> list[str]:
    """The names of the faults that a node has now."""
    listed = run_on(spec.node(node), f"ls {_KEEP} 2>/dev/null || :").check()
    return listed.split()


def script(fault: Fault, body: str, target: Target) -> str:
    """The whole shell text of one side of a fault."""
    settings = {**asdict(target), "keep": f"{_KEEP}/{fault.name}"}
    assigned = "".join(f"{key}={shlex.quote(str(value))}\n" for key, value in settings.items())
    return f"set -eu\n{assigned}{PRELUDE}\n{body}\n"
