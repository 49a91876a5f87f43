"""What a receiver is told, run by run."""

from __future__ import annotations

import pytest
from histories import SERIES, record, run_at

import examples
from drift.result import SkippedCheck
from reports.history.changes import MAX_LINES, changes_for, harmless, mark_notified

LEAF1, LEAF2 = examples.learning("leaf1"), examples.learning("leaf2")
DAY = 24 * 60


@pytest.fixture
def tell(tmp_path):
    """Record a run and return the changes for a receiver, who then knows them."""
    file = tmp_path / "history.sqlite"

    def act(minutes, findings=(), *, receiver="a", **how):
        record(file, run_at(minutes, findings, **how))
        changes = changes_for(receiver, file, SERIES)
        mark_notified(receiver, changes, file, SERIES)
        assert not changes_for(receiver, file, SERIES)
        return changes

    return act


def lines(changes):
    return [item.line.split(" bridge")[0] for item in changes]


def test_new_then_resolved(tell):
    assert not tell(0)
    assert lines(tell(15, [LEAF1]).new) == ["warning leaf1"]
    assert not tell(30, [LEAF1])
    both = tell(45, [LEAF2])
    assert (lines(both.new), lines(both.resolved)) == (["warning leaf2"], ["warning leaf1"])
    assert both.title("dc1") == "EVPN audit of dc1: 1 new, 1 resolved"


def test_a_host_goes_out_of_sight_and_comes_back(tell):
    tell(0, [LEAF1])
    away = tell(15, hosts=("leaf2", "leaf3"), down=("leaf1",))
    assert [item.line for item in away.incomplete] == ["leaf1: no answer"]
    assert (away.new, away.resolved) == ((), ())
    assert not tell(30, hosts=("leaf2",)), "limited away is no recovery"
    assert [item.line for item in tell(45, [LEAF1]).recovered] == ["leaf1"]


def test_what_nobody_looked_for_is_no_repair(tell):
    tell(0, [LEAF1])
    assert not tell(15, skipped=[SkippedCheck(LEAF1.check, "leaf1", "no ip_link")])
    assert not tell(30, [LEAF1])


def test_consequences_are_no_news(tell):
    down = examples.evpn_down()
    follows = examples.imet_missing("leaf1", down.id)
    assert lines(tell(0, [down, follows]).new) == [
        "critical leaf2 evpn-empty EVPN table - Expected: routes of VNI 2, 3 Actual: none"
    ]
    left = tell(15, [examples.imet_missing("leaf1", None)])
    assert len(left.resolved) == 1
    assert [item.name for item in left.new] == [follows.id], "now it stands alone"


def test_what_flaps_is_told_until_it_settles(tell):
    found = [tell(15 * n, [LEAF1] if n % 2 == 0 else []) for n in range(9)]
    assert [bool(it.new) for it in found] == [True, False, True, *[False] * 6]
    assert [bool(it.resolved) for it in found] == [False, True, *[False] * 7]
    assert found[2].new[0].line.endswith("(flapping)")
    assert not tell(15 * 9 + 1), "gone, but not yet for good"
    assert lines(tell(2 * DAY).resolved) == ["warning leaf1"]


def test_each_receiver_has_its_own_news(tell):
    tell(0, [LEAF1], receiver="a")
    assert lines(tell(15, [LEAF1], receiver="b").new) == ["warning leaf1"]
    assert not tell(30, [LEAF1], receiver="a")


def test_the_text_is_short_and_gravest_first(tell):
    changes = tell(
        0, [examples.flood_lists("leaf3"), *(examples.learning("leaf1", n) for n in range(30))]
    )
    body = changes.body().splitlines()
    assert len(body) == MAX_LINES + 1
    assert body[0].startswith("NEW: critical leaf3 flood-missing")
    assert body[-1] == "and 21 more"
    assert changes.title("dc1") == "EVPN audit of dc1: 31 new"


def test_hostile_text_stays_text(tmp_path):
    file = tmp_path / "history.sqlite"
    record(file, examples.hostile())
    changes = changes_for("a", file, SERIES)
    text = changes.title(examples.HOSTILE) + changes.body()
    assert changes.new
    assert len(changes.body().splitlines()) == len(changes.new) + len(changes.incomplete)
    for bad in ("@", "<", ">", "`", "://", "\x1b", "\u202e"):
        assert bad not in text
    assert len(harmless("x" * 9999)) <= 240
