"""Takes the pictures of the documentation: the replayed demo's report, in headless Chromium.

Run it from anywhere with the project's Python; it needs Debian's `chromium`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = Path(__file__).resolve().parent / "images"
REPORT = ROOT / "audits" / "demo" / "fault" / "report.html"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def main() -> int:
    """Replays the demo and writes `images/report.png`; the exit code of what failed, or 0."""
    subprocess.run([sys.executable, ROOT / "run.py", "-q", "demo", "--replay"], check=True)
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                "chromium",
                *FLAGS,
                f"--user-data-dir={profile}",
                "--window-size=1280,1130",
                f"--screenshot={IMAGES / 'report.png'}",
                REPORT.as_uri(),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
