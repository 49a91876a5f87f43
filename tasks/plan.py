"""Planning: what is on a node against what would be deployed, file by file. Changes nothing."""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from nornir.core.task import Result, Task

from overlay.errors import CommandError, DeployError, FleetError
from overlay.redaction import REDACTED, redact
from overlay.values import version_of
from parsers.frr import frr_version
from tasks.files import (
    FRR_CONF,
    OPTIONAL_FILES,
    SNAT,
    ManagedFile,
    files_of,
    interfaces_file,
)
from tasks.foreign.statements import (
    KEPT_BY,
    foreign_in_running,
    foreign_statements,
    last_deployed,
)
from tasks.render import render_files
from tasks.scopes import SLUG, elsewhere_section, left_alone, require_scope
from tasks.ssh.fleet import connect, needs_sudo, run_on_one
from tasks.ssh.script import Section, build_script, split_output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from overlay.expected import FabricIntent, NodeIntent
    from overlay.records import RawOutput
    from tasks.foreign.statements import Foreign
    from tasks.secrets.passwords import Passwords
    from tasks.ssh.connection import FleetSSH
    from tasks.ssh.fleet import Fleet

# A file that somebody put in a managed place may be anything; no configuration is larger.
_FILE_CAP = 8 * 1024 * 1024
_RUNNING = "running"
# The program's word, not the daemon's: a deployment may start that for the first time.
_FRR_VERSION = "/usr/lib/frr/bgpd --version"
# What both ends of a link of a routed underlay must say alike to be neighbours.
_AGREED = re.compile(
    r"^(?:(router (?:ospf|isis|openfabric)\b| ip ospf hello-interval .*)"
    r"| neighbor \S+ (interface v6only) )",
    re.MULTILINE,
)
_BGPD = re.compile(r"^bgpd version (\d{1,3}(?:\.\d{1,3})+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it lies on a node; `text` is None when there is none. `meta` is mode and owner.

    `sha256` is of its very bytes, which a text may not show.
    """

    text: str | None
    meta: str = ""
    sha256: str | None = field(default=None, compare=False)


def sha256_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class FileChange:
    """One managed file that differs on a node: in its text, its mode or its owner."""

    file: ManagedFile
    before: FileState
    after: FileState

    def diff(self) -> str:
        """The unified diff, with passwords redacted; a line of its own for mode and owner."""
        path = self.file.path
        old, new = _redacted(self.before.text or "", self.after.text or "")
        lines = difflib.unified_diff(
            old.splitlines(),
            new.splitlines(),
            path if self.before.text is not None else "/dev/null",
            path if self.after.text is not None else "/dev/null",
            lineterm="",
        )
        said = list(lines)
        if not said and self.before.text == self.after.text:
            said = [f"--- {path}", f"+++ {path}"]
        elif not said:
            said = [f"--- {path}", f"+++ {path}", "# differs only in line ends or in a secret"]
        there = self.before.text is not None and self.after.text is not None
        if there and self.before.meta != self.after.meta:
            said.append(f"# mode and owner: {self.before.meta} -> {self.after.meta}")
        return "\n".join(said) + "\n"


def _redacted(old: str, new: str) -> tuple[str, str]:
    """Both texts without secrets; a secret of `new` that `old` does not have is marked as such."""
    known: dict[str, set[str]] = {}
    for line in old.splitlines():
        known.setdefault(redact(line), set()).add(line)

    def shown(line: str) -> str:
        hidden = redact(line)
        before = known.get(hidden, {line})
        return hidden if line in before else hidden.replace(REDACTED, f"{REDACTED} (another one)")

    return redact(old), "\n".join(map(shown, new.splitlines()))


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What a deployment would change on one node, or why nobody can tell (`error`).

    `files` are all managed files, as they are and as they would be; `changes` those that differ.
    `foreign` is what would be removed that is not ours; `frr` the version of FRR, where it runs.
    """

    host: str
    changes: tuple[FileChange, ...] = ()
    error: str | None = None
    unreachable: bool = False
    files: tuple[FileChange, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    frr: str | None = None

    @property
    def diff(self) -> str:
        return "".join(change.diff() for change in self.changes)

    @property
    def loses_neighbours(self) -> bool:
        """Whether those that it reaches by the underlay now are lost until they change as well.

        So it is where another protocol routes it; a node that spoke no BGP and routed nothing has
        nobody to lose.
        """
        conf = next((change for change in self.changes if change.file is FRR_CONF), None)
        if conf is None:
            return False
        before, after = conf.before.text or "", conf.after.text or ""
        agreed = set(_AGREED.findall(before))
        return agreed != set(_AGREED.findall(after)) and bool(agreed or "\nrouter bgp" in before)

    def shown(self) -> ShownPlan:
        return ShownPlan(
            self.host,
            tuple((change.file.path, change.diff()) for change in self.changes),
            self.error,
            self.unreachable,
            self.foreign,
            self.loses_neighbours,
            self.frr,
        )


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """What is shown of a NodePlan, and may be sent to another computer: it holds no secret.

    `changes` are the paths of the files that differ, each with its diff.
    """

    host: str
    changes: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    unreachable: bool = False
    foreign: tuple[Foreign, ...] = ()
    loses_neighbours: bool = False
    frr: str | None = None

    @property
    def diff(self) -> str:
        return "".join(diff for _, diff in self.changes)


def plan_node(task: Task, intent: FabricIntent, passwords: Passwords) -> Result:
    """Nornir task: the host's NodePlan, from one exec that reads its managed files."""
    try:
        plan = compute_plan(task, intent, connect(task.host, task.nornir), passwords)
    except FleetError as error:
        refused = isinstance(error, DeployError)
        plan = NodePlan(task.host.name, error=str(error), unreachable=not refused)
    finally:
        task.host.close_connections()
    return Result(host=task.host, result=plan)


def compute_plan(
    task: Task, intent: FabricIntent, connection: FleetSSH, passwords: Passwords
) -> NodePlan:
    """Reads the managed files over an open connection and compares. Raises FleetError.

    A DeployError says that this node must not be deployed as it is.
    """
    node = intent.nodes[task.host.name]
    require_frr(node, connection)
    rendered: Mapping[str, str] = render_files(task, intent, passwords).result
    files = files_of(node)
    wanted = {file.path: FileState(rendered[file.path], file.meta) for file in files}
    return plan_towards(node, connection, wanted, sudo=needs_sudo(task.host))


def plan_towards(
    node: NodeIntent, connection: FleetSSH, wanted: Mapping[str, FileState], *, sudo: bool
) -> NodePlan:
    """The plan that makes a node's managed files the `wanted` ones. Raises FleetError."""
    if not node.is_written:
        raise left_alone(node)
    now, last, running = _read_files(node, connection, sudo=sudo)
    files = tuple(
        FileChange(f, now[f.path], wanted.get(f.path, FileState(None)))
        for f in _files_on(node)
        if f.path in wanted or now[f.path].text is not None
    )
    foreign = foreign_statements(
        {change.file.path: change.before.text for change in files},
        {change.file.path: change.after.text for change in files},
        last,
    )
    changes = tuple(change for change in files if change.before != change.after)
    if any(change.file.is_frr for change in changes):
        # Loading the new files, FRR drops what was only typed into it, too.
        path = FRR_CONF.path
        texts = (now[path].text, wanted[path].text, last.get(path))
        foreign += foreign_in_running(running, *texts)
    return NodePlan(node.name, changes, files=files, foreign=foreign, frr=frr_version(running))


def _files_on(node: NodeIntent) -> tuple[ManagedFile, ...]:
    """The files that are ours on a node, one that the intent has no use for any more included."""
    files = files_of(node)
    optional = OPTIONAL_FILES if node.owns_underlay else (SNAT,)
    return (*(file for file in optional if file not in files), *files)


def _read_files(
    node: NodeIntent, connection: FleetSSH, *, sudo: bool
) -> tuple[dict[str, FileState], dict[str, str], str]:
    """The managed files as they are; those that may hold foreign statements as our last deployment
    left them; and what FRR runs, where it does.
    """
    host, files = node.name, _files_on(node)
    sections = [elsewhere_section()]
    for file in files:
        path = shlex.quote(file.path)
        # A link is not a managed file: it is shown as absent text and replaced by the file itself.
        stat = f"[ ! -e {path} ] && [ ! -L {path} ] || stat -c '%a %U %G' {path}"
        sections.append(Section(f"stat:{file.name}", stat))
        sections.append(Section(f"text:{file.name}", f"[ ! -e {path} ] || cat {path}"))
        sections.append(Section(f"sum:{file.name}", f"[ ! -e {path} ] || sha256sum < {path}"))
    asked = [file for file in files if file.path in KEPT_BY]
    sections += [Section(f"last:{file.name}", last_deployed(file.path)) for file in asked]
    sections.append(Section(_RUNNING, "vtysh -c 'show running-config' 2>/dev/null || :"))
    script = build_script(sections, cap=_FILE_CAP)
    outputs = split_output(script, *connection.run(script, sudo=sudo, deadline=60))
    require_scope(node, _checked(host, interfaces_file(node), outputs.get(SLUG)))
    states = {}
    for file in files:
        stat = _checked(host, file, outputs.get(f"stat:{file.name}"))
        text = _checked(host, file, outputs.get(f"text:{file.name}"))
        meta = stat.strip()
        digest = _checked(host, file, outputs.get(f"sum:{file.name}")).partition(" ")[0]
        states[file.path] = FileState(text if meta else None, meta, digest or None)
    last = {file.path: _checked(host, file, outputs.get(f"last:{file.name}")) for file in asked}
    running = outputs.get(_RUNNING)
    return states, last, running.text if running else ""


def _checked(host: str, file: ManagedFile, output: RawOutput | None) -> str:
    if output is None or output.truncated or output.rc != 0:
        said = (output.stderr.strip() if output else "") or "the output is incomplete"
        raise CommandError(
            f"{host}: {file.path} cannot be read: {said}",
            "check that the deploy user may read it (root, or passwordless sudo)",
        )
    return output.text


def require_frr(node: NodeIntent, connection: FleetSSH) -> None:
    """Asks the node, where not every FRR will do. Raises DeployError when its own is too old.

    `validate` judges the version that the intent names; this one is what the node really has.
    """
    if node.oldest_frr is None:
        return
    script = build_script([Section("frr-version", _FRR_VERSION)])
    outputs = split_output(script, *connection.run(script, deadline=30))
    said = outputs["frr-version"].text if "frr-version" in outputs else ""
    match = _BGPD.search(said)
    if match and version_of(match[1]) >= version_of(node.oldest_frr):
        return
    has = f"its FRR is {match[1]}" if match else f"`{_FRR_VERSION}` does not show its FRR version"
    raise DeployError(
        f"{node.name}: {has}, and {node.asks_of_frr} needs {node.oldest_frr}",
        "install a newer FRR there, or correct `frr:` in fabric.yaml to what the nodes run",
    )


def plan_all(
    fleet: Fleet, intent: FabricIntent, passwords: Passwords | None = None
) -> list[NodePlan]:
    """The plan of every host of the fleet, in the inventory's order.

    A host that needs a password which is not among `passwords` cannot be planned.
    """
    results = fleet.nornir.run(task=plan_node, intent=intent, passwords=passwords or {})
    return [_plan_of(name, results[name][0]) for name in fleet.hosts]


def plan_one(fleet: Fleet, intent: FabricIntent, name: str, passwords: Passwords) -> NodePlan:
    """The plan of one host, made in the caller's thread."""
    results = run_on_one(fleet, name, plan_node, intent=intent, passwords=passwords)
    return _plan_of(name, results[0])


def _plan_of(name: str, result: Result) -> NodePlan:
    if result.failed or not isinstance(result.result, NodePlan):
        return NodePlan(name, error=f"{name}: internal error: {result.exception!r}")
    return result.result
