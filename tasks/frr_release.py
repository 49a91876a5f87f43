"""Whether a node's FRR can do what its intent asks for, by the node's own word. Changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from overlay.errors import DeployError
from overlay.values import version_of
from tasks.script import Section, build_script, split_output

if TYPE_CHECKING:
    from overlay.expected import NodeIntent
    from tasks.connection import FleetSSH

# The program's word, not the daemon's: a deployment may start that for the first time.
_COMMAND = "/usr/lib/frr/bgpd --version"
_VERSION = re.compile(r"^bgpd version (\d{1,3}(?:\.\d{1,3})+)", re.MULTILINE)


def require_frr(node: NodeIntent, connection: FleetSSH) -> None:
    """Asks the node, where not every FRR will do. Raises DeployError when its own is too old.

    `validate` judges the version that the intent names; this one is what the node really has.
    """
    if node.oldest_frr is None:
        return
    script = build_script([Section("frr-version", _COMMAND)])
    outputs = split_output(script, *connection.run(script, deadline=30))
    said = outputs["frr-version"].text if "frr-version" in outputs else ""
    match = _VERSION.search(said)
    if match and version_of(match[1]) >= version_of(node.oldest_frr):
        return
    has = f"its FRR is {match[1]}" if match else f"`{_COMMAND}` does not show its FRR version"
    raise DeployError(
        f"{node.name}: {has}, and EVPN over an IPv6 underlay needs {node.oldest_frr}",
        "install a newer FRR there, or correct `frr:` in fabric.yaml to what the nodes run",
    )
