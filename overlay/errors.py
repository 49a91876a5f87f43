"""The errors of evpn-fleet: a small tree, each saying what happened, where, and what to do next."""

from __future__ import annotations


class FleetError(Exception):
    """Base of every error that a user can meet; printed as two lines, never as a traceback.

    `what` says what happened and where (file, key, host, command); `hint` says what to do next.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n  next: {self.hint}" if self.hint else self.what


class IntentError(FleetError):
    """The inventory cannot be used; `problems` holds all that was found at once."""

    def __init__(self, what: str, hint: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(what, hint)
        self.problems = problems


class ConnectError(FleetError):
    """A host could not be reached, or it refused us (address, host key, authentication)."""


class CommandError(FleetError):
    """A command on a host failed; `rc` is its exit status and `stderr` what it said."""

    def __init__(self, what: str, hint: str = "", *, rc: int = 1, stderr: str = "") -> None:
        super().__init__(what, hint)
        self.rc = rc
        self.stderr = stderr


class ParseError(FleetError):
    """An output could not be accounted for line by line; `lines` holds the offending ones."""

    def __init__(self, what: str, hint: str = "", lines: tuple[str, ...] = ()) -> None:
        super().__init__(what, hint)
        self.lines = lines


class DeployError(FleetError):
    """A deployment stopped on a host; what was and was not changed is in `what`."""


class SnapshotError(FleetError):
    """A snapshot folder or a report file cannot be read, or is of another shape than expected."""


class HistoryError(FleetError):
    """The history of audits cannot be read or written; the audits themselves are not touched."""
