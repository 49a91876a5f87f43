"""`demo`: the main job from end to end, on the embedded fabric or on recordings of it."""

from __future__ import annotations

from typing import Annotated

import typer

from app.demo import play
from cli.options import context_of


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    ctx: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the lab running afterwards.")] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Use recordings even if the lab can run.")
    ] = False,
    lab: Annotated[
        bool, typer.Option("--lab", help="Fail if the lab cannot run, instead of using recordings.")
    ] = False,
) -> None:
    """Shows the main job: boot a fabric, deploy it, audit it, break it, audit again.

    If the lab cannot run, it says why and replays recordings of it over real SSH.

    Example: run.py demo --replay
    """
    if lab and replay:
        raise typer.BadParameter("--lab and --replay exclude each other", param_hint="--lab")
    play(context_of(ctx), keep=keep, replay=replay, lab=lab)
