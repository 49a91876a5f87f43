"""What people write, from the models: the reference in `docs/inventory.md`, and the JSON Schema.

The schema is for editors; `fabric.schema.json` is it, written down.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from overlay.intent import (
    Bfd,
    Bgp,
    Fabric,
    Names,
    Network,
    Node,
    Overlay,
    Timers,
    Underlay,
    Vip,
    Vrf,
)
from overlay.kept.extras import Extras, Group
from overlay.keys.routes import Leak, VrfRoute
from overlay.sessions.keys import FabricSession, Limit, NodeSession, Restart, Secret
from overlay.suppressions import Suppression, Suppressions
from overlay.targets.written import RouteTargets

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

BEGIN = "<!-- generated from overlay/keys: begin -->"
END = "<!-- generated from overlay/keys: end -->"

_SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("fabric.yaml", Fabric),
    ("underlay:", Underlay),
    ("overlay:", Overlay),
    ("names: of overlay", Names),
    ("bgp:", Bgp),
    ("timers: of bgp", Timers),
    ("bfd: of bgp", Bfd),
    ("session: of bgp", FabricSession),
    ("session: of a node", NodeSession),
    ("password: of a session", Secret),
    ("graceful_restart: of a session", Restart),
    ("maximum_prefix: of a session", Limit),
    ("vrfs: one entry per VRF, by its name", Vrf),
    ("routes: of a VRF, a list", VrfRoute),
    ("leak: of a VRF, a list", Leak),
    ("networks: a list, one entry per VNI", Network),
    ("rt: of a VRF or a network", RouteTargets),
    ("vips: a list of floating addresses", Vip),
    ("groups: one entry per group, by its name", Group),
    ("nodes: one entry per node, by its host's name", Node),
    ("suppressions.yaml", Suppressions),
    ("suppressions: a list, one entry per accepted kind of finding", Suppression),
)


def schema_text() -> str:
    """The schema as indented JSON; byte-stable for the same models."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Fabric.model_json_schema(),
        "title": "evpn-fleet fabric.yaml",
    }
    return json.dumps(schema, indent=1) + "\n"


def reference_text() -> str:
    """One table per section of the file: key, type, default, meaning."""
    parts = [BEGIN]
    for title, model in _SECTIONS:
        # What fabric, groups and nodes have in common stands behind what is their own.
        fields = sorted(model.model_fields.items(), key=lambda pair: pair[0] in Extras.model_fields)
        rows = "\n".join(_row(field.alias or name, field) for name, field in fields)
        parts.append(
            f"### `{title}`\n\n{(model.__doc__ or '').splitlines()[0]}\n\n"
            f"| key | value | default | meaning |\n|---|---|---|---|\n{rows}"
        )
    return "\n\n".join([*parts, END])


def _row(name: str, field: FieldInfo) -> str:
    meaning = field.description or "see below"
    return f"| `{name}` | {_kind(field.annotation)} | {_default(field)} | {meaning} |"


def _kind(annotation: Any) -> str:
    if annotation is type(None):
        return ""
    origin = get_origin(annotation)
    if origin is tuple:
        return f"list of {_kind(get_args(annotation)[0])}"
    if origin is dict:
        return "mapping"
    if args := get_args(annotation):
        return next((kind for kind in map(_kind, args) if kind), "")
    if isinstance(annotation, type):
        if issubclass(annotation, BaseModel):
            return "section"
        if issubclass(annotation, Enum):
            return "one of " + ", ".join(f"`{member.value}`" for member in annotation)
        names = {
            "date": "date, as 2030-12-31",
            "int": "number",
            "str": "text",
            "bool": "true or false",
        }
        if "Network" in annotation.__name__:
            return "prefix"
        return names.get(annotation.__name__, "address")
    return "value"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    default = field.default
    if default is None or default is PydanticUndefined:
        return "–"
    if default in ((), {}):
        return "empty"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, Enum):
        return f"`{default.value}`"
    if isinstance(default, tuple):
        return ", ".join(f"`{part}`" for part in default)
    # A pipe would end the table's cell.
    return "`" + str(default).replace("|", "\\|") + "`"
