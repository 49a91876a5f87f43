"""docs/command-line.md: the reference of the command line, from the application itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup
from typer.main import get_command

from app.places import ROOT
from cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTRODUCTION = """# Command line

<!-- generated from the commands' own help by `python run.py dev regenerate` -->

`python run.py [OPTIONS] COMMAND …` from the checkout, or `evpn-fleet …` where it is installed.
Results go to stdout; progress and errors go to stderr.

| exit code | meaning |
|---|---|
| 0 | in sync, or done |
| 1 | error, wrong usage included |
| 2 | drift found, or a plan with changes |
| 3 | incomplete: some host could not be reached, collected or parsed |

**Environment.** Each option can be set by the environment variable in its row; the command line
has precedence. A switch takes `1` or `0`; a repeatable option takes values separated by blanks.
`NO_COLOR` and `COLUMNS` are honoured.

**Shell completion.** `evpn-fleet --install-completion` installs completion of commands and options
for your shell (bash, zsh, fish); `--show-completion` prints the script instead.
"""

# What click adds to an option's help: where else its value comes from.
_EXTRA = re.compile(r"(?P<text>.*?)\s*\[(?P<extra>(?:env var|default|required)\b.*)\]", re.DOTALL)


def reference_text() -> str:
    """The whole page, the same for every checkout: no path of this machine is in it."""
    root = get_command(app)
    context = typer.Context(root, info_name="python run.py", **root.context_settings)
    sections = "\n".join(_sections(context, "Options of all commands"))
    return (_INTRODUCTION + "\n" + sections).replace(f"{ROOT}/", "")


def _sections(context: typer.Context, title: str) -> Iterator[str]:
    """A command's own section, then those of the commands below it."""
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"## {title}\n\n{_help(command.help or '')}\n\n```text\n{usage}\n```\n"
    rows = list(_rows(context))
    if rows:
        yield "| | meaning | variable, default |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    if isinstance(command, TyperGroup):
        above = "" if context.parent is None else f"{title} "
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                below = typer.Context(
                    inner, info_name=name, parent=context, **inner.context_settings
                )
                yield from _sections(below, above + name)


def _help(text: str) -> str:
    paragraphs = []
    for paragraph in text.split("\n\n"):
        words, is_example, example = paragraph.partition("Example: ")
        paragraphs += [_escaped(words.strip())] if words.strip() else []
        paragraphs += [f"```sh\n{example.strip()}\n```"] if is_example else []
    return "\n\n".join(paragraphs)


def _rows(context: typer.Context) -> Iterator[str]:
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or "--help" in parameter.opts:
            continue
        name, said = record
        match = _EXTRA.fullmatch(said)
        text, extra = (match["text"], match["extra"]) if match else (said, "")
        extra = _escaped(_cell(extra.replace("env var: ", ""))).replace("; ", "<br>")
        yield "| " + " | ".join((f"`{_cell(name)}`", _escaped(_cell(text)), extra)) + " |"


def _cell(text: str) -> str:
    # A pipe would end the table's cell.
    return " ".join(text.split()).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Text as Markdown that shows it as it is: `<UTC time>` is not HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("*", "\\*")
