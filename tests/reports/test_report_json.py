"""report.json: it follows its published schema, comes back the same, and is refused when it does not."""

from __future__ import annotations

import json
from functools import cache

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

import examples
from overlay.errors import SnapshotError
from reports.jsonfile import (
    SCHEMA_PATH,
    read_report,
    report_text,
    schema_text,
    write_report,
)
from reports.model import Report
from tests.generated import generated, hold

SMALL = [name for name in examples.EXAMPLES if name not in {"large", "flat"}]


@generated
def test_published_schema_is_current():
    hold(SCHEMA_PATH, schema_text())


@cache
def published():
    """What reads a report by the published schema; the schema itself is valid, too."""
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("name", SMALL)
def test_what_is_written_follows_the_schema_and_comes_back(name, tmp_path):
    report = examples.EXAMPLES[name]()
    path = tmp_path / "report.json"
    write_report(report, path)
    published().validate(json.loads(path.read_bytes()))
    assert read_report(path) == report
    assert report_text(read_report(path)) == report_text(report)
    assert [item.name for item in tmp_path.iterdir()] == ["report.json"]


def test_contract_of_the_first_level():
    data = json.loads(report_text(examples.folded()))
    assert list(data) == [
        *("schema", "run", "summary", "hosts", "findings", "skipped"),
        *("suppressed", "notes", "trend", "previous"),
        *("reachability", "topology"),
    ]
    assert data["schema"] == "1"
    assert list(data["run"])[:6] == [
        "id",
        "started",
        "finished",
        "tool_version",
        "inventory",
        "source",
    ]
    assert data["summary"]["hosts"] == {"total": 4, "in_sync": 0, "drifted": 4, "incomplete": 0}
    assert data["summary"]["findings"] == {"critical": 2, "warning": 1, "info": 0, "folded": 6}
    finding = next(item for item in data["findings"] if item["check"] == "bridge-port-learning")
    assert finding["message"] == "vxlan2: bridge port learning - Expected: off Actual: on"
    assert finding["caused_by"] is None
    assert report_text(examples.folded()).endswith("}\n")


def test_a_reader_of_the_contract_alone_is_served():
    data = json.loads(report_text(examples.folded()))
    del data["suppressed"], data["notes"], data["summary"]["suppressed"]
    del data["skipped"], data["run"]["fabric"], data["summary"]["findings"]["folded"]
    del data["trend"], data["previous"]
    for finding in data["findings"]:
        del finding["attribute"], finding["title"], finding["first_seen"]
    Draft202012Validator(json.loads(schema_text())).validate(data)
    assert Report.model_validate(data).findings


def test_models_are_closed_and_frozen():
    report = examples.one()
    with pytest.raises(ValidationError):
        Report.model_validate({**report.model_dump(mode="json"), "more": 1})
    with pytest.raises(ValidationError):
        report.run.id = "other"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "this report does not exist"),
        (b"", "is not JSON"),
        (b'{"schema": "1"', "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 200_000, "is not JSON"),
        (b"[]", "not a report"),
        (b"{}", "not a report"),
        (b'{"schema": "2"}', "has schema '2'; this version reads '1'"),
        (b'{"schema": "1", "x": 1}', "does not follow report schema 1: run: Field required"),
    ],
)
def test_what_is_no_report_is_refused_in_words(content, says, tmp_path):
    path = tmp_path / "report.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SnapshotError, match=r"report\.json") as caught:
        read_report(path)
    assert says in caught.value.what
    assert caught.value.hint


def test_folder_is_refused_in_words(tmp_path):
    with pytest.raises(SnapshotError, match="cannot be read"):
        read_report(tmp_path)


def test_failed_write_leaves_the_old_report(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    write_report(examples.one(), path)
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reports.jsonfile.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_report(examples.clean(), path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["report.json"]
