"""What a backup says of itself: who replaced what, when, for which intent. JSON on the node."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from overlay.errors import ParseError

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One managed file as it was before (`sha256`, `meta`; None: there was none) and after."""

    path: str
    existed: bool
    meta: str
    sha256: str | None
    deployed_sha256: str | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """One deployment on one node. `kind` is `deploy` or `rollback to NUMBER`.

    `services` maps a unit to the state that it was in (`active`, `inactive`, …). `token` is no
    other deployment's: two that look at a node at the same time choose the same number.
    """

    number: str
    kind: str
    version: str
    intent: str
    who: str
    at: str
    token: str
    files: tuple[FileRecord, ...] = ()
    services: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """One line, so that a shell can print many of them."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Reads what `to_json` wrote. Raises ParseError: a node's file may hold anything."""
        try:
            found = json.loads(text)
            if found.pop("schema") != SCHEMA:
                raise ValueError("written by another version")  # noqa: TRY301
            files = tuple(FileRecord(**record) for record in found.pop("files"))
            services = {str(unit): str(state) for unit, state in found.pop("services").items()}
            manifest = cls(**found, files=files, services=services)
            texts = (manifest.number, manifest.kind, manifest.version, manifest.intent)
            names = (manifest.who, manifest.at, manifest.token)
            if not all(isinstance(said, str) for said in (*texts, *names)):
                raise TypeError("a field is not text")  # noqa: TRY301
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise ParseError(
                f"a backup's manifest.json cannot be read: {error}",
                "look at it on the node; the backup's files can still be put back by hand",
            ) from None
        return manifest

    def record(self, path: str) -> FileRecord | None:
        return next((record for record in self.files if record.path == path), None)
