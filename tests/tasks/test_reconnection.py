"""What is said of a node that accepts no connection, and how long it is waited for."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from overlay.errors import ConnectError
from tasks import reconnection
from tasks.reconnection import Reconnection
from tasks.ssh.connection import NotTriedError


class Node:
    """A node whose next connections end as told."""

    name = "node1"

    def __init__(self, *errors: ConnectError | None) -> None:
        self.errors = list(errors)
        self.given_up_at: list[float | None] = []

    def reconnect(self, by: float | None = None) -> None:
        self.given_up_at.append(by)
        error = self.errors.pop(0)
        if error is not None:
            raise error


def reconnection_with(*errors: ConnectError | None) -> tuple[Reconnection, list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []
    state: Any = SimpleNamespace(
        in_flight={"node1": "apply"}, warn=lambda what, hint: told.append((what, hint))
    )
    node: Any = Node(*errors)
    return Reconnection(node, state), told


def test_silence_is_told_once_and_its_end_too() -> None:
    gone = ConnectError("node1: no SSH connection", "look")
    it, told = reconnection_with(None, gone, gone, None, None)
    limit = time.monotonic() + 50
    it.renew(limit)
    for _ in range(2):
        with pytest.raises(ConnectError):
            it.renew(limit)
    assert it.until == pytest.approx(limit + reconnection._SILENT_BUDGET)
    assert not it.given_up
    it.renew(limit)
    it.renew(limit)
    (what, hint), again = told
    assert what.startswith("node1: it does not answer (phase apply): node1: no SSH connection\n")
    assert "dead man's switch puts the old configuration back at " in what
    assert "110 s from now" in hint
    assert again == ("node1: it answers again", "")
    assert it.until is None


def test_a_switch_whose_time_is_over_acts_now() -> None:
    it, told = reconnection_with(ConnectError("gone", "look"))
    with pytest.raises(ConnectError):
        it.renew(time.monotonic() - 5)
    assert "puts the old configuration back now, or at its next boot" in told[0][0]
    assert it.until == pytest.approx(time.monotonic() + reconnection._SILENT_BUDGET, abs=1)


def test_one_whose_turn_did_not_come_is_not_called_silent() -> None:
    late = ConnectError("node1: its turn did not come", "")
    late.__cause__ = NotTriedError("10.0.0.1: time ran out before it was contacted")
    it, told = reconnection_with(late)
    with pytest.raises(ConnectError):
        it.renew(time.monotonic() + 50)
    assert (told, it.until) == ([], None)


def test_no_attempt_outlasts_the_time_that_was_said() -> None:
    gone = ConnectError("gone", "look")
    it, _ = reconnection_with(gone, gone)
    for _ in range(2):
        with pytest.raises(ConnectError):
            it.renew(time.monotonic() - 100)
        it.until = time.monotonic() + 2
    assert it.node.given_up_at[1] <= it.until  # type: ignore[attr-defined]
