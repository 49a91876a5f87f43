"""The command of an audit with `--probe`: one Python script on the node, asking other VTEPs."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from overlay import outputs
from overlay.probes import paths_of
from tasks.commands import BY_SLUG, CollectCommand

if TYPE_CHECKING:
    from overlay.expected import FabricIntent, NodeIntent
    from overlay.probes import Path as Asked

_SCRIPT = Path(__file__).with_name("node_probe.py")


def probe_command(intent: FabricIntent, node: NodeIntent) -> CollectCommand | None:
    """What a node is told to ask; None for one that shares no VNI with another."""
    paths = paths_of(intent, node)
    if not paths:
        return None
    asked = json.dumps({"source": node.address, "peers": [_peer(path) for path in paths]})
    script = _SCRIPT.read_text(encoding="utf-8")
    words = ["python3", "-c", script, asked]
    return replace(BY_SLUG[outputs.PROBE], command=shlex.join(words))


def _peer(path: Asked) -> dict[str, object]:
    tunnels = [asdict(tunnel) for tunnel in path.tunnels]
    return {"address": path.address, "size": path.size, "tunnels": tunnels}
