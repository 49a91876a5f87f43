"""What a node's other interfaces files say of the devices that are ours, before we write any.

ifupdown2 merges the stanzas of one name from all files that it reads: a device that two files
define would hold both, and go away with neither.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from overlay.errors import DeployError
from overlay.problems import few
from parsers.interfaces import parse_statements_elsewhere
from tasks.files import INTERFACES, OVERLAY_INTERFACES
from tasks.ssh.script import Section

if TYPE_CHECKING:
    from overlay.expected import NodeIntent

SLUG = "elsewhere"
_WORDS = ("iface", "source")


def elsewhere_section() -> Section:
    """Prints, as `path:line`, what each interfaces file of the node defines and sources."""
    pattern = f"^[[:blank:]]*({'|'.join(_WORDS)})[[:blank:]]"
    folder = OVERLAY_INTERFACES.path.rpartition("/")[0]
    # grep fails where nothing matches or no file is there: then nothing is defined elsewhere.
    return Section(SLUG, f"grep -EHs '{pattern}' {INTERFACES.path} {folder}/* || :")


def matches(line: str) -> bool:
    """True for a line that the section prints."""
    return line.split()[:1] in [[word] for word in _WORDS] and len(line.split()) > 1


def left_alone(node: NodeIntent) -> DeployError:
    """Why a node of the observed scope is not planned for, deployed to or rolled back."""
    return DeployError(
        f"{node.name}: left alone: it is of the scope `observed`, so nothing is ever written there",
        f"set `scope: overlay` or `whole` for {node.name} to manage it",
    )


def require_scope(node: NodeIntent, said: str) -> None:
    """Raises DeployError unless the node's other files leave our devices to our file.

    `said` is what `elsewhere_section` printed.
    """
    found = parse_statements_elsewhere(said)
    if node.owns_underlay:
        if any(one.path == OVERLAY_INTERFACES.path for one in found):
            raise DeployError(
                f"{node.name}: {OVERLAY_INTERFACES.path} defines the overlay's devices already",
                "it belongs to the overlay scope: remove that file (the next deploy writes all of "
                "them to /etc/network/interfaces), or set `scope: overlay` again",
            )
        return
    ours = node.own_devices
    double: dict[str, list[str]] = {}
    for one in found:
        if one.path != OVERLAY_INTERFACES.path and one.keyword == "iface" and one.name in ours:
            double.setdefault(one.path, []).append(one.name)
    for path, names in double.items():
        raise DeployError(
            f"{node.name}: {path} defines {few(dict.fromkeys(names))} already",
            "in the overlay scope they are defined by our file alone: take their stanzas out of "
            f"{path}, which keeps lo, the underlay and the source line, or set `scope: whole`",
        )
    if not any(
        one.path == INTERFACES.path
        and one.keyword == "source"
        and fnmatchcase(OVERLAY_INTERFACES.path, one.name)
        for one in found
    ):
        raise DeployError(
            f"{node.name}: /etc/network/interfaces does not source /etc/network/interfaces.d/*",
            "in the overlay scope our file lies in that folder and would never be read: add the "
            "line `source /etc/network/interfaces.d/*`, or set `scope: whole`",
        )
