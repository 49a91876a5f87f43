"""report.html in headless Chromium: what it does, and that nothing from a node is more than text."""

from __future__ import annotations

import re
from dataclasses import replace

import fabrics
import pytest

import examples
from drift.result import Unlike
from reports.html.page import html_text
from tests.drift import worlds

pytestmark = pytest.mark.browser

STATES = {
    **{name: make for name, make in examples.EXAMPLES.items() if name not in {"large", "flat"}},
    "flood": fabrics.flood_missing,
    "reflectors": lambda: fabrics.stopped(worlds.example("route-reflectors"), "rrserver1"),
    "way out": lambda: fabrics.healthy(worlds.example("exit-multi-gateway")),
    "unread": lambda: fabrics.unread(worlds.symmetric(4), ["node2", "node3"]),
    "many": lambda: fabrics.stopped(worlds.bridged(70), "node7"),
    "hostile fabric": fabrics.hostile,
}
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def without_policy(html: str) -> str:
    """Return a page without its content security policy: what it forbids must fail without it too."""
    found, count = _POLICY.subn("", html)
    assert count == 1
    return found


@pytest.mark.parametrize("name", STATES)
def test_every_state_fits_its_window_and_asks_for_nothing(name, show):
    page = show(STATES[name]())
    for width in (1280, 700, 360):
        page.resize(width, 900)
        assert page.ask("document.documentElement.scrollWidth") <= width
    assert page.console == []
    assert [it for it in page.requests if not it.startswith(("file:", "data:"))] == []
    assert len([it for it in page.requests if it.startswith("file:")]) == 1


@pytest.mark.parametrize("policy", [True, False], ids=["with policy", "without policy"])
@pytest.mark.parametrize("make", [examples.hostile, fabrics.hostile])
def test_nothing_hostile_runs(make, policy, show):
    html = html_text(make())
    page = show(html if policy else without_policy(html), "#q=alert")
    page.ask("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
    page.wait("document.querySelectorAll('article.card pre').length > 3")
    assert page.ask("document.title") == "1 of 2 nodes incomplete – dc1 – EVPN audit"
    assert page.count("img") == 0
    assert page.count("script") == 2
    assert page.count("article.card") == 3
    assert page.console == []


def test_the_policy_stops_a_script_and_a_request(show):
    html = html_text(examples.one())
    evil = "<script>document.title = 'owned'</script><img src='https://192.0.2.1/x'>"
    page = show(html.replace("</main>", evil + "</main>"))
    assert page.ask("document.title") != "owned"
    assert len(page.console) == 2
    assert all("Content Security Policy" in line for line in page.console)
    assert not any(it.startswith("http") for it in page.requests)


@pytest.mark.parametrize(
    ("fragment", "cards"),
    [
        ("", 3),
        ("#nodes", 3),
        ("#q=vxlan2", 1),
        ("#q=VXLAN2%20learning", 1),
        ("#q=vxlan2&severity=critical", 0),
        ("#severity=critical", 2),
        ("#severity=critical,warning", 3),
        ("#severity=nonsense", 3),
        ("#node=leaf2", 1),
        ("#node=leaf3", 1),
        ("#node=leaf", 0),
        ("#check=imet-missing", 1),
        ("#vni=77", 0),
        ("#new=1", 3),  # without a history there is nothing new to ask for
        ("#q=%3Cscript%3Ealert(1)%3C/script%3E", 0),
    ],
)
def test_the_address_filters(fragment, cards, show):
    page = show(examples.folded(), fragment)
    assert page.count("article.card") == cards
    assert page.console == []


def test_a_link_reproduces_the_view(show):
    report = fabrics.stopped(worlds.symmetric(4), "node1")
    page = show(report)
    page.click("label.toggle.critical")
    page.ask(
        "for (const [id, value] of [['node', 'node2'], ['vni', '2'], ['check', 'imet-missing']])"
        " { const field = document.getElementById(id); field.value = value;"
        " field.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    page.wait("location.hash.includes('check=')")
    said, fragment = page.text("#shown"), page.ask("location.hash")
    assert said == "1 of 1 root cause match"
    assert fragment == "#node=node2&check=imet-missing&vni=2&severity=critical"
    again = show(report, fragment)
    assert again.text("#shown") == said
    assert again.text("#one-node h3") == "Node node2"
    assert again.text("#cards") == page.text("#cards")


def test_a_filter_on_consequences_shows_them(show):
    page = show(examples.folded(), "#node=leaf3")
    assert "6 consequences, 2 of them match" in page.text("#cards")
    assert page.ask("document.querySelector('details.consequences').open")


def test_typing_filters_and_changes_the_address(show):
    page = show(examples.folded())
    page.press("/")
    page.type("flood list")
    page.wait("location.hash === '#q=flood%20list'")
    assert page.count("article.card") == 1
    page.click("#reset")
    page.wait("location.hash === ''")
    assert page.count("article.card") == 3


def test_the_keyboard_reaches_and_opens_a_root_cause(show):
    page = show(examples.large(nodes=60, findings=300, roots=30))
    page.press("Tab")
    assert page.ask("document.activeElement.className") == "skip"
    page.press("Enter")
    page.wait("document.activeElement.id === 'causes'")
    for _ in range(60):
        page.press("Tab")
        if page.ask("document.activeElement.closest('article:nth-child(2)') !== null"):
            break
    assert not page.ask("document.activeElement.parentElement.open")
    page.press("Enter")
    page.wait("document.activeElement.parentElement.querySelectorAll('pre').length > 1")
    outline = page.ask("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_node_s_details(show):
    page = show(fabrics.flood_missing())
    page.click("#nodes tbody a")
    page.wait("!document.getElementById('one-node').hidden")
    assert page.ask("location.hash") == "#node=node2"
    assert "1 root cause, 0 consequences" in page.text("#one-node")
    assert "Records read" in page.text("#one-node")
    assert "00:00:00:00:00:00 dev vxlan2 dst 192.168.0.1" in page.text("#cards")


def test_a_node_of_the_drawing_leads_to_its_details(show):
    page = show(fabrics.flood_missing())
    page.click(".drawing a:nth-of-type(2) .name")
    page.wait("document.activeElement.id === 'causes'")
    assert page.ask("location.hash") == "#node=node2"


def test_the_table_of_nodes_is_filtered(show):
    page = show(examples.large(nodes=400, findings=2000, roots=100))
    visible = (
        "[...document.querySelectorAll('#nodes tbody tr')].filter((row) => !row.hidden).length"
    )
    assert page.ask(visible) == 30
    page.click("#statuses [data-status='incomplete']")
    assert page.ask(visible) == 1
    page.click("#statuses [data-status='all']")
    page.click("#find")
    page.type("rack03-leaf1")
    assert page.ask(visible) == 10
    assert page.ask("location.hash") == "#find=rack03-leaf1"


# --- reachability --------------------------------------------------------------------------------


def _row(page, number: int) -> list[str]:
    cells = f"#matrix-table tbody tr:nth-child({number}) td"
    return page.ask(f"[...document.querySelectorAll('{cells}')].map((cell) => cell.innerText)")


def test_the_matrix_says_who_lacks_whom(show):
    page = show(fabrics.flood_missing())
    assert [_row(page, number) for number in (1, 2, 3)] == [
        ["", "✓", "✓"],
        ["✓", "", "F"],
        ["✓", "✓", ""],
    ]
    assert page.text("#matrix-says") == "VNI 2: 3 nodes, 6 pairs, 1 difference."
    label = "document.querySelector('#matrix-table td a').getAttribute('aria-label')"
    assert page.ask(label) == "node2 of node3: no flood list entry"
    page.click("#matrix-table td a")
    page.wait("document.getElementById('shown').textContent === '1 of 1 root cause match'")
    assert page.ask("location.hash") == "#node=node2&vni=2"


def test_what_was_not_read_is_a_question_mark(show):
    page = show(fabrics.unread(worlds.bridged(3), ["node2"]))
    assert [_row(page, number) for number in (1, 2)] == [["", "✓", "✓"], ["?", "", "?"]]
    assert "1 node not collected" in page.text("#matrix-says")


def test_another_vni_is_in_the_address(show):
    page = show(fabrics.flood_missing(), "#matrix=3")
    assert page.text("#matrix-says") == "VNI 3: 2 nodes, 2 pairs, no difference."


def test_of_a_large_vni_only_differences_are_drawn(show):
    page = show(fabrics.stopped(worlds.bridged(70), "node7"))
    assert page.count("#matrix-table tbody tr") == 60
    heads = page.ask("[...document.querySelectorAll('.vtep')].map((it) => it.innerText)")
    assert heads == ["node7", "69 others"]
    assert "the first 60 of 70 nodes with a difference" in page.text("#matrix-says")
    assert _row(page, 1) == ["FI", "✓"]
    assert _row(page, 7) == ["", "FI"]


def test_a_difference_beyond_what_is_drawn_is_not_hidden(show):
    report = fabrics.healthy(worlds.bridged(130))
    unlike = tuple(
        Unlike(vni=2, node=f"node{n}", state="flood-missing", vteps=(f"node{131 - n}",))
        for n in range(1, 66)
    )
    reach = replace(report.reachability, unlike=unlike)
    page = show(report.model_copy(update={"reachability": reach}))
    assert page.count("#matrix-table tbody tr") == 60
    # node1 lacks node130, the 65th VTEP with a difference; node60 lacks node71, the 6th.
    assert [_row(page, number)[-1] for number in (1, 5, 6, 60)] == ["F", "F", "✓", "✓"]
    assert page.text("#matrix-says").endswith(
        "Shown: the first 60 of 65 nodes with a difference and "
        "the first 60 of 65 VTEPs with a difference; report.json has all of them."
    )


def test_a_root_cause_says_how_to_fix_it(show):
    page = show(fabrics.flood_missing())
    assert "Broadcast, ARP and unknown unicast do not reach that VTEP." in page.text(".impact")
    page.click(".remedy summary")
    assert "bridge fdb append" in page.text(".remedy dd:last-of-type code:nth-of-type(2)")


# --- theme, paper, no script ---------------------------------------------------------------------


def _background(page) -> str:
    return page.ask("getComputedStyle(document.body).backgroundColor")


def test_dark_by_the_system_and_by_the_button(show):
    light, dark = show(examples.one()), show(examples.one(), dark=True)
    assert _background(light) != _background(dark)
    seen = []
    for _ in range(3):
        light.click("#theme")
        seen.append((light.text("#theme"), _background(light) == _background(dark)))
    assert seen == [("Theme: light", False), ("Theme: dark", True), ("Theme: auto", False)]
    assert _background(show(examples.one(), "#theme=dark")) == _background(dark)


def test_motion_is_reduced_when_asked_for(show):
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert show(examples.one(), still=True).ask(behaviour) == "auto"
    assert show(examples.one(), still=False).ask(behaviour) == "smooth"


def test_printing_shows_everything_that_is_folded(show):
    page = show(examples.folded())
    assert page.pdf().startswith(b"%PDF-")
    assert page.ask(
        "[...document.querySelectorAll('article details.cause')].every((it) => it.open)"
    )
    assert page.count("details.consequences[open] li") == 6


def test_the_page_is_whole_without_scripts(show):
    page = show(fabrics.flood_missing(), scripts=False)
    assert page.count("article.card") == 1
    assert page.count("#matrix-list li") == 1
    assert page.count(".drawing .box") == 3


# --- what changed --------------------------------------------------------------------------------


def test_what_is_new_can_be_filtered(show):
    page = show(examples.EXAMPLES["remembered"]())
    assert page.text(".fresh") == "new in this run"
    assert page.count(".resolved li") == 1
    assert page.count(".trend g") == 10
    page.click(".changes a")
    page.wait("document.querySelectorAll('article.card').length === 1")
    assert page.ask("location.hash") == "#new=1"


# --- size ----------------------------------------------------------------------------------------


def test_more_comes_in_portions(show):
    page = show(examples.large(nodes=400, findings=2000, roots=100))
    assert page.count("article.card") == 30
    page.click("#more")
    assert page.count("article.card") == 80
    page.click("details.consequences summary")
    page.wait("document.querySelectorAll('.follows > li').length >= 19")


@pytest.mark.slow
@pytest.mark.parametrize("make", [fabrics.large, examples.flat])
def test_twenty_thousand_findings_are_no_large_page(make, show):
    """What is drawn grows with the nodes, not with what was found; bench/page.py has the times."""
    page = show(html_text(make()))
    assert page.count("article.card") == 30
    drawn = page.ask("document.querySelectorAll('*').length")
    page.ask("state.q = 'vxlan599'; showCauses(); 0")
    assert page.ask("document.querySelectorAll('*').length") <= drawn < 40_000
