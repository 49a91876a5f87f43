"""Files of hosts as `render` lays them: read from a folder, or rendered from an intent."""

from __future__ import annotations

from pathlib import Path

from adopt.hostfiles import read_hosts

HERE = Path(__file__).parent
SEED = HERE / "seed"
EXAMPLES = HERE.parent.parent / "examples"
LIVE = HERE.parent / "live"


def texts(folder: Path) -> dict[str, dict[str, str]]:
    return {
        host.name: {
            f"/{path.relative_to(host)}": path.read_text(encoding="utf-8")
            for path in sorted(host.rglob("*"))
            if path.is_file()
        }
        for host in sorted(folder.iterdir())
    }


def hosts(folder: Path):
    return read_hosts(texts(folder))
