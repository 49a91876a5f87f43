"""The options that several commands share, and the state of the run that they act on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from app.context import Context

LimitOption = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="NAME[,NAME…]", help="Only hosts of these names (globs)."),
]
FilterOption = Annotated[
    list[str] | None,
    typer.Option("--filter", metavar="KEY=VALUE", help="Only hosts whose inventory data match."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, max=500, help="Number of hosts handled in parallel.")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Have the workers of this Dask scheduler (tls://… or tcp://…) ask the hosts, each "
        "by one of its `site`. Each worker's --nthreads counts, not --workers.",
    ),
]
ClusterOption = Annotated[
    int,
    typer.Option(
        "--cluster",
        metavar="N",
        min=0,
        max=64,
        help="The same with a Dask cluster of N workers on this computer, started for this run.",
    ),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=1,
        help="Time for each node, its connection included; a single command gets all of it but 6 "
        "s. Default: `timeout` in the data of the host or its group, else 26.",
    ),
]
ForeignOption = Annotated[
    bool,
    typer.Option(
        "--replace-foreign",
        help="Remove statements that the intent does not derive and evpn-fleet did not write.",
    ),
]
FolderOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write to.")
]
HistoryOption = Annotated[
    Path | None,
    typer.Option(
        "--history",
        metavar="FILE",
        envvar="EVPN_FLEET_HISTORY",
        help="History of audits. Default: audits/history.sqlite.",
    ),
]


def context_of(ctx: typer.Context) -> Context:
    """The Context that the main callback made."""
    return cast("Context", ctx.obj)
