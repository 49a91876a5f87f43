"""New connections to a node that is being deployed, and what is said when it accepts none."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.errors import FleetError
from tasks.ssh.connection import NotTriedError

if TYPE_CHECKING:
    from tasks.outcome import RunState
    from tasks.ssh.remote_node import RemoteNode

# How long a node that does not answer is waited for after its switch's time: its restore takes
# seconds, and one without power answers when somebody gives it power.
_SILENT_BUDGET = 60.0
# An attempt to connect that takes longer is not an answer; the next one follows at once.
_ANSWERS_WITHIN = 10.0


@dataclass(slots=True)
class Reconnection:
    """A node during its deployment. `until` is how long a silent one is waited for, else None."""

    node: RemoteNode
    run_state: RunState
    until: float | None = None

    def renew(self, limit: float) -> None:
        """A new connection; a node that accepts none is reported at once. Raises FleetError.

        `limit` (a `time.monotonic()`) is when the node's switch restores it.
        """
        try:
            patience = time.monotonic() + _ANSWERS_WITHIN
            self.node.reconnect(patience if self.until is None else min(patience, self.until))
        except FleetError as error:
            if self.until is None and not isinstance(error.__cause__, NotTriedError):
                self._tell_silent(limit, error)
            raise
        if self.until is not None:
            self.until = None
            self.run_state.warn(f"{self.node.name}: it answers again", "")

    @property
    def given_up(self) -> bool:
        """Whether the node has been silent for as long as one is waited for."""
        return self.until is not None and time.monotonic() >= self.until

    def _tell_silent(self, limit: float, error: FleetError) -> None:
        now = time.monotonic()
        self.until = max(limit, now) + _SILENT_BUDGET
        phase = self.run_state.in_flight.get(self.node.name, "deploy")
        due = f"at {_clock(limit)}" if limit > now else "now"
        self.run_state.warn(
            f"{self.node.name}: it does not answer (phase {phase}): {error.what}\n"
            f"  its dead man's switch puts the old configuration back {due}, or at its next boot "
            "if it lost its power",
            f"look at its power and its console; this run waits until {_clock(self.until)}, "
            f"{self.until - now:.0f} s from now",
        )


def _clock(moment: float) -> str:
    """The time of day of a `time.monotonic()`."""
    return time.strftime("%H:%M:%S", time.localtime(time.time() + moment - time.monotonic()))
