"""The size of the house: a module can be read at one sitting, a folder be seen at a glance."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 400
MOST_MODULES = 20


def modules() -> list[Path]:
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
    return [path for path in found if not any(part.startswith(".") for part in path.parts)]


def test_no_module_is_longer_than_400_lines() -> None:
    lines = {
        path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in modules()
    }
    assert len(lines) > MOST_LINES, "there are hundreds of modules"
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_no_folder_has_more_than_20_modules() -> None:
    folders = Counter(path.parent for path in modules())
    assert {folder: count for folder, count in folders.items() if count > MOST_MODULES} == {}
