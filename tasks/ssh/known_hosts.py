"""The host keys that are accepted: known_hosts files, each read once for a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko

from overlay.errors import FleetError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """A known_hosts file, read once for all connections of a run: each would take 0.4 s else."""

    path: Path
    keys: paramiko.HostKeys
    plain: dict[str, list[paramiko.PKey]]

    @classmethod
    def read(cls, path: Path) -> KnownHosts:
        """Reads `path`; a file that is absent knows nobody, so that each host says so itself."""
        keys = paramiko.HostKeys()
        if path.is_file():
            try:
                keys.load(str(path))
            except (OSError, paramiko.SSHException, UnicodeDecodeError) as error:
                raise FleetError(
                    f"{path}: cannot be read as known_hosts: {error}", "correct or remove that line"
                ) from None
        plain: dict[str, list[paramiko.PKey]] = {}
        for entry in keys._entries:  # type: ignore[attr-defined]  # noqa: SLF001 - else a scan each
            for name in entry.hostnames or ():
                plain.setdefault(name, []).append(entry.key)
        return cls(path, keys, plain)

    def of(self, name: str) -> list[paramiko.PKey]:
        """The keys of one host, by its known_hosts name; hashed names are found too."""
        found = self.plain.get(name)
        return found if found is not None else list((self.keys.lookup(name) or {}).values())
