"""Time for a fabric to move and to converge: whoever is not in sync is looked at again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from drift.catalogue import ACROSS_NODES, TRANSIENT
from reports.text import clip, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from reports.model import Report

PAUSE = 2.0
"""Seconds between two looks: BGP and zebra need about as long to act on a change."""

_ROOM = 30.0
_LOOKS = 3


def second_look(
    report: Report,
    look_again: Callable[[Collection[str]], Report],
    *,
    until: float | None,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """The report, made again if a finding may be a guest that was just moving.

    Once, and once more while it has such a finding that the look before did not have: another
    guest may have moved since, and nodes are read one after the other.
    `until` is the run's deadline (monotonic): there is no second look without time for it.
    """
    seen: frozenset[str] | None = None
    for _ in range(_LOOKS - 1):
        passing = [f for f in report.findings if f.check in TRANSIENT and f.caused_by is None]
        shown = frozenset(f.id for f in passing)
        confirmed = seen is not None and shown <= seen
        if not passing or confirmed or (until is not None and until - time.monotonic() < _ROOM):
            return report
        seen = shown
        between = any(f.check in ACROSS_NODES for f in passing)
        hosts = frozenset(report.hosts) if between else frozenset(f.host for f in passing)
        moving = "entries may be changing right now: collecting again"
        say(f"{counted(len(hosts), 'node')}: {moving}")
        sleep(PAUSE)
        report = look_again(hosts)
    return report


def settle(
    report: Report,
    look_again: Callable[[Collection[str]], Report],
    *,
    seconds: float,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """The last report: the first without drift or gaps, or the one at hand when time is over.

    `look_again` collects the named hosts and judges all hosts again, with what is known of the
    others. No round begins later than `seconds` from now; one that has begun is finished.
    """
    end = clock() + seconds
    rounds = 0
    while (hosts := unsettled(report)) and (left := end - clock()) > 0:
        sleep(min(PAUSE, left))
        rounds += 1
        names = clip(", ".join(sorted(hosts)), 200)
        left = max(0.0, end - clock())
        say(f"settle: round {rounds}, {counted(len(hosts), 'node')} ({names}), {left:.0f} s left")
        report = look_again(hosts)
    if rounds:
        ended = "time is over" if unsettled(report) else "settled"
        say(f"settle: {ended} after {counted(rounds, 'round')}")
    return report


def unsettled(report: Report) -> frozenset[str]:
    """The hosts to look at again: with a finding of any kind, or not collected completely.

    All of them when something is wrong that only shows between nodes: the one that puts it right
    may be in sync itself. What is suppressed is not waited for.
    """
    if any(item.check in ACROSS_NODES for item in report.findings):
        return frozenset(report.hosts)
    incomplete = {name for name, host in report.hosts.items() if host.status == "incomplete"}
    return frozenset(incomplete | {item.host for item in report.findings})
