"""The application: global options, the commands, and how errors become exit codes."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_group

from app import __version__
from app.context import Context
from app.exit_codes import ExitCode
from app.places import DEFAULT_INVENTORY
from lab.errors import LabError
from overlay.errors import FleetError, IntentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    # Typer has Click's classes in a module of its own that is not public.
    Command = Any

MODULES: Final = {
    "validate": "intent_commands",
    "render": "intent_commands",
    "lint": "adopt_commands",
    "plan": "fleet_commands",
    "collect": "fleet_commands",
    "deploy": "deploy_commands",
    "rollback": "deploy_commands",
    "audit": "audit_commands",
    "parse": "audit_commands",
    "report": "audit_commands",
    "compare": "audit_commands",
    "checks": "check_commands",
    "history": "history_commands",
    "schedule": "schedule_commands",
    "sudoers": "sudoers_command",
    "demo": "demo_command",
    "import": "adopt_commands",
    "lab": "lab_commands",
    "dev": "dev_commands",
}
"""Where each command is registered, in the order in which help lists them."""


class Commands(TyperGroup):
    """The group of all commands: it knows their names, and asks their modules for the rest."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        return list(MODULES)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As any group's; a name that is not known is compared with all that are."""
        if args and args[0] not in MODULES:
            for name in MODULES:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Command | None:
        """The command of that name, with those that its module has besides; None for no command."""
        if cmd_name not in self.commands and cmd_name in MODULES:
            self.commands.update(_commands_of(MODULES[cmd_name]))
        return super().get_command(ctx, cmd_name)


@cache
def _commands_of(module: str) -> dict[str, Command]:
    """The commands of one module. Typer reads all their signatures for it: once in a process."""
    theirs = typer.Typer(rich_markup_mode="rich")
    import_module(f"cli.{module}").register(theirs)
    return dict(get_group(theirs).commands)


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
