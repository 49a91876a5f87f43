"""The size of the house: a module can be read at one sitting, a folder be seen at a glance."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


def test_each_dependency_is_pinned() -> None:
    """`setup.sh` installs what requirements.txt names, and nothing else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["test"], *extras["demo"]]
    pinned = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert {canonicalize_name(Requirement(text).name) for text in wanted} <= set(pinned)
