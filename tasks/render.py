"""Rendering: one node's derived intent → the text of its managed files, with nornir-jinja2."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jinja2
from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.exceptions import UndefinedError
from nornir.core.processor import Processors
from nornir.core.task import Result, Task
from nornir.plugins.runners import SerialRunner
from nornir_jinja2.plugins.tasks import template_file

from overlay.errors import FleetError
from overlay.names import may_be_absent
from overlay.redaction import HIDDEN
from parsers.frr import leave_blocks
from parsers.interfaces import lines_added, passages_beside, written
from tasks.files import MARK, SNAT, files_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2.bccache import Bucket

    from overlay.expected import FabricIntent, NodeIntent
    from tasks.secrets.passwords import Passwords
    from tasks.ssh.fleet import Fleet

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


@cache
def environment() -> Environment:
    """The one Jinja2 environment of the process; an undefined or None value is an error."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files are not HTML
        finalize=_refuse_none,
        bytecode_cache=_compiled(),
    )
    env.filters["closed"] = closed
    env.filters["kept_lines"] = kept_lines
    env.filters["kept_devices"] = kept_devices
    env.filters["onoff"] = lambda value: "on" if value else "off"
    env.tests["may_be_absent"] = may_be_absent
    env.globals["snat_file"] = SNAT.path
    return env


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates in a folder; one that goes away or is full is as good as none."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def _compiled() -> FileSystemBytecodeCache | None:
    """What earlier commands compiled, in the user's cache; None where it cannot be kept safely.

    It is run as it is, so the folder must be this user's and closed to all others.
    """
    try:
        wanted = Path(os.environ.get("XDG_CACHE_HOME", ""))
        base = wanted if wanted.is_absolute() else Path.home() / ".cache"
        folder = base / "evpn-fleet" / "templates"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        # Jinja asks for the templates' text only; how they are compiled is said in this module.
        made_by = jinja2.__version__.encode() + Path(__file__).read_bytes()
    except (OSError, RuntimeError):
        return None
    closed_to_others = found.st_uid == os.geteuid() and not found.st_mode & 0o077
    if not stat.S_ISDIR(found.st_mode) or not closed_to_others:
        return None
    return _Compiled(str(folder), f"{hashlib.sha256(made_by).hexdigest()[:16]}-%s")


def closed(text: str) -> str:
    """Statements of a frr.conf with every block left in the end, so that what follows is not in it.

    Blanks at the ends of lines and empty lines are taken away.
    """
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join([*lines, *leave_blocks(text)])


def kept_lines(node: NodeIntent, device: str) -> tuple[str, ...]:
    """What `interfaces_extra` adds to the stanza of a device that is ours."""
    return lines_added(node.interfaces_extra, device)


def kept_devices(node: NodeIntent) -> str:
    """What `interfaces_extra` says of devices that are not ours."""
    return written(passages_beside(node.interfaces_extra, node.own_devices))


def _refuse_none(value: Any) -> Any:
    if value is None:
        raise UndefinedError("a template printed None: the intent lacks what it needs")
    return value


def managed_line(node: NodeIntent) -> str:
    """The first line of each managed file, which tells a person where its content comes from."""
    return f"{MARK} for {node.name}: do not edit, change the intent and deploy"


def render_files(task: Task, intent: FabricIntent, passwords: Passwords = HIDDEN) -> Result:
    """Nornir task: the host's managed files; result is a dict from path on the node to text.

    Unless `passwords` are given, `<redacted>` stands in their places.
    """
    node = intent.nodes[task.host.name]
    rendered = {
        file.path: template_file(
            task,
            template=file.template,
            jinja_env=environment(),
            node=node,
            managed=managed_line(node),
            passwords=passwords,
        ).result
        for file in files_of(node)
    }
    return Result(host=task.host, result=rendered)


def render_all(fleet: Fleet, intent: FabricIntent) -> Iterator[tuple[str, dict[str, str]]]:
    """Every chosen host's files, one host at a time, so that memory does not grow with hosts.

    No password is in them, as in those of `render_host`.
    """
    # Rendering is bound by the interpreter: threads would only keep all results at once.
    return ((name, render_host(fleet, intent, name)) for name in fleet.hosts)


def render_host(fleet: Fleet, intent: FabricIntent, name: str) -> dict[str, str]:
    """One host's files: by path on the node, the text. From any thread."""
    fields = {"intent": intent}  # Nornir annotates a task's own arguments as text; they may be any
    task = Task(render_files, fleet.nornir, False, Processors([]), **cast("Any", fields))
    host = fleet.nornir.inventory.hosts[name]
    result = SerialRunner().run(task, [host])[name][0]
    if result.failed:
        raise FleetError(
            f"{name}: its files cannot be rendered: {result.exception}",
            "this is a bug in evpn-fleet: please report it",
        )
    files: dict[str, str] = result.result
    return files
