"""report.html: what it says without a browser, and that nothing from a node is more than text."""

from __future__ import annotations

import itertools
import json
import re

import pytest

import examples
from overlay.records import HostState
from reports.html.page import FOLDER, html_text

SMALL = [name for name in examples.EXAMPLES if name not in {"large", "flat"}]


@pytest.mark.parametrize("name", SMALL)
def test_page_asks_the_network_for_nothing(name):
    html = html_text(examples.EXAMPLES[name]())
    markup = re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.DOTALL)
    assert "default-src 'none'" in html
    assert not re.search(r"""(?:src|href)=["'](?!#|data:,)""", markup)
    assert not re.search(r"@import|url\(|https?://", markup)
    assert " style=" not in markup
    assert not re.search(r"\son[a-z]+=\"", markup)


def test_hostile_text_is_escaped_everywhere():
    html = html_text(examples.hostile())
    for act in ("<script>alert", "<img", "</script></script", "\x1b", "\u202e", "\x00"):
        assert act not in html
    island = html.partition('id="data">')[2].partition("</script>")[0]
    assert not set("<>&") & set(island)
    assert len(json.loads(island)["causes"]) == 3


def test_page_is_readable_without_a_script():
    html = html_text(examples.folded())
    plain = html.partition("<noscript>")[2].partition("</noscript>")[0]
    assert plain.count("<article") == 3
    assert "vxlan2: bridge port learning" in plain
    assert plain.count("<li>") == 6


def test_of_a_large_fleet_what_is_in_sync_is_a_number_and_not_a_row():
    names = [f"leaf{n}" for n in range(2_100)]
    hosts = examples.states(names)
    hosts["leaf7"] = HostState("leaf7", error="no answer within 10 s")
    html = html_text(examples.report(hosts, [examples.learning("leaf3")]))
    assert [row[1] for row in re.finditer('<tr data-node="(.*?)"', html)] == ["leaf7", "leaf3"]
    assert "2,098 nodes in sync are not listed here; report.json has each of them." in html
    assert 'data-status="in-sync"' not in html
    healthy = html_text(examples.report(examples.states(names), []))
    assert "2,100 nodes in sync are not listed here" in healthy
    assert "No node was selected" not in healthy


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in parts]
    return sum(weight * it for weight, it in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, two: str) -> float:
    low, high = sorted((_luminance(one), _luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast_is_wcag_aa(theme):
    css = (FOLDER / "theme.css").read_text(encoding="utf-8")
    colours = {
        name: pair[theme]
        for name, *pair in re.findall(r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)", css)
    }
    surfaces = ("page", "surface", "sunken")
    tints = ("red-tint", "amber-tint", "green-tint", "blue-tint")
    texts = ("text", "muted", "link", "red", "amber", "green", "blue")
    wanted = [
        *itertools.product(texts, surfaces),
        *itertools.product(("text", "muted"), tints),
        *((tint.removesuffix("-tint"), tint) for tint in tints),
    ]
    low = {pair: _contrast(*(colours[it] for it in pair)) for pair in wanted}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
    # The edge of a control, and a line that says something, need 3:1 (WCAG 1.4.11).
    graphics = ("control", "red", "amber", "green", "blue")
    edges = [(one, two) for one in graphics for two in ("surface", "page")]
    assert [pair for pair in edges if _contrast(*(colours[it] for it in pair)) < 3] == []


def test_every_colour_comes_from_the_theme():
    named = re.compile(r"#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(", re.IGNORECASE)
    for name in ("report.css", "fabric.css", "media.css"):
        css = (FOLDER / name).read_text(encoding="utf-8")
        assert named.findall(css.replace("--page: #fff", "")) == []


def test_who_is_only_affected_is_told_from_who_is_broken():
    said = "The root causes are on 3 nodes; 1 other is only affected by them."
    assert said in html_text(examples.folded())
    assert "only affected" not in html_text(examples.one())
