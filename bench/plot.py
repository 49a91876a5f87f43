#!/usr/bin/env python3
"""Draws what `facts.py --output DIR` measured: `plot.py DIR/figures.json docs/images/growth.svg`.

It needs matplotlib, which nothing else here does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from matplotlib import pyplot as plt

STEPS = ("load", "receive", "reduce", "report.json", "report.html")
MEMORY = ("memory of the intent", "memory with facts", "memory")


def main() -> int:
    plt.switch_backend("svg")
    # The same figures draw the same bytes.
    plt.rcParams |= {"svg.hashsalt": "evpn-fleet", "svg.fonttype": "none"}
    source, target = map(Path, sys.argv[1:])
    figures = {int(size): said for size, said in json.loads(source.read_text()).items()}
    sizes = sorted(figures)
    picture, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for step in STEPS:
        left.plot(sizes, [figures[n][step] for n in sizes], marker="o", label=step)
    for what in MEMORY:
        right.plot(sizes, [figures[n][what] / 1024 for n in sizes], marker="o", label=what)
    for axes, unit in ((left, "seconds of CPU"), (right, "GiB at the peak")):
        axes.set(xscale="log", yscale="log", xlabel="nodes", ylabel=unit)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize="small")
    picture.savefig(target, metadata={"Date": None, "Creator": None})
    return 0


if __name__ == "__main__":
    sys.exit(main())
