"""The commands by name, each loaded when it is asked for: `validate` must not wait for SSH."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

if TYPE_CHECKING:
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
            theirs = typer.Typer(rich_markup_mode="rich")
            import_module(f"cli.{MODULES[cmd_name]}").register(theirs)
            self.commands.update(get_group(theirs).commands)
        return super().get_command(ctx, cmd_name)
