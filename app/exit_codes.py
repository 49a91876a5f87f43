"""What every command's exit status means."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit status of a command; the same for every command."""

    OK = 0
    """In sync, or done."""
    ERROR = 1
    """An error, wrong usage included."""
    DRIFT = 2
    """Drift was found, or a plan is not empty."""
    INCOMPLETE = 3
    """Some host could not be reached, collected or parsed, whatever else was found."""
