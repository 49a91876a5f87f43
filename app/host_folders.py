"""Folders of hosts' files, as `render` lays them: `DIR/HOST/etc/…` → texts by host and path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.errors import FleetError
from overlay.loading import FABRIC_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REPORT = "import.md"

_LAYOUT = "lay them as `render` does: DIR/HOST/etc/network/interfaces, DIR/HOST/etc/frr/frr.conf"
# A configuration file is some kilobytes; what is larger is something else.
_LARGEST = 4_000_000
_READ = (
    "etc/network/**/*",
    "etc/frr/frr.conf",
    "etc/frr/daemons",
    "etc/sysctl.conf",
    "etc/sysctl.d/*",
)


def read_folder(folder: Path) -> dict[str, dict[str, str]]:
    """The files of each host below `folder`. Raises FleetError where there are none."""
    if not folder.is_dir():
        raise FleetError(f"{folder}: there is no such folder", _LAYOUT)
    found = {}
    for host in sorted(folder.iterdir()):
        texts = {
            f"/{path.relative_to(host).as_posix()}": _text(path)
            for pattern in _READ
            for path in sorted(host.glob(pattern))
            if path.is_file()
        }
        if texts:
            found[host.name] = texts
    if not found:
        raise FleetError(f"{folder}: no host's files are in it", _LAYOUT)
    return found


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise FleetError(
                f"{path}: it has more than {_LARGEST} bytes, so it is not a configuration file",
                "remove it from the folder",
            )
        return path.read_bytes().decode("utf-8", errors="backslashreplace")
    except OSError as error:
        raise FleetError(f"{path}: cannot be read: {error.strerror}", "mend that, retry") from None


def refuse_inventory(folder: Path) -> None:
    """Raises FleetError where an intent lies in `folder` already: a person may have edited it."""
    if (folder / FABRIC_FILE).exists():
        raise FleetError(
            f"{folder}: there is a {FABRIC_FILE} already", "name another --output, or move it away"
        )


def write_inventory(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files into a folder, which is made where it is not there yet."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FleetError(f"{folder}: cannot be written: {error}", "name another --output") from None
