"""Hosts' files that are no configuration: refused, with file and line, before they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The frr.conf of a reflector with 4,000 clients has some ten thousand lines; FRR and ifupdown2
# themselves give up long before a line of this length.
_MOST_LINES = 200_000
_LONGEST_LINE = 100_000


def refuse_strange(files: Mapping[str, Mapping[str, str]], folder: Path | None = None) -> None:
    """Raises FleetError for a text that nobody wrote as a configuration file.

    What a command printed lies beside the files, and is not looked at.
    """
    for host, texts in files.items():
        for path, text in texts.items():
            found = _strange(text) if path.startswith("/etc/") else None
            if found is not None:
                line, what = found
                place = f"{folder}/{host}{path}" if folder else f"{host}: {path}"
                raise FleetError(
                    f"{place}:{line}: {what}: this is no configuration file",
                    "copy the file again, or leave the host out",
                )


def _strange(text: str) -> tuple[int, str] | None:
    """The line that gives it away, and what is wrong with it."""
    if (at := text.find("\0")) >= 0:
        return text.count("\n", 0, at) + 1, "it holds a NUL byte"
    lines = text.split("\n")
    if len(lines) > _MOST_LINES:
        return _MOST_LINES + 1, f"it has {len(lines)} lines"
    if len(text) > _LONGEST_LINE:
        for number, line in enumerate(lines, start=1):
            if len(line) > _LONGEST_LINE:
                return number, f"a line of {len(line)} characters"
    return None
