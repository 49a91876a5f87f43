"""The JSON Schema of `fabric.yaml`, for editors; `fabric.schema.json` is this, written down."""

from __future__ import annotations

import json

from overlay.intent import Fabric


def schema_text() -> str:
    """The schema as indented JSON; byte-stable for the same models."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Fabric.model_json_schema(),
        "title": "evpn-fleet fabric.yaml",
    }
    return json.dumps(schema, indent=1) + "\n"
