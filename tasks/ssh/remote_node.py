"""One node over whichever connection is open: run sections, stage files, connect again."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko

from overlay.errors import DeployError
from overlay.redaction import redact
from tasks.ssh.fleet import connect, needs_sudo
from tasks.ssh.plugin import CONNECTION
from tasks.ssh.script import Section, build_script, split_output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nornir.core import Nornir
    from nornir.core.inventory import Host

    from overlay.records import RawOutput
    from tasks.ssh.connection import FleetSSH


@dataclass(frozen=True, slots=True)
class RemoteNode:
    """A node; nothing is open until it is needed, and `close` ends it."""

    host: Host
    nornir: Nornir

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def connection(self) -> FleetSSH:
        """The open connection, opened now if need be. Raises ConnectError."""
        return connect(self.host, self.nornir)

    def close(self) -> None:
        # What is broken already may refuse to be closed; there is nothing to do about it.
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            self.host.close_connections()

    def reconnect(self, by: float | None = None) -> None:
        """Opens a new connection: the old one may live on what is just being replaced.

        Gives up at `by` (a `time.monotonic()`) at the latest. Raises ConnectError.
        """
        self.close()
        options = self.host.connection_options[CONNECTION]
        options.extras = {**(options.extras or {}), "give_up_at": by}
        _ = self.connection

    def run(
        self, sections: Sequence[Section], *, deadline: float = 60, as_root: bool = True
    ) -> dict[str, RawOutput]:
        """Runs sections in one exec. Raises FleetError when there is no connection for it."""
        script = build_script(sections)
        sudo = as_root and needs_sudo(self.host)
        out, err = self.connection.run(script, sudo=sudo, deadline=deadline)
        return split_output(script, out, err)

    def make_stage(self) -> str:
        """A folder on the node, made by the login user, who uploads into it, closed to others."""
        outputs = self.run(
            [Section("stage", "mktemp -d /tmp/evpn-fleet.XXXXXXXXXX")], as_root=False
        )
        stage = outputs["stage"].text.strip() if "stage" in outputs else ""
        if not stage.startswith("/tmp/evpn-fleet."):  # noqa: S108 - made by mktemp on the node
            said = outputs["stage"].stderr.strip() if "stage" in outputs else "no answer"
            raise DeployError(
                f"{self.name}: no folder for staging files could be made: {said}",
                "free space in /tmp on the node; nothing was changed",
            )
        return stage

    def upload(self, stage: str, texts: Mapping[str, str]) -> None:
        """Writes texts by name into the staging folder. Raises DeployError."""
        try:
            with self.connection.open_sftp() as sftp:
                for name, text in texts.items():
                    with sftp.open(f"{stage}/{name}", "wb") as staged:
                        staged.write(text.encode())
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise DeployError(
                f"{self.name}: SFTP into {stage} failed: {error}",
                "check free space on the node and sshd's Subsystem sftp; nothing was changed",
            ) from None


def require(
    host: str, phase: str, sections: Sequence[Section], outputs: Mapping[str, RawOutput], after: str
) -> None:
    """Raises DeployError for the first section that did not end well, with the node's words.

    `after` says how things stand now.
    """
    for section in sections:
        output = outputs.get(section.slug)
        if output is not None and output.rc == 0:
            continue
        said = "it was never run" if output is None else words_of(output)
        raise DeployError(f"{host}: {phase} failed at {section.slug}: {said}", after)


def words_of(output: RawOutput) -> str:
    """What a command that failed said, bounded and without secrets."""
    said = " | ".join(redact(text.strip()) for text in (output.text, output.stderr) if text.strip())
    if output.rc == 124:  # what timeout(1) exits with
        said = "it took too long and was killed" + (f": {said}" if said else "")
    if output.rc is None:
        said = "it was stopped before it ended" + (f": {said}" if said else "")
    return said[-1500:] or f"exit status {output.rc}"
