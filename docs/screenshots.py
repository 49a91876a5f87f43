"""Takes the pictures of the documentation: the replayed demo's reports, in headless Chromium.

Run it from anywhere with the project's Python; it needs Debian's `chromium`. What is shown was
recorded on the lab.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.reports.chromium import Chromium

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
AUDITS = ROOT / "audits" / "demo"


@dataclass(frozen=True)
class Picture:
    """One picture: of which audit, at which state of its page, from which part of it on."""

    name: str
    audit: str
    fragment: str = ""
    top: str = "body"
    width: int = 1180
    height: int = 860
    dark: bool = False


PICTURES = (
    Picture("report", "fault", height=1000),
    Picture("clean", "clean"),
    Picture("node", "fault", "#node=node2", top="#one-node"),
    Picture("dark", "fault", dark=True),
    Picture("matrix", "fault", top="#reachability"),
)


def main() -> int:
    """Replays the demo and writes `images/*.png`; the exit code of what failed, or 0."""
    subprocess.run([sys.executable, ROOT / "run.py", "-q", "demo", "--replay"], check=True)
    with Chromium() as browser:
        for picture in PICTURES:
            page = browser.open(
                AUDITS / picture.audit / "report.html",
                picture.fragment,
                width=picture.width,
                height=picture.height,
                dark=picture.dark,
            )
            page.ask(f"document.querySelector('{picture.top}').scrollIntoView()")
            page.picture(IMAGES / f"{picture.name}.png")
            page.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
