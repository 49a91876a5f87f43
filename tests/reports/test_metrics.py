"""Metrics, read back with Prometheus' own parser."""

from __future__ import annotations

import pytest
from histories import at, record, run_at
from prometheus_client.parser import text_string_to_metric_families

import examples
from reports import metrics
from reports.formats import FORMATS
from reports.metrics import prometheus_text


def samples(report):
    return {
        (sample.name.removeprefix("evpn_fleet_"), *(v for k, v in sorted(sample.labels.items()) if k != "fabric")): sample.value
        for family in text_string_to_metric_families(prometheus_text(report))
        for sample in family.samples
    }  # fmt: skip


def test_it_is_a_form_of_the_report():
    assert FORMATS["prometheus"] is prometheus_text


def test_counts_are_those_of_the_report():
    seen = samples(examples.folded())
    assert seen["root_causes", "critical"] == 2
    assert seen["root_causes", "warning"] == 1
    assert seen["root_causes", "info"] == 0
    assert seen["consequences",] == 6
    assert seen["hosts", "drift"] == 4
    assert seen["findings", "evpn-empty", "leaf2", "critical"] == 1
    assert seen["audit_duration_seconds",] == 41
    assert seen["audit_timestamp_seconds",] == 1763803841
    assert seen["audit_info", "snapshot", "0.1.0"] == 1
    assert seen["checks_skipped",] == 2
    assert seen["suppressed",] == 0


def test_what_is_suppressed_is_counted_apart():
    report = examples.clean()
    summary = report.summary.model_copy(update={"suppressed": 3})
    seen = samples(report.model_copy(update={"summary": summary}))
    assert (seen["suppressed",], seen["root_causes", "critical"]) == (3, 0)


def test_a_clean_fleet_still_has_its_series():
    seen = samples(examples.clean())
    assert seen["root_causes", "critical"] == 0
    assert seen["host_status", "leaf1", "in-sync"] == 1
    assert seen["host_status", "leaf1", "drift"] == 0
    assert not [key for key in seen if key[0] == "findings"]


def test_the_last_complete_audit_comes_from_the_history(tmp_path):
    name = ("audit_last_complete_timestamp_seconds",)
    assert name not in samples(run_at(0, down=["leaf1"]))
    whole = run_at(15)
    assert samples(whole)[name] == samples(whole)["audit_timestamp_seconds",]
    file = tmp_path / "history.sqlite"
    record(file, whole)
    later = record(file, run_at(30, down=["leaf1"]))
    assert later.run.finished == at(30)
    assert samples(later)[name] == samples(whole)[name]


@pytest.mark.parametrize("name", ["hostile", "long", "empty", "incomplete"])
def test_hostile_labels_stay_labels(name):
    report = examples.EXAMPLES[name]()
    text = prometheus_text(report)
    families = list(text_string_to_metric_families(text))
    assert {family.name for family in families} == {
        line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")
    }
    assert all(family.name.startswith("evpn_fleet_") for family in families)
    hosts = {
        sample.labels["host"]
        for family in families
        if family.name == "evpn_fleet_host_status"
        for sample in family.samples
    }
    assert len(hosts) == len(report.hosts)
    assert "\x1b" not in text
    assert all(len(host) <= 120 for host in hosts)


def test_no_label_holds_an_object_and_series_are_bounded(monkeypatch):
    report = examples.report(
        examples.states(("leaf1", "leaf2")),
        [examples.learning(host, vni) for host in ("leaf1", "leaf2") for vni in range(500)],
    )
    key = ("findings", "bridge-port-learning", "leaf1", "warning")
    assert samples(report)[key] == 500
    monkeypatch.setattr(metrics, "MAX_SERIES", 1)
    seen = samples(report)
    assert (seen[key], seen["findings", "bridge-port-learning", "(other)", "warning"]) == (500, 500)


@pytest.mark.slow
def test_two_thousand_nodes_are_quick_and_few():
    lines = prometheus_text(examples.flat()).splitlines()
    assert len([line for line in lines if line.startswith("evpn_fleet_findings{")]) == 2000


def test_equal_reports_equal_bytes():
    assert prometheus_text(examples.folded()) == prometheus_text(examples.folded())
