"""Hosts' files that are no configuration: refused, with file and line, before they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.errors import FleetError
from overlay.plainfile import strange

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def refuse_strange(files: Mapping[str, Mapping[str, str]], folder: Path | None = None) -> None:
    """Raises FleetError for a text that nobody wrote as a configuration file.

    What a command printed lies beside the files, and is not looked at.
    """
    for host, texts in files.items():
        for path, text in texts.items():
            found = strange(text) if path.startswith("/etc/") else None
            if found is not None:
                line, what = found
                place = f"{folder}/{host}{path}" if folder else f"{host}: {path}"
                raise FleetError(
                    f"{place}:{line}: {what}: this is no configuration file",
                    "copy the file again, or leave the host out",
                )
