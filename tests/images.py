"""Builds the lab's images where they are not cached: `python tests/images.py`, before any lab.

Exit status 1 says that this machine cannot run the lab.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.fabric import supported
from lab.image import ensure_images
from lab.paths import lab_paths
from lab.spec import Release

if __name__ == "__main__":
    if supported() is not None:
        sys.exit(1)
    ensure_images(lab_paths(), get_args(Release), lambda text: print(text, file=sys.stderr))
