"""report.html for everybody: contrast as it is painted, names, headings, both themes, each state."""

from __future__ import annotations

import fabrics
import pytest

import examples
from tests.drift import worlds

pytestmark = pytest.mark.browser

STATES = {
    "history": examples.EXAMPLES["remembered"],
    "suppressed": examples.EXAMPLES["suppressed"],
    "incomplete": examples.incomplete,
    "empty": examples.empty,
    "clean": lambda: fabrics.healthy(worlds.symmetric()),
    "stopped": lambda: fabrics.stopped(worlds.example("route-reflectors"), "node1"),
    "unread": lambda: fabrics.unread(worlds.bridged(4), ["node2"]),
}

# Every text with its colour on what is painted below it; large text needs 3:1, other 4.5:1.
_FAINT = """(() => {
  document.querySelectorAll("details").forEach((box) => { box.open = true; });
  const parse = (text) => {
    const part = text.match(/[\\d.]+/g).map(Number);
    return { rgb: part.slice(0, 3), alpha: part[3] ?? 1 };
  };
  const over = (top, alpha, below) => top.map((it, n) => it * alpha + below[n] * (1 - alpha));
  const light = (rgb) => rgb.map((it) => it / 255)
    .map((it) => (it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4))
    .reduce((sum, it, n) => sum + it * [0.2126, 0.7152, 0.0722][n], 0);
  const below = (element) => {
    const chain = [];
    for (let at = element; at; at = at.parentElement) chain.unshift(at);
    return chain.reduce((ground, at) => {
      const { rgb, alpha } = parse(getComputedStyle(at).backgroundColor);
      return over(rgb, alpha, ground);
    }, [255, 255, 255]);
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((it) => it.nodeType === 3 && it.data.trim());
    const style = getComputedStyle(element);
    if (!own || element.closest("svg, script, option, :disabled") || !element.checkVisibility()) {
      continue;
    }
    const ground = below(element);
    const ink = parse(style.color);
    let seen = 1;
    for (let at = element; at; at = at.parentElement) seen *= Number(getComputedStyle(at).opacity);
    const one = light(over(ink.rgb, ink.alpha * seen, ground));
    const two = light(ground);
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      faint.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}: ${element.innerText}`);
    }
  }
  return faint;
})()"""

_NAMELESS = """[...document.querySelectorAll("a, button, input, select, summary, [role=region], section")]
  .filter((it) => it.checkVisibility())
  .filter((it) => !(it.textContent.trim() && it.matches("a, button, summary"))
    && !it.getAttribute("aria-label") && !it.labels?.length && !it.closest("svg")
    && !document.getElementById(it.getAttribute("aria-labelledby")))
  .map((it) => it.outerHTML.slice(0, 80))"""

_TWICE = """[...document.querySelectorAll("[id]")].map((it) => it.id)
  .filter((id, place, all) => all.indexOf(id) !== place)"""

_SKIPPED = """[...document.querySelectorAll("h1, h2, h3, h4")].filter((it) => it.checkVisibility())
  .map((it) => Number(it.tagName[1]))
  .filter((level, place, all) => level - (all[place - 1] ?? 0) > 1)"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", STATES)
def test_painted_text_is_readable_and_everything_has_a_name(name, dark, show):
    page = show(STATES[name](), dark=dark)
    assert page.ask(_FAINT) == []
    assert page.ask(_NAMELESS) == []
    assert page.ask(_TWICE) == []
    assert page.ask(_SKIPPED) == []
