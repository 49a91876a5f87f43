"""MkDocs' hook: what the repository keeps outside docs/ is in the site too, linked as on disk.

The README is the site's home. Links are written so that they lead somewhere in a checkout and on a
forge; here each one is turned into the place that its target has in the site.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "README.md"
OUTSIDE = ("*.md", "bench/*.md", "examples/*/*.md", "examples/*/*.yaml", "*/*.schema.json")
_LINK = re.compile(r"\]\((?P<target>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the files outside docs/, at the place that they have in the repository."""
    for pattern in OUTSIDE:
        for path in sorted(ROOT.glob(pattern)):
            uri = "index.md" if path == HOME else path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links between files on disk into links between the same files in the site."""
    _ = config
    source = Path(page.file.abs_src_path or "")
    places = {Path(file.abs_src_path): file.src_uri for file in files if file.abs_src_path}

    def moved(link: re.Match[str]) -> str:
        place = places.get((source.parent / link["target"]).resolve())
        if place is None:
            return link[0]
        target = os.path.relpath(place, Path(page.file.src_uri).parent)
        return f"]({target}{link['anchor'] or ''})"

    return _LINK.sub(moved, markdown)
