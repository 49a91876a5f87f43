"""Builds the lab's images where they are not cached: `python tests/images.py`, before any lab."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.image import ensure_images
from lab.paths import lab_paths

if __name__ == "__main__":
    ensure_images(lab_paths(), ("bookworm", "trixie"), lambda text: print(text, file=sys.stderr))
