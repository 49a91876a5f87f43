"""The application: global options, the commands, and how errors become exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from app import __version__
from app.context import Context
from app.exit_codes import ExitCode
from app.places import DEFAULT_INVENTORY
from cli.commands import Commands
from lab.errors import LabError
from overlay.errors import FleetError, IntentError

if TYPE_CHECKING:
    from collections.abc import Sequence


app = typer.Typer(
    name="evpn-fleet",
    cls=Commands,
    help="Deploys VXLAN / BGP-EVPN overlays on Debian and Proxmox hosts and audits their drift.\n\n"
    "Exit codes: 0 in sync or done, 1 error, 2 drift or a plan with changes, 3 incomplete.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"auto_envvar_prefix": "EVPN_FLEET", "help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"evpn-fleet {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    inventory: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder with fabric.yaml, hosts.yaml, groups.yaml.")
    ] = DEFAULT_INVENTORY,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Print more (evidence lines, steps).")
    ] = 0,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="No progress output; an audit in sync prints nothing."),
    ] = False,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    ctx.obj = Context(inventory=inventory, verbosity=verbose, quiet=quiet)


def run(arguments: Sequence[str], program: str = "run.py") -> int:
    """Runs one command line and returns its exit code; prints errors, never a traceback.

    `program` is what the user called: help, errors and shell completion name it.
    """
    try:
        result = app(list(arguments), standalone_mode=False, prog_name=program)
    except IntentError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return _fail(error.what, error.hint)
    except (FleetError, LabError) as error:
        return _fail(error.what, error.hint)
    except TyperException as error:
        return _usage(error)
    except typer.Abort:
        return _fail("stopped before it was finished", "")
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; there is nobody left to tell.
        sys.stderr.close()
        return ExitCode.ERROR
    if isinstance(result, int):
        return ExitCode.ERROR if result == 130 else result
    return ExitCode.OK


def _fail(what: str, hint: str) -> int:
    print(f"Error: {what}" + (f"\n  next: {hint}" if hint else ""), file=sys.stderr)
    return ExitCode.ERROR


def _usage(error: TyperException) -> int:
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "run.py"
    said = error.format_message()
    print(
        said if said.startswith("Usage") else f"Error: {said}\n  next: {where} --help",
        file=sys.stderr,
    )
    return ExitCode.ERROR


def console() -> None:
    """Entry point of the installed command `evpn-fleet`."""
    sys.exit(run(sys.argv[1:], "evpn-fleet"))
