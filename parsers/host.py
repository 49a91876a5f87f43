"""One host's outputs → its HostState; runs in a worker process, so all in and out is picklable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from overlay.errors import ParseError
from overlay.outputs import (
    BFD_PEERS,
    BRIDGE_FDB,
    BRIDGE_FDB_LATER,
    EVPN_TABLE,
    IP_LINK,
    ISIS_NEIGHBORS,
    OPENFABRIC_NEIGHBORS,
    OSPF_NEIGHBORS,
)
from overlay.records import (
    CommandResult,
    CommandStatus,
    EvpnTable,
    FdbEntry,
    HostState,
    Link,
    RawOutput,
)
from parsers._text import count, quoted, split_lines, unaccounted
from parsers.evpn import parse_evpn
from parsers.fdb import parse_fdb, unknown_words
from parsers.links import parse_links
from parsers.readers import READERS

if TYPE_CHECKING:
    from collections.abc import Mapping

# An audit needs these three; the checks that need another one say so themselves.
NEEDED_SLUGS = (IP_LINK, BRIDGE_FDB, EVPN_TABLE)

# What vtysh says when the daemon is not there. Without root it cannot tell a missing socket from
# a forbidden one, and adds this hint: then nothing is known about the table.
_DAEMON_DOWN = ("bgpd is not running", "failed to connect to any daemons")
# Outputs of daemons without which there is nothing of what they show.
_NOTHING = {
    BFD_PEERS: "bfdd",
    OSPF_NEIGHBORS: "ospfd",
    ISIS_NEIGHBORS: "isisd",
    OPENFABRIC_NEIGHBORS: "fabricd",
}
_PERHAPS_FORBIDDEN = ("try running me as a privileged user", "ermission denied")

# Of words and lines that are kept without being known; a node's text is bounded everywhere.
_SHOWN_UNKNOWN = 20


def parse(slug: str, text: str) -> object:
    """Parse one captured output by its slug: what the slug's parser returns.

    Raises ParseError when a line is not accounted for, or no parser knows the slug.
    """
    if slug in {BRIDGE_FDB, BRIDGE_FDB_LATER}:
        return parse_fdb(text)
    if slug == IP_LINK:
        return parse_links(text)
    if slug == EVPN_TABLE:
        return parse_evpn(text)
    if slug in READERS:
        return READERS[slug].read(text)
    known = ", ".join(sorted({*NEEDED_SLUGS, BRIDGE_FDB_LATER, *READERS}))
    raise ParseError(f"no parser for {slug!r}", f"known: {known}")


def parse_host(host: str, outputs: Mapping[str, RawOutput]) -> HostState:
    """Read all that was collected from one host; never raises for what a host printed.

    `commands` names every output given and every needed one: `ok`, `failed` (its exit status),
    `missing` or `unparsed`. Its plane is None unless it is `ok`: nothing may be concluded then.
    """
    state = _State()
    for slug in NEEDED_SLUGS:
        if slug not in outputs:
            state.note(slug, "missing", "not collected")
    for slug in sorted(outputs):
        _read(state, slug, outputs[slug])
    return HostState(
        host=host,
        commands=dict(sorted(state.commands.items())),
        links=state.links,
        fdb=state.fdb,
        fdb_later=state.fdb_later,
        evpn=state.evpn,
        files=state.files,
        **state.planes,
    )


@dataclass(slots=True)
class _State:
    """A HostState in the making."""

    commands: dict[str, CommandResult] = field(default_factory=dict)
    links: dict[str, Link] | None = None
    fdb: tuple[FdbEntry, ...] | None = None
    fdb_text: str = ""
    fdb_later: tuple[FdbEntry, ...] | None = None
    evpn: EvpnTable | None = None
    planes: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def note(self, slug: str, status: CommandStatus, error: str) -> None:
        """Record that nothing was learnt from a command, and why."""
        self.commands[slug] = CommandResult(slug, status, error=error)

    def keep(self, slug: str, output: RawOutput) -> CommandResult:
        """Parse an output into its plane. Raises ParseError."""
        unknown: tuple[str, ...] = ()
        if slug == BRIDGE_FDB:
            self.fdb, self.fdb_text = parse_fdb(output.text), output.text
            entries, unknown = len(self.fdb), unknown_words(self.fdb)
        elif slug == BRIDGE_FDB_LATER:
            same = self.fdb is not None and output.text == self.fdb_text
            self.fdb_later = self.fdb if same and self.fdb else parse_fdb(output.text)
            entries = len(self.fdb_later)
        elif slug == IP_LINK:
            self.links = _by_name(parse_links(output.text))
            entries = len(self.links)
        elif slug == EVPN_TABLE:
            self.evpn = parse_evpn(_said_by_vtysh(output) or output.text)
            entries, unknown = len(self.evpn.paths), self.evpn.unknown
        elif slug in READERS:
            reader = READERS[slug]
            self.planes[reader.plane] = records = reader.read(output.text)
            entries = len(records)
        else:
            self.files[slug] = output.text
            entries = len(split_lines(output.text))
        shown = tuple(map(quoted, unknown[:_SHOWN_UNKNOWN]))
        return CommandResult(slug, "ok", entries, unknown=shown)


def _read(state: _State, slug: str, output: RawOutput) -> None:
    """Parse one output, or note why nothing can be learnt from it."""
    if _without_its_daemon(slug, output):
        state.planes[READERS[slug].plane] = ()
        state.commands[slug] = CommandResult(slug, "ok")
    elif output.truncated:
        said = output.ended or "cut off: over the size limit, or the connection broke"
        state.note(slug, "unparsed", said)
    elif output.rc != 0 and not (slug == EVPN_TABLE and _said_by_vtysh(output)):
        state.note(slug, "failed", output.ended or _first_complaint(output))
    else:
        try:
            state.commands[slug] = state.keep(slug, output)
        except ParseError as error:
            state.note(slug, "unparsed", error.what)


def _by_name(links: tuple[Link, ...]) -> dict[str, Link]:
    """Links keyed by name. Raises ParseError when one name stands twice: one would vanish."""
    named = {link.name: link for link in links}
    if len(named) != len(links):
        twice = [link for link in links if named[link.name] is not link]
        raise unaccounted(
            "ip -d link show",
            f"{count(len(links), 'link')} under {count(len(named), 'name')}",
            [link.text.partition("\n")[0] for link in twice],
            links,
            hint="one output of one network namespace is expected, not several in a row",
        )
    return named


def _said_by_vtysh(output: RawOutput) -> str:
    """Vtysh's line saying that bgpd (or all of FRR) is not running; "" if it says no such thing.

    An empty table is a fact about the node, which `evpn-empty` reports; not being allowed to ask
    is not.
    """
    both = f"{output.text}\n{output.stderr}"
    if not any(words in both for words in _DAEMON_DOWN):
        return ""  # as of nearly every table: its lines need not be looked at one by one
    if any(words in both for words in _PERHAPS_FORBIDDEN):
        return ""
    lines = (line.strip() for line in split_lines(both))
    said = next((line for line in lines if any(words in line for words in _DAEMON_DOWN)), "")
    # With a table beside it, it is the table that counts: parse_evpn then weighs every line.
    return said if len(split_lines(output.text)) <= 1 else ""


def _without_its_daemon(slug: str, output: RawOutput) -> bool:
    """True where the daemon that is asked does not run: it has no session, a fact to report."""
    both = f"{output.text}\n{output.stderr}"
    said = slug in _NOTHING and f"{_NOTHING[slug]} is not running" in both
    return said and not any(words in both for words in _PERHAPS_FORBIDDEN)


def _first_complaint(output: RawOutput) -> str:
    """The first line of standard error, or else of the output, behind the exit status."""
    lines = split_lines(output.stderr) or split_lines(output.text)
    status = "its end was never seen" if output.rc is None else f"exit status {output.rc}"
    return status + (f": {quoted(lines[0].strip())}" if lines else "")
