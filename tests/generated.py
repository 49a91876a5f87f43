"""Files that are made from the code: a test holds each to it, and `run.py dev regenerate` writes it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.regenerate import REGENERATE

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python run.py dev regenerate"
generated = pytest.mark.generated


def regenerating() -> bool:
    """Whether the tests are run by `dev regenerate`, to write what they otherwise compare."""
    return bool(os.environ.get(REGENERATE))


def hold(path: Path, text: str) -> None:
    """Fails if the file does not hold this text; writes it under `dev regenerate`."""
    written = path.read_text(encoding="utf-8") if path.exists() else None
    if regenerating() and written != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written = text
    assert written == text, f"{path.relative_to(ROOT)} is stale: run `{COMMAND}`, read its diff"
