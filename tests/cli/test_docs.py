"""What the documents name must exist: links, pictures, commands and options."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted(
    path for path in ROOT.rglob("*.md")
    if not {".venv", "node_modules", "audits", ".git", ".pytest_cache"} & set(path.relative_to(ROOT).parts)
)  # fmt: skip


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_there_are_documents() -> None:
    assert ROOT / "README.md" in DOCUMENTS
    assert len(DOCUMENTS) >= 14


def test_every_command_of_the_readme_is_one() -> None:
    text = (ROOT / "README.md").read_text()
    commands = set(re.findall(r"^python run\.py (lab \w+|\w+)", text, re.MULTILINE))
    assert {"validate", "plan", "deploy", "audit", "lab up", "lab down"} <= commands
    for command in sorted(commands):
        done = subprocess.run(
            [sys.executable, ROOT / "run.py", *command.split(), "--help"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_folders_that_the_readme_names_exist() -> None:
    text = (ROOT / "README.md").read_text()
    for folder in re.findall(r"`((?:examples/)?[a-z0-9-]+(?:/[a-z0-9-]+)*)/?`", text):
        if folder.startswith("examples/") or f"`{folder}/`" in text:
            assert (ROOT / folder).exists(), folder
