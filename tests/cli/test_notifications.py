"""Notifications, from an audit to a real HTTP server: what changed is told once, failures later."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reports import notify
from tests.cli.audits import CLEAN, FAULT, Desk
from tests.cli.receiver import SECRET, Inbox, inbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# PGPy, which apprise uses where it is there, imports a module that Python 3.13 has no more.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path)


@pytest.fixture
def box() -> Iterator[Inbox]:
    with inbox() as made:
        yield made


@pytest.mark.slow
def test_a_fault_is_told_once_and_its_repair_once(desk: Desk, box: Inbox) -> None:
    told = []
    for recording in (CLEAN, CLEAN, FAULT, *[FAULT] * 10, CLEAN, *[CLEAN] * 2):
        ended = desk.audit(recording, "--notify", box.url)
        assert ended.code == (2 if recording is FAULT else 0)
        assert SECRET not in ended.out + ended.err
        told.append(len(box.messages))
    assert told == [0, 0, 1, *[1] * 10, 2, 2, 2]
    fault, repair = box.messages
    assert "1 new" in fault["title"]
    assert fault["message"].startswith("NEW: critical node2 flood-missing vxlan2")
    assert "1 resolved" in repair["title"]
    assert repair["message"].startswith("resolved: critical node2 flood-missing")
    assert SECRET.encode() not in desk.history.read_bytes()


@pytest.mark.parametrize("failure", ["refused", "error", "unknown", "slow"])
def test_a_receiver_that_fails_is_a_warning_and_is_told_later(
    desk: Desk, box: Inbox, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = box.url
    match failure:
        case "refused":
            url = f"json://user:{SECRET}@127.0.0.1:1/{SECRET}"
        case "error":
            box.status = 500
        case "unknown":
            url = f"nosuchservice://{SECRET}"
        case "slow":
            box.delay = 0.6
            monkeypatch.setattr(notify, "SEND_SECONDS", 0.2)
    alone = desk.audit(FAULT, "--no-history")
    ended = desk.audit(FAULT, "--notify", url)
    assert ended.code == alone.code == 2
    assert "flood-missing" in ended.out
    assert "Warning: receiver 1 (" in ended.err
    assert "the next audit tries again" in ended.err
    assert SECRET not in ended.out + ended.err
    if failure == "error":
        box.status = 200
        assert desk.audit(FAULT, "--notify", url).err.count("Warning") == 0
        assert len(box.messages) == 1


def test_one_receiver_that_fails_costs_the_others_nothing(desk: Desk, box: Inbox) -> None:
    bad = f"json://127.0.0.1:1/{SECRET}"
    for _ in range(2):
        ended = desk.audit(FAULT, "--notify", bad, "--notify", box.url)
        assert "receiver 1 (json) was not notified" in ended.err
    assert len(box.messages) == 1, "the one that was told is not told again"


def test_urls_from_a_file_and_from_the_environment(
    desk: Desk, box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = desk.folder / "receivers"
    file.write_text(f"# ours\n\n{box.url}\n")
    file.chmod(0o644)
    ended = desk.audit(FAULT, "--notify", file)
    assert ended.code == 2
    assert "may be read by others" in ended.err
    assert f"chmod 600 {file}" in ended.err
    assert not box.messages
    file.chmod(0o600)
    assert desk.audit(FAULT, "--notify", file).code == 2
    assert len(box.messages) == 1
    monkeypatch.setenv("EVPN_FLEET_NOTIFY", f"{box.url} {box.url}")
    assert desk.audit(CLEAN).code == 0
    assert len(box.messages) == 2, "the same receiver, named twice, is told once"
    assert SECRET not in desk.call("audit", "--help").out


def test_a_mistyped_url_is_not_shown(desk: Desk) -> None:
    ended = desk.audit(FAULT, "--notify", f"slack:/{SECRET}")
    assert ended.code == 2
    assert "neither a URL" in ended.err
    assert SECRET not in ended.err


def test_dry_run_shows_and_sends_nothing(desk: Desk, box: Inbox) -> None:
    for _ in range(2):
        ended = desk.audit(FAULT, "--notify", box.url, "--notify-dry-run")
        assert ended.code == 2
        assert "receiver 1 (json): EVPN audit of " in ended.err
        assert "NEW: critical node2 flood-missing" in ended.err
        assert SECRET not in ended.err + ended.out
    assert not box.messages
    assert "a new receiver: EVPN audit of" in desk.audit(FAULT, "--notify-dry-run").err


def test_without_a_history_nobody_is_told_and_it_says_so(desk: Desk, box: Inbox) -> None:
    ended = desk.audit(FAULT, "--no-history", "--notify", box.url)
    assert (ended.code, box.messages) == (2, [])
    assert "only the history shows what is new" in ended.err
    desk.history.parent.mkdir(exist_ok=True)
    desk.history.write_bytes(os.urandom(4096))
    ended = desk.audit(FAULT, "--notify", box.url)
    assert (ended.code, box.messages) == (2, [])
    assert ended.err.count("Warning: ") == 2


def test_metrics_are_written_whole_and_readable(desk: Desk) -> None:
    file = desk.folder / "fleet.prom"
    ended = desk.audit(FAULT, "--metrics", file)
    assert ended.code == 2
    assert 'check="flood-missing"' in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o644
    assert not list(desk.folder.glob(".*")), "no part of it is left behind"
    ended = desk.audit(FAULT, "--metrics", desk.folder / "nowhere" / "fleet.prom")
    assert ended.code == 2
    assert "the metrics cannot be written" in ended.err
