"""Terminal, Markdown, JUnit and CSV: what they say, and that nothing from a node acts in them."""

from __future__ import annotations

import csv
import io
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len
from rich.console import Console

import examples
from drift.alike import fold_alike
from drift.result import NOT_CHOSEN, SkippedCheck
from overlay.errors import FleetError
from reports.csvfile import COLUMNS, cell, csv_text
from reports.formats import FORMATS, render_report
from reports.junit import junit_text
from reports.markdown import MAX_CAUSES, code, fence, markdown_text
from reports.terminal import print_summary, text_form
from reports.text import natural_key, one_line, show_value, visible

SMALL = [name for name in examples.EXAMPLES if name not in {"large", "flat"}]
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def printed(report, *, width=100, verbose=False, color=False):
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
    )
    print_summary(report, console, verbose=verbose)
    return out.getvalue()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", SMALL)
def test_every_form_of_every_report_is_stable(form, name):
    text = render_report(examples.EXAMPLES[name](), form)
    assert text == render_report(examples.EXAMPLES[name](), form)
    assert text.endswith("\n")
    text.encode()


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_one_fault_on_many_nodes_names_them(form):
    hosts = [f"leaf{number}" for number in range(1, 12)]
    found = fold_alike(map(examples.learning, hosts))
    text = render_report(examples.report(examples.states(hosts), found), form)
    assert "Also on 10 more nodes: leaf2, leaf3, leaf4, leaf5, leaf6" in text
    assert "Also on" not in render_report(examples.one(), form)


def test_unknown_form_names_the_known_ones():
    with pytest.raises(FleetError, match="unknown report format 'pdf'") as caught:
        render_report(examples.one(), "pdf")
    assert "markdown" in caught.value.hint


# --- terminal ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("empty", "Nothing was audited"),
        ("clean", "In sync"),
        ("one", "Drift on 1 of 4 nodes"),
        ("folded", "Drift on 4 of 4 nodes"),
        ("incomplete", "2 of 4 nodes incomplete"),
        ("unreachable", "2 of 2 nodes incomplete"),
    ],
)
def test_verdict_comes_first(name, headline):
    assert printed(examples.EXAMPLES[name]()).splitlines()[0] == headline


def test_summary_folds_consequences():
    text = printed(examples.folded())
    assert "critical leaf2 evpn-empty (+6 consequences)" in text
    assert "vxlan2: bridge port learning - Expected: off Actual: on" in text
    assert "imet-missing" not in text
    assert "dstport 4789" not in text


def test_checks_left_out_by_choice_are_one_line_and_no_pass():
    skips = [SkippedCheck(check, "leaf1", NOT_CHOSEN) for check in ("mtu", "vrrp")]
    report = examples.report(examples.states(["leaf1"]), [], skips)
    assert "2 checks were excluded from this audit." in text_form(report)
    assert "skipped mtu, vrrp on 1 node: left out by choice" in text_form(report)
    assert "- `mtu`, `vrrp` on 1 node: `left out by choice`" in markdown_text(report)


def test_verbose_adds_evidence_consequences_and_skipped_checks():
    text = text_form(examples.folded())
    assert "dstport 4789" in text
    assert text.count("→ critical") == 6
    assert "skipped gateway-address on 4 nodes: ip_address was not collected" in text


def test_nodes_in_sync_are_counted_only():
    text = printed(examples.incomplete())
    assert "no answer within 10 s" in text
    assert "1 node in sync" in text
    assert "leaf4" not in text


def test_summary_of_a_large_fleet_is_short():
    lines = printed(examples.large(nodes=400, findings=2000, roots=200)).splitlines()
    assert len(lines) < 220
    assert any("more root causes; all of them are in the report" in line for line in lines)


def test_verbose_text_of_a_huge_report_ends():
    text = text_form(examples.large(nodes=600, findings=3000, roots=10))
    assert text.count("→ critical") == 10 * 50
    assert "more consequences" in text
    assert "more nodes with drift or incomplete" in text


@pytest.mark.parametrize("width", [60, 200])
@pytest.mark.parametrize("name", SMALL)
def test_no_line_is_wider_than_the_terminal(name, width):
    for line in printed(examples.EXAMPLES[name](), width=width, verbose=True).splitlines():
        assert cell_len(line.rstrip()) <= width


def test_node_text_cannot_drive_a_terminal():
    report = examples.hostile()
    plain = printed(report, verbose=True)
    assert not CONTROL.search(plain)
    assert "[bold]markup[/bold]" in printed(report, verbose=True, width=2000)
    assert "\\x1b[31m" in printed(report, verbose=True, width=2000)
    coloured = printed(report, verbose=True, color=True)
    ours = re.compile(r"\x1b\[[0-9;]*m")
    assert not CONTROL.search(ours.sub("", coloured))


# --- Markdown ------------------------------------------------------------------------------------


def test_markdown_of_a_report():
    text = markdown_text(examples.folded())
    assert text.startswith("# EVPN audit: Drift on 4 of 4 nodes\n")
    assert "### 1. critical: `EVPN table` on `leaf2`" in text
    assert "6 consequences:" in text
    assert "- Expected: `192.168.0.2, 192.168.0.3, 192.168.0.4`" in text


def test_markdown_counts_what_it_leaves_out():
    text = markdown_text(examples.large(nodes=400, findings=400, roots=200))
    assert text.count("\n### ") == MAX_CAUSES
    assert "more root causes." in text


def test_node_text_is_only_code_in_markdown():
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(
        markdown_text(examples.hostile())
    )
    outside = re.sub(r"<code[^>]*>.*?</code>", "", html, flags=re.DOTALL)
    for act in ("<script", "<img", "<a ", "alert", "@everyone", "javascript"):
        assert act not in outside
    assert "<script" not in html


@given(st.text())
def test_any_text_is_one_code_span(text):
    html = MarkdownIt().renderInline(code(text))
    assert html == "(empty)" or re.fullmatch(r"<code>[^<]*</code>", html)


@given(st.text())
def test_any_text_is_one_fenced_block(text):
    html = MarkdownIt().render(fence(text))
    assert re.fullmatch(r'<pre><code class="language-text">[^<]*</code></pre>\n', html)


# --- JUnit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_junit_counts_add_up(name):
    root = ET.fromstring(junit_text(examples.EXAMPLES[name]()))
    for total, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(total)) == len(root.findall(f".//{tag}"))
    assert int(root.get("tests")) == len(root.findall(".//testcase"))


def test_junit_says_what_failed_and_what_could_not_be_told():
    root = ET.fromstring(junit_text(examples.incomplete()))
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["leaf1", "leaf2", "leaf3", "leaf4"]
    assert suites["leaf1"].get("failures") == "1"
    assert suites["leaf2"].find(".//error").get("message").startswith("10.0.0.2:22")
    assert suites["leaf4"].get("tests") == "1"
    assert suites["leaf4"].get("failures") == suites["leaf4"].get("errors") == "0"


def test_junit_skips_consequences_with_their_cause():
    root = ET.fromstring(junit_text(examples.folded()))
    assert len(root.findall(".//failure")) == 3
    whys = [item.get("message") for item in root.findall(".//skipped")]
    assert sum(why.startswith("follows from ") for why in whys) == 6


# --- CSV -----------------------------------------------------------------------------------------


def rows(report):
    return list(csv.DictReader(io.StringIO(csv_text(report), newline="")))


def test_csv_has_every_finding():
    found = rows(examples.folded())
    assert len(found) == 9
    assert list(found[0]) == list(COLUMNS)
    assert sum(bool(row["caused_by"]) for row in found) == 6


def test_no_cell_is_a_formula():
    found = rows(examples.hostile())
    values = [value for row in found for value in row.values()]
    assert "'=1+1" in values
    assert "'@SUM(A1)" in values
    assert "'=cmd|' /C calc'!A0" in values
    for value in values:
        assert not value.lstrip().startswith(tuple("=+-@|%"))
        assert not CONTROL.search(value)


@given(st.text(max_size=50))
def test_no_text_becomes_a_formula(text):
    assert not cell(text).lstrip().startswith(tuple("=+-@|%\uff1d\uff0b\uff0d\uff20"))


# --- text ----------------------------------------------------------------------------------------


@given(st.text())
def test_visible_text_has_no_control_and_is_stable(text):
    seen = visible(text)
    assert not CONTROL.search(seen)
    assert visible(seen) == seen
    seen.encode()
    assert "\n" not in one_line(text)


@given(st.lists(st.text("a1²9٣ ", max_size=6)))
def test_natural_keys_compare(names):
    sorted(names, key=natural_key)


def test_natural_order():
    names = ["leaf10", "leaf2", "10", "spine1", "leaf"]
    assert sorted(names, key=natural_key) == ["10", "leaf", "leaf2", "leaf10", "spine1"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "absent"),
        (True, "true"),
        (0, "0"),
        ("", '""'),
        ("a", "a"),
        ([], "none"),
        (["a", 1, None], "a\n1\nabsent"),
        ({"a": [1, 2], "b": {"c": "d"}}, "a: [1, 2]\nb: {c: d}"),
    ],
)
def test_values_are_shown_for_a_reader(value, shown):
    assert show_value(value) == shown
