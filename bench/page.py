#!/usr/bin/env python3
"""Measures how long the HTML report of 2,000 nodes and 20,000 findings takes to open in Chromium.

The baseline is the report of one finding, opened by the same browser. Exits 1 over the budget.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "reports"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import fabrics
from chromium import CHROMIUM, Chromium
from measure import machine

import examples
from reports.html.page import html_text

_LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
_SEARCH = (
    "(() => { const begin = performance.now(); state.q = 'vxlan599'; showCauses();"
    " return performance.now() - begin; })()"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-r", "--rounds", type=int, default=3)
    parser.add_argument("-b", "--budget", type=float, default=3.0, help="seconds")
    parser.add_argument("page", type=Path, nargs="?", help="a report.html, in place of our own")
    options = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit("no Chromium on this computer: apt-get install chromium")
    print(machine())
    with tempfile.TemporaryDirectory() as folder, Chromium() as browser:
        small, large = Path(folder, "small.html"), options.page or Path(folder, "large.html")
        small.write_text(html_text(examples.report(*_one())), encoding="utf-8")
        if not options.page:
            large.write_text(html_text(fabrics.large()), encoding="utf-8")
        baseline, _ = _measure(browser, small, options.rounds)
        loaded, searched = _measure(browser, large, options.rounds)
    ratio = loaded / baseline
    print(
        f"opens after {loaded:.2f} s, baseline {baseline:.2f} s, ratio {ratio:.1f}; "
        f"search {searched:.3f} s"
    )
    return loaded > options.budget


def _one() -> tuple[object, object]:
    return examples.states(["leaf1"]), [examples.learning("leaf1", 2)]


def _measure(browser: Chromium, file: Path, rounds: int) -> tuple[float, float]:
    """Seconds until the page has loaded, and of one search; medians."""
    times = []
    for _ in range(rounds):
        page = browser.open(file, "")
        times.append((page.ask(_LOADED) / 1000, page.ask(_SEARCH) / 1000))
        page.close()
    loaded, searched = zip(*times, strict=True)
    return statistics.median(loaded), statistics.median(searched)


if __name__ == "__main__":
    sys.exit(main())
