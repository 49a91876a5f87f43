"""`lab …`: the embedded fabric, real Debian nodes on this computer."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from app.context import Context
from app.exit_codes import ExitCode
from cli.options import context_of
from lab import fabric, faults, guests, host
from lab.errors import LabError
from lab.spec import address_of, load_lab
from lab.ssh import shell_argv

if TYPE_CHECKING:
    from lab.fabric import LabStatus

lab_app = typer.Typer(
    help="The embedded fabric: complete Debian nodes on this computer (needs root on Debian).",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    app.add_typer(lab_app, name="lab")


@lab_app.command()
def up(
    ctx: typer.Context,
    machines_too: Annotated[
        bool, typer.Option("--machines", help="Also start the guests (deploy first).")
    ] = False,
) -> None:
    """Boots the nodes of the inventory's lab.yaml; nodes that run already stay as they are.

    Example: run.py lab up && run.py deploy --yes && run.py lab up --machines
    """
    context = context_of(ctx)
    spec = load_lab(context.inventory)
    status = fabric.up(spec, context.say)
    if machines_too:
        guests.start_all(spec)
        context.say(f"{len(spec.guests)} guests are running")
    _print_status(context, status)


@lab_app.command()
def down(
    ctx: typer.Context,
    purge: Annotated[
        bool, typer.Option("--purge", help="Also delete the lab's keys; images stay cached.")
    ] = False,
) -> None:
    """Stops the lab; leaves no process, namespace, tap or mount. `up` then boots blank nodes."""
    fabric.down(context_of(ctx).say, purge=purge)


@lab_app.command()
def status(ctx: typer.Context) -> None:
    """Shows each node and whether it answers. Exit code 0 if all do, 3 otherwise."""
    context = context_of(ctx)
    found = fabric.status(load_lab(context.inventory))
    _print_status(context, found)
    _print_kernel(context)
    raise typer.Exit(ExitCode.OK if found.up else ExitCode.INCOMPLETE)


def _print_status(context: Context, status: LabStatus) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("Node", "Debian", "SSH", "State", "Memory", "Kernel"):
        table.add_column(title)
    for node in status.nodes:
        memory = f"{node.memory_bytes >> 20} MiB" if node.memory_bytes else "-"
        address = f"{node.address}:{node.port}"
        style = None if node.state == "running" else "red"
        kernel = node.kernel or "-"
        table.add_row(node.name, node.release, address, node.state, memory, kernel, style=style)
    context.out.print(table)


def _print_kernel(context: Context) -> None:
    """Which kernel a node would be started on now, and why."""
    try:
        choice = fabric.choose_kernel(context.say)
    except LabError as error:
        context.out.print(f"Kernel: none; {error}", markup=False, soft_wrap=True)
        return
    text = f"Kernel: {choice.kernel.name} {choice.kernel.version}: {choice.why}"
    context.out.print(text, markup=False, soft_wrap=True)


@lab_app.command()
def shell(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="HOST", help="A node or a guest of lab.yaml.")],
) -> None:
    """Opens a shell on a node or inside a guest, or runs the commands of a file there.

    Examples: run.py lab shell node1; run.py lab shell node1 < commands.sh
    """
    spec = load_lab(context_of(ctx).inventory)
    # Of a file there is nobody to type into a terminal, nor to read what a login says.
    bash, terminal = ("bash", "-t") if sys.stdin.isatty() else ("bash -s", "-T")
    if name in spec.guests:
        guest = spec.guest(name)
        inside = [terminal, f"ip netns exec {guest.name} {bash}"]
        argv = [*shell_argv(spec.node(guest.node)), *inside]
    else:
        argv = shell_argv(spec.node(name)) + ([] if sys.stdin.isatty() else [terminal, bash])
    os.execvp(argv[0], argv)  # noqa: S606 - the user's own shell


@lab_app.command()
def ping(
    ctx: typer.Context,
    guest: Annotated[str, typer.Argument(help="The guest that sends the pings.")],
    target: Annotated[str, typer.Argument(help="An address, or another guest.")],
    count: Annotated[int, typer.Option("--count", "-c", min=1, max=1000)] = 3,
) -> None:
    """Pings from a guest. Exit code 0 if every packet came back, 2 otherwise."""
    context = context_of(ctx)
    spec = load_lab(context.inventory)
    sent, received = guests.ping(spec, guest, address_of(spec, target), count)
    context.out.print(f"{guest} -> {target}: {received} of {sent} packets came back")
    raise typer.Exit(ExitCode.OK if sent and received == sent else ExitCode.DRIFT)


@lab_app.command()
def power(
    ctx: typer.Context,
    node: Annotated[str, typer.Argument(help="A node of lab.yaml.")],
    state: Annotated[str, typer.Argument(help="`on`, or `off` for a power failure.")],
) -> None:
    """Cuts a node's power as if unplugged, or boots it again from its own disk."""
    context = context_of(ctx)
    spec = load_lab(context.inventory)
    if state == "off":
        fabric.power_off(spec, node)
    elif state == "on":
        fabric.power_on(spec, node, context.say)
    else:
        raise LabError(f"{state}: not a power state", "use `on` or `off`")


@lab_app.command()
def fault(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Name of the fault. Omitted: list them all.")
    ] = None,
    node: Annotated[str | None, typer.Option("--node", help="The node to break.")] = None,
    heal: Annotated[bool, typer.Option("--heal", help="Remove the fault.")] = False,
) -> None:
    """Breaks a node on purpose, in one way that an audit must find.

    Example: run.py lab fault flood-missing && run.py audit; run.py lab fault flood-missing --heal
    """
    context = context_of(ctx)
    if name is None:
        _print_faults(context)
        return
    spec = load_lab(context.inventory)
    if heal:
        found = faults.heal(spec, name, node)
        context.out.print(f"{node or found.node}: {name} is removed")
    else:
        found = faults.inject(spec, name, node)
        context.out.print(f"{node or found.node}: {found.breaks}", markup=False)


@lab_app.command(hidden=True)
def packages(ctx: typer.Context) -> None:
    """Prints the Debian packages that the lab needs, for `apt-get install`."""
    context_of(ctx).out.print(" ".join(host.packages()))


def _print_faults(context: Context) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("Fault", "Finding", "Node", "What it breaks"):
        table.add_column(title)
    for entry in faults.CATALOGUE.values():
        table.add_row(entry.name, entry.check, entry.node, entry.breaks)
    context.out.print(table)
