"""`sudoers`: least privilege on the nodes."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from app.offline import sudoers_file


class Purpose(StrEnum):
    """What an account is for."""

    AUDIT = "audit"
    DEPLOY = "deploy"


def register(app: typer.Typer) -> None:
    app.command()(sudoers)


def sudoers(
    user: Annotated[str, typer.Option(metavar="NAME", help="The account on the nodes.")],
    purpose: Annotated[Purpose, typer.Option("--for", help="What the account is for.")],
) -> None:
    """Prints a sudoers file for an account that audits or deploys.

    Example: run.py sudoers --user evpn-audit --for audit > evpn-fleet-audit
    """
    sys.stdout.write(sudoers_file(user, purpose.value))
