"""What can befall the history's file: none of it loses what was recorded, each says what to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from histories import HOSTS, SERIES, record, run_at

import examples
from overlay.errors import HistoryError
from reports.history import store
from reports.history.read import list_findings, list_runs

FINDINGS = [examples.learning(host, vni) for host in HOSTS for vni in range(400)]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "audits" / "history.sqlite"
    record(path, run_at(0, FINDINGS))
    return path


def contents(file):
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = ("runs", "findings", "hosts", "changes", "told")
        return {
            name: db.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3").fetchall() for name in tables
        }


def child(code, *arguments, **options):
    """Start Python on `code`, with this folder's modules at hand."""
    here = Path(__file__).resolve().parent
    environment = os.environ | {"PYTHONPATH": f"{here}:{here.parents[1]}"}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from histories import record, run_at
    from reports.history import store as history
    real, die_at, seen = history._connect, sys.argv[2], 0

    def connect(path, mode):
        db = real(path, mode)
        db.execute("PRAGMA cache_size = 2")  # so that pages reach the file before the commit

        def watch(statement):
            global seen
            seen += 1
            if (die_at == "COMMIT" and statement == "COMMIT") or str(seen) == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

        db.set_trace_callback(watch)
        return db

    history._connect = connect
    record(Path(sys.argv[1]), run_at(15))
    print("survived")
"""


@pytest.mark.parametrize("when", ["2", "40", "700", "2000", "COMMIT"])
def test_a_killed_run_leaves_the_history_as_it_was(file, when):
    before = contents(file)
    process = child(KILLED, file, when)
    out, err = process.communicate(timeout=60)
    assert process.returncode == -9, (out, err)
    if when == "2000":
        journal = file.with_name(file.name + "-journal")
        assert journal.stat().st_size, "the test must kill a writer that has begun to write"
    assert contents(file) == before
    assert len(record(file, run_at(30)).previous.gone) == len(FINDINGS)


def test_runs_at_once_are_all_recorded(file):
    code = """
        import sys
        from pathlib import Path
        from histories import record, run_at
        for number in range(5):
            record(Path(sys.argv[1]), run_at(float(f"{sys.argv[2]}.{number}")))
    """
    writers = [child(code, file, number) for number in range(1, 5)]
    for writer in writers:
        out, err = writer.communicate(timeout=120)
        assert writer.returncode == 0, out + err
    assert len(list_runs(file, SERIES, 99)) == 21


def test_a_writer_that_never_ends_is_not_waited_for_for_ever(file, monkeypatch):
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.1)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HistoryError, match="database is locked") as raised:
        record(file, run_at(15))
    assert "another run" in raised.value.hint
    other.close()


def test_a_full_disk(file):
    before = contents(file)
    code = """
        import resource, signal, sys
        from pathlib import Path
        from histories import record, run_at
        import examples
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        size = Path(sys.argv[1]).stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        record(Path(sys.argv[1]), run_at(15, [examples.learning("x" * 99, n) for n in range(5000)]))
    """
    process = child(code, file)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "HistoryError" in err
    assert "the disk" in err or "free some space" in err
    assert contents(file) == before


def test_a_database_that_may_not_grow(file, monkeypatch):
    before = contents(file)
    real = store._connect

    def full(path, mode):
        db = real(path, mode)
        db.execute("PRAGMA max_page_count = 1")  # SQLite takes it as: no larger than it is now
        return db

    monkeypatch.setattr(store, "_connect", full)
    more = [examples.learning("leaf1", vni) for vni in range(9000)]
    with pytest.raises(HistoryError, match="full") as raised:
        record(file, run_at(15, more))
    assert "free some space" in raised.value.hint
    monkeypatch.undo()
    assert contents(file) == before


def test_a_folder_that_may_not_be_written():
    code = """
        import os, sys
        from pathlib import Path
        from histories import SERIES, record, run_at
        from reports.history.read import list_runs
        if os.getuid() == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        print(len(list_runs(Path(sys.argv[1]), SERIES, 9)))
        record(Path(sys.argv[1]), run_at(15))
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "history.sqlite"
        record(file, run_at(0))
        file.chmod(0o444)
        file.parent.chmod(0o555)
        process = child(code, file)
        out, err = process.communicate(timeout=60)
        file.parent.chmod(0o755)
    assert out == "1\n", err
    assert "HistoryError" in err
    assert "let this user write" in err


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.write_bytes(b"no database at all\n" * 99), "not a database"),
        (lambda path: _overwrite(path, 4096), "malformed"),
        (lambda path: _pragma(path, "user_version = 99"), "newer evpn-fleet"),
        (lambda path: _pragma(path, "application_id = 7"), "another program"),
    ],
    ids=["no-database", "corrupt", "newer", "foreign"],
)
def test_a_file_that_cannot_be_used_is_left_alone(file, harm, said):
    harm(file)
    before = file.read_bytes()
    for act in (
        lambda: record(file, run_at(15)),
        lambda: (list_runs(file, SERIES, 9), list_findings(file, SERIES)),
    ):
        with pytest.raises(HistoryError, match=said) as raised:
            act()
        assert raised.value.hint
    assert file.read_bytes() == before


def test_no_history_yet(tmp_path):
    with pytest.raises(HistoryError, match="no history yet"):
        list_runs(tmp_path / "history.sqlite", SERIES, 9)
    assert not list(tmp_path.iterdir()), "reading must not make a file"


def test_an_older_schema_is_brought_up_to_date(file, monkeypatch):
    step = ("CREATE TABLE extra (a TEXT)", "INSERT INTO extra VALUES ('moved')")
    monkeypatch.setattr(store, "MIGRATIONS", (*store.MIGRATIONS, step))
    with pytest.raises(HistoryError, match="has schema 1, this version reads 2"):
        list_runs(file, SERIES, 9)
    record(file, run_at(15))
    assert len(list_runs(file, SERIES, 9)) == 2
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT a FROM extra").fetchall() == [("moved",)]
        assert db.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_migration_that_fails_changes_nothing(file, monkeypatch):
    before = contents(file)
    steps = (*store.MIGRATIONS, ("CREATE TABLE extra (a TEXT)", "INSERT INTO nowhere VALUES (1)"))
    monkeypatch.setattr(store, "MIGRATIONS", steps)
    with pytest.raises(HistoryError):
        record(file, run_at(15))
    monkeypatch.undo()
    assert contents(file) == before
    assert record(file, run_at(30)).previous


def _overwrite(path, start):
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * 8192)


def _pragma(path, text):
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA {text}")
