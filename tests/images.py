"""What the lab's tests need of this computer: `python tests/images.py` gets it, before any test.

A kernel that boots, and an image of each release; fetched and built where they are not cached.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.errors import LabError
from lab.fabric import supported
from lab.image import ensure_images
from lab.paths import lab_paths
from lab.spec import Release

# The property of a test whose nodes of Debian testing ran its stand-in.
WITHOUT_TESTING = ("debian-testing", "stand-in")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


@cache
def lab_obstacle() -> str | None:
    """Why this computer cannot run the lab's tests, or None when it can."""
    try:
        if reason := supported(_say):
            return reason
        ensure_images(lab_paths(), get_args(Release), _say)
    except LabError as error:
        return str(error)
    return None


if __name__ == "__main__":
    lab_obstacle()
