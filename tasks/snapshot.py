"""Snapshots: `DIR/<host>/<slug>.txt|json`, raw output only, beside a `snapshot.json` about them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from overlay.errors import SnapshotError
from overlay.records import RawOutput
from overlay.redaction import redact
from tasks.commands import BY_SLUG, TEXT_SLUGS, HostCapture

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

_META = "snapshot.json"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class _Meta:
    """What the raw texts cannot say: `error` per host; rc, stderr and truncation per command."""

    hosts: dict[str, Any]


def write_capture(folder: Path, capture: HostCapture) -> None:
    """Writes one host's raw outputs below `folder`; what an earlier snapshot left goes."""
    if not _SAFE.fullmatch(capture.host):
        raise SnapshotError(
            f"{capture.host!r} cannot be a folder's name", "use letters, digits, '_', '.', '-'"
        )
    place = folder / capture.host
    try:
        place.mkdir(parents=True, exist_ok=True)
        for slug in BY_SLUG:
            path = place / _name(slug)
            if slug in capture.outputs:
                path.write_bytes(_kept(slug, capture.outputs[slug].text).encode())
            else:
                path.unlink(missing_ok=True)  # an old output would pass for one of this moment
    except OSError as error:
        raise SnapshotError(
            f"{place}: cannot be written: {error}", "check free space and permissions"
        ) from None


def _kept(slug: str, text: str) -> str:
    """What a snapshot keeps of an output: a configuration may hold passwords, the rest cannot."""
    return text if slug in TEXT_SLUGS or BY_SLUG[slug].suffix == "json" else redact(text)


def as_kept(capture: HostCapture) -> HostCapture:
    """The capture as a snapshot keeps it, without secrets: so it may travel."""
    outputs = {
        slug: replace(output, text=_kept(slug, output.text))
        for slug, output in capture.outputs.items()
    }
    return replace(capture, outputs=outputs)


def write_meta(folder: Path, captures: Iterable[HostCapture]) -> None:
    """Writes `snapshot.json`: which hosts answered, and how each command ended."""
    hosts = {
        capture.host: {
            "error": capture.error,
            "commands": {
                slug: {"rc": out.rc, "stderr": out.stderr, "truncated": out.truncated}
                | ({"ended": out.ended} if out.ended else {})
                for slug, out in sorted(capture.outputs.items())
            },
        }
        for capture in sorted(captures, key=lambda capture: capture.host)
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"schema": "1", "hosts": hosts}, indent=1) + "\n"
    (folder / _META).write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot's folder and what is said of a host in its snapshot.json; `open_snapshot`s it."""

    folder: Path
    said: dict[str, Any]

    def read(self, host: str) -> HostCapture:
        """What it holds of a host; one without a folder has an error that says so."""
        return _read_host(self.folder, host, self.said.get(host, {}))

    def of(self, host: str) -> Snapshot:
        """The same, knowing no more than what is said of one host."""
        return Snapshot(self.folder, {host: self.said[host]} if host in self.said else {})

    def holds(self, host: str) -> bool:
        """Whether anything is known of a host."""
        place = self.folder / host
        return host in self.said or any((place / _name(slug)).is_file() for slug in BY_SLUG)


def open_snapshot(folder: Path, hosts: Collection[str]) -> Snapshot:
    """The snapshot in `folder`; one without snapshot.json is read all the same.

    Raises SnapshotError when there is no such folder, or when none of `hosts` is in it.
    """
    if not folder.is_dir():
        raise SnapshotError(f"{folder}: there is no such folder", "make one with `collect`")
    snapshot = Snapshot(folder, _read_meta(folder).hosts)
    if not any(map(snapshot.holds, hosts)):
        raise SnapshotError(
            f"{folder}: it has no folder of any host of this inventory",
            "a snapshot is DIR/<host>/<slug>.txt, such as DIR/node1/bridge_fdb.txt",
        )
    return snapshot


def read_snapshot(folder: Path, hosts: Collection[str]) -> list[HostCapture]:
    """All that `folder` holds of `hosts`. Raises SnapshotError as `open_snapshot` does."""
    snapshot = open_snapshot(folder, hosts)
    return [snapshot.read(host) for host in hosts]


def _read_meta(folder: Path) -> _Meta:
    path = folder / _META
    if not path.is_file():
        return _Meta({})
    try:
        hosts = json.loads(path.read_text(encoding="utf-8"))["hosts"]
        return _Meta({name: _checked(said) for name, said in hosts.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotError(
            f"{path}: not a snapshot's description: {error!r}", "remove it, or collect again"
        ) from None


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    commands = {slug: dict(how) for slug, how in said.get("commands", {}).items()}
    return {"error": said.get("error"), "commands": commands}


def _read_host(folder: Path, host: str, said: dict[str, Any]) -> HostCapture:
    place = folder / host
    if said.get("error"):
        return HostCapture(host, {}, str(said["error"]))
    if not place.is_dir():
        return HostCapture(host, {}, f"{host}: the snapshot has no folder of that name")
    outputs = {}
    for slug in BY_SLUG:
        path = place / _name(slug)
        if path.is_file():
            how = said.get("commands", {}).get(slug, {})
            outputs[slug] = RawOutput(
                path.read_bytes().decode("utf-8", "replace"),  # line ends as they were printed
                how.get("rc", 0),
                how.get("stderr", ""),
                how.get("truncated", False),
                str(how.get("ended", "")),
            )
    return HostCapture(host, outputs)


def _name(slug: str) -> str:
    return f"{slug}.{BY_SLUG[slug].suffix}"
