"""docs/first-hour.md is true: its files are valid, its commands print what it shows."""

from __future__ import annotations

import io
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.main import run
from overlay.loading import load_inventory
from replay.fleet import ReplayFleet
from tasks.plan import FileState
from tests.docs.documents import DOCS, Block, blocks
from tests.docs.two_hosts import (
    cluster_files,
    write_cluster,
    write_names,
    write_recordings,
    write_ssh_config,
)
from tests.generated import generated, hold

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.ssh

PAGE = DOCS / "first-hour.md"
ELLIPSIS = "…"
CLUSTER = "my-cluster"
AS_IMPORTED = ", as imported"
HOME = "/home/ops"
# Progress is a bar on a terminal, and gone when its work is done.
_PROGRESS = re.compile(r"^\w+ \d+/\d+ .*\n", re.MULTILINE)
_STAMP = re.compile(r"\d{8}T\d{6}Z(-\d+)?")


@dataclass
class Reader:
    """Somebody who follows the page: writes its files, types its commands, reads what they print."""

    home: Path
    fleets: dict[str, ReplayFleet] = field(default_factory=dict)

    def write(self, block: Block) -> None:
        if block.title.startswith("~"):
            return  # what leads to the replayed nodes is written when they are asked
        file = self.home / block.title
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, encoding="utf-8")

    def type(self, command: str) -> str:
        """What a terminal shows after `$ command`."""
        program, script, *arguments = shlex.split(command)
        assert (program, script) == ("python", "run.py"), command
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            self._run(arguments)
        text = _PROGRESS.sub("", out.getvalue()).replace(str(self.home), HOME)
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines())

    def _run(self, arguments: list[str]) -> None:
        fleet = self._fleet("cluster" if f"../{CLUSTER}" in arguments else "hosts")
        if arguments[0] == "deploy":
            fleet.play("deployed")  # the deployment's own proof looks at what it did
        run(arguments)

    def _fleet(self, name: str) -> ReplayFleet:
        """The replayed nodes of that name, to which ~/.ssh/config leads from now on."""
        if name not in self.fleets:
            recordings = self.home / f"recordings-{name}"
            scene = (write_cluster if name == "cluster" else write_recordings)(recordings)
            fleet = ReplayFleet(write_names(self.home / name), recordings, scene=scene)
            self.fleets[name] = fleet
            fleet.__enter__()
            if name == "cluster":
                for host, files in cluster_files().items():
                    fleet.nodes[host].files = {p: FileState(t) for p, t in files.items()}
        write_ssh_config(self.fleets[name], Path.home() / ".ssh" / "config")
        return self.fleets[name]


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    (tmp_path / "evpn-fleet").mkdir()
    monkeypatch.chdir(tmp_path / "evpn-fleet")
    monkeypatch.setenv("EVPN_FLEET_INVENTORY", "../my-fabric")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("HOME", str(tmp_path / "ops"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "ops" / ".ssh").mkdir(parents=True)
    reader = Reader(tmp_path)
    yield reader
    for fleet in reader.fleets.values():
        fleet.__exit__()


def entries(block: Block) -> Iterator[tuple[str, str]]:
    """Each `$ command` of a console block, with the output that the page shows below it."""
    for entry in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = entry.partition("\n")
        yield command, shown


def shortened(actual: str, shown: str) -> str:
    """`actual` with the lines left out that `shown` leaves out, if it leaves out any."""
    head, ellipsis, tail = (part.splitlines() for part in shown.partition(f"{ELLIPSIS}\n"))
    lines = actual.splitlines()
    if not ellipsis or len(lines) <= len(head) + len(tail):
        return actual
    kept = [*lines[: len(head)], ELLIPSIS, *lines[len(lines) - len(tail) :]]
    return "".join(f"{line}\n" for line in kept)


@generated
def test_the_page_shows_what_its_commands_print(reader: Reader) -> None:
    page = PAGE.read_text(encoding="utf-8")
    lines = page.splitlines(keepends=True)
    commands, printed = [], []
    for block in blocks(PAGE):
        if block.title.endswith(AS_IMPORTED):
            file = reader.home / block.title.removesuffix(AS_IMPORTED)
            printed.append((block, file.read_text(encoding="utf-8")))
        elif block.title:
            reader.write(block)
        elif block.language == "console":
            said = ""
            for command, shown in entries(block):
                commands += command.split()[2:]
                said += f"$ {command}\n{shortened(reader.type(command), shown)}"
            printed.append((block, said))
    for block, said in reversed(printed):
        lines[block.line : block.line + block.text.count("\n")] = [said]
    written = "".join(lines)
    assert {"lint", "import", "validate", "audit", "plan", "deploy"} <= set(commands)
    # The page's own times stay: those of this run differ each time.
    if _STAMP.sub("TIME", written) != _STAMP.sub("TIME", page):
        hold(PAGE, _STAMP.sub("20261122T081500Z", written))


def test_what_the_page_calls_valid_is(reader: Reader) -> None:
    verdicts = []
    for block in blocks(PAGE):
        if not block.title or block.title.endswith(AS_IMPORTED):
            continue
        reader.write(block)
        if block.title.endswith("fabric.yaml"):
            for host in ("pve1", "pve2"):
                kept = f"my-fabric/kept/{host}.interfaces"
                reader.write(replace(block, title=kept, text="iface vmbr1\n"))
            reader.write(
                replace(block, title="my-fabric/hosts.yaml", text="{pve1: {}, pve2: {}}\n")
            )
            load_inventory(reader.home / "my-fabric")
            verdicts.append(block.title)
    assert verdicts == ["my-fabric/fabric.yaml"] * 2
