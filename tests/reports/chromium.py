"""Headless Chromium without a driver: opens a file, runs a script in it if told, gives its DOM."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_CSP = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--enable-logging=stderr",
    "--window-size=1280,1600",
    "--virtual-time-budget=4000",
)


@dataclass(frozen=True)
class Page:
    """What a page became: its DOM as text, and what it wrote to the console."""

    dom: str
    console: tuple[str, ...]

    def elements(self, tag: str, name: str = "") -> list[dict[str, str]]:
        """Return the attributes of each element of that tag and class."""
        reader = _Reader()
        reader.feed(self.dom)
        return [
            attributes
            for found, attributes in reader.found
            if found == tag and (not name or name in attributes.get("class", "").split())
        ]

    def text(self, marker: str) -> str:
        """Return the text after a literal piece of markup, up to the next tag."""
        return self.dom.partition(marker)[2].partition("<")[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {key: value or "" for key, value in attrs}))


def without_policy(html: str) -> str:
    """Return a page without its content security policy: what it forbids must fail without it too."""
    found, count = _CSP.subn("", html)
    assert count == 1
    return found


def open_page(html: str, folder: Path, fragment: str = "", script: str = "") -> Page:
    """Open a page; `script` runs after the page's own, which needs its policy taken off."""
    if script:
        html = without_policy(html).replace("</body>", f"<script>{script}</script></body>")
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [
                str(CHROMIUM),
                *_FLAGS,
                f"--user-data-dir={profile}",
                "--dump-dom",
                file.as_uri() + fragment,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            errors="replace",
        )
    console = tuple(line for line in done.stderr.splitlines() if ":CONSOLE" in line)
    # With scripts on, `noscript` is one text to Chromium, but not to a reader of its output.
    return Page(re.sub("<noscript>.*?</noscript>", "", done.stdout, flags=re.DOTALL), console)
