"""What the lab's tests without a lab share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.paths import LabPaths

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    return LabPaths(tmp_path / "state", tmp_path / "images", tmp_path / "run")
