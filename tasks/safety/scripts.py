"""The scripts of a backup: one restores what was replaced, one confirms the new. Pure.

Each is whole in itself: it needs nothing of us, and a person can run it.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.announce import announce_sections
from tasks.files import BACKUPS, OVERLAY_INTERFACES, STATE, SYSCTL
from tasks.frr.loading import FRR_START, frr_sections
from tasks.interfaces.made import made_devices
from tasks.safety.places import DECISION, KEPT_BACKUPS, LOCK
from tasks.steps import (
    interface_sections,
    is_interfaces,
    snat_sections,
    sysctl_sections,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.plan import FileChange
    from tasks.safety.manifest import Manifest
    from tasks.ssh.script import Section

_NODE = Path(__file__).resolve().parent / "node"
_RUNNING = frozenset({"active", "activating", "reloading"})


def restore_script(manifest: Manifest, changes: tuple[FileChange, ...], stage: str) -> str:
    """The script that undoes `changes`; `stage` is removed with them."""
    files = [_put_back(manifest, change.file.path) for change in changes]
    back = tuple(replace(c, before=c.after, after=c.before) for c in changes)
    parts = {
        "FILES": "\n".join(files),
        "RELOAD": "\n".join(f"    {line}" for line in _reload(manifest, back)),
    }
    return _filled("restore.sh", manifest, stage, parts)


def confirm_script(manifest: Manifest, stage: str) -> str:
    """The script that ends a deployment well: the switch is taken away, old backups go."""
    return _filled("confirm.sh", manifest, stage, {})


def boot_unit() -> str:
    """The unit that restores at boot what a power failure interrupted."""
    return _fill((_NODE / "boot.service").read_text(encoding="utf-8"), {"STATE": STATE})


def _filled(name: str, manifest: Manifest, stage: str, parts: dict[str, str]) -> str:
    values = {
        "NUMBER": manifest.number,
        "VERSION": manifest.version,
        "TOKEN": shlex.quote(manifest.token),
        "STATE": STATE,
        "LOCK": LOCK,
        "DECISION": DECISION,
        "STAGE": shlex.quote(stage),
        "KEPT": str(KEPT_BACKUPS),
    }
    text = (_NODE / name).read_text(encoding="utf-8")
    common = (_NODE / "common.sh").read_text(encoding="utf-8")
    # The parts come last: what is in them is never taken for a place to fill.
    return _fill(_fill(text, {"COMMON": common.rstrip("\n")}), values | parts)


def _fill(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _put_back(manifest: Manifest, path: str) -> str:
    record = manifest.record(path)
    if record is None or not record.existed:
        return f"put_away {shlex.quote(path)}"
    return f"put_back {shlex.quote(path)} {record.sha256}"


def _reload(manifest: Manifest, back: tuple[FileChange, ...]) -> Iterator[str]:
    """The same steps as an apply, the other way round; each with a last resort where one is."""
    frr = frr_sections(back)
    if frr and manifest.services.get("frr", "active") not in _RUNNING:
        yield f"{_try('frr-stop', 60, 'systemctl stop frr')} || bad=1"
    elif frr:
        yield from (_step(section) for section in frr[:-1])
        yield f"{_step(frr[-1])} || {_try('frr-restart', 180, FRR_START)} || bad=1"
    if sysctl := sysctl_sections(back):
        yield from (_step(section) for section in sysctl)
        # A key that the old file did not set has the value that it had.
        saved = f"{BACKUPS}/{manifest.number}/kernel.conf"
        yield _try("sysctl-old", 20, f"sysctl --quiet --ignore --load {saved}")
    yield from (f"{_step(section)} || bad=1" for section in snat_sections(back))
    if interfaces := interface_sections(back):
        restart = _last_resort(back)
        for section in interfaces:
            last_resort = f" || {restart} || bad=1" if section.slug == "ifreload" else ""
            yield _step(section) + last_resort
        yield from _swept(manifest, back)
    yield from (_step(section) for section in announce_sections(back))


def _last_resort(back: tuple[FileChange, ...]) -> str:
    if not any(change.file is OVERLAY_INTERFACES for change in back):
        return _try("networking-restart", 180, "systemctl restart networking")
    # In the overlay scope the underlay is not ours to restart.
    return _try("ifup", 180, "ifup --all --allow evpn")


def _swept(manifest: Manifest, back: tuple[FileChange, ...]) -> Iterator[str]:
    """Removes what only the new file made, should an interrupted ifreload have forgotten it."""
    links = f"{BACKUPS}/{manifest.number}/links"
    files = [change for change in back if is_interfaces(change.file)]
    before, after = (
        {name for state in states for name in made_devices(state.text or "")}
        for states in ([c.before for c in files], [c.after for c in files])
    )
    made = before - after
    for name in sorted(made):
        word = shlex.quote(name)
        command = (
            f"grep -qxF {word} {links} || [ ! -e /sys/class/net/{word} ] || ip link del {word}"
        )
        yield _try(f"sweep:{name}", 20, command)


def _step(section: Section) -> str:
    return _try(section.slug, section.timeout, section.command)


def _try(name: str, seconds: int, command: str) -> str:
    return f"try {shlex.quote(name)} {seconds} {shlex.quote(command)}"


def kernel_keys(changes: tuple[FileChange, ...]) -> tuple[str, ...]:
    """The kernel settings that a deployment sets, whose values are kept with the backup."""
    change = next((change for change in changes if change.file is SYSCTL), None)
    lines = (change.after.text or "").splitlines() if change else []
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return tuple(key.strip() for key, equals, _ in pairs if equals)
