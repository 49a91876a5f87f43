"""Damaged outputs: an entry is never lost in silence, and nothing but ParseError is raised."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import parsers
from overlay.errors import ParseError
from tests.parsers.case_files import ALL, read
from tests.tries import tries

RECORDINGS = Path(__file__).parent / "recordings"
MAC_LINE = re.compile(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b")
HEADER_LINE = re.compile(r"\d+: \S+: <")


def _recorded(machine: str, name: str) -> list[str]:
    return (RECORDINGS / machine / f"{name}.txt").read_text(encoding="utf-8").splitlines()


EVPN = [
    _recorded("bookworm", "bgp_l2vpn_evpn"),
    _recorded("trixie", "bgp_l2vpn_evpn"),
    _recorded("forky", "bgp_l2vpn_evpn"),
    _recorded("trixie", "bgp_l2vpn_evpn_type2"),
    *(
        read(case).splitlines()
        for case in ALL
        if case.startswith("bgp_l2vpn_evpn/") and "/error-" not in case and "no-table" not in case
    ),
]
LINKS = [
    _recorded("trixie", "ip_link"),
    _recorded("forky", "ip_link"),
    *(
        read(case).splitlines()
        for case in ALL
        if case.startswith("ip_link/") and "/error-" not in case
    ),
]
FDB = _recorded("trixie", "bridge_fdb")[:20]


def _attempt(parse, lines):
    """What `parse` makes of the lines, or None when it refuses them."""
    try:
        return parse("\n".join(lines) + "\n")
    except ParseError:
        return None


def _identity(table, *, with_rd=True):
    """The paths without communities and order: a lost line of those is no lost entry."""
    paths = [
        replace(
            path, rd=path.rd if with_rd else "", route_targets=(), extended=(), rmac=None, mobility_sequence=None, sticky=False,
            esi=None, unknown=(), text="",
        )
        for path in table.paths
    ]  # fmt: skip
    return sorted(paths, key=repr)


def _damaged(lines):
    """Every single-line damage: dropped, printed twice, swapped with the next, cut in half."""
    for at, line in enumerate(lines):
        yield f"drop {line}", [*lines[:at], *lines[at + 1 :]]
        yield f"twice {line}", [*lines[: at + 1], *lines[at:]]
        if at + 1 < len(lines):
            yield (
                f"swap {line} {lines[at + 1]}",
                [*lines[:at], lines[at + 1], line, *lines[at + 2 :]],
            )
            yield f"glue {line}", [*lines[:at], line + lines[at + 1], *lines[at + 2 :]]
        yield f"half {line}", [*lines[:at], line[: len(line) // 2], *lines[at + 1 :]]


@pytest.mark.parametrize("lines", EVPN, ids=range(len(EVPN)))
def test_evpn_loses_no_path(lines):
    whole = parsers.parse_evpn("\n".join(lines))
    refused = 0
    for damage, damaged in _damaged(lines):
        table = _attempt(parsers.parse_evpn, damaged)
        if table is None:
            refused += 1
        elif damage.startswith("half"):
            # Half a number may be a number; but no path may be gone.
            assert len(table.paths) == len(whole.paths), damage
        else:
            # A lost RD line shows only where a prefix of it stands below the one before, too; one
            # that changed places with a path of one line does not.
            moved = damage.startswith(("drop", "swap")) and "Route Distinguisher" in damage
            with_rd = not moved
            assert _identity(table, with_rd=with_rd) == _identity(whole, with_rd=with_rd), damage
    assert refused > len(whole.paths)


@pytest.mark.parametrize("lines", EVPN, ids=range(len(EVPN)))
def test_evpn_that_stops_early_is_refused(lines):
    for end in range(len(lines)):
        assert _attempt(parsers.parse_evpn, lines[:end]) is None


@pytest.mark.parametrize("lines", LINKS, ids=range(len(LINKS)))
def test_links_lose_no_header(lines):
    for damage, damaged in _damaged(lines):
        links = _attempt(parsers.parse_links, damaged)
        if links is not None:
            headers = [line for line in damaged if HEADER_LINE.match(line)]
            assert len(links) == len(headers), damage
    for at, line in enumerate(lines):
        lost_one = [*lines[:at], *lines[at + 1 :]]
        if HEADER_LINE.match(line) and "\\ " not in line:
            assert _attempt(parsers.parse_links, lost_one) is None


def test_fdb_reads_every_line_or_none():
    for damage, damaged in _damaged(FDB):
        entries = _attempt(parsers.parse_fdb, damaged)
        if entries is not None:
            assert len(entries) == sum(1 for line in damaged if MAC_LINE.match(line)), damage


def test_fdb_glued_lines_are_refused():
    for at in range(len(FDB) - 1):
        glued = [*FDB[:at], FDB[at] + " " + FDB[at + 1], *FDB[at + 2 :]]
        assert _attempt(parsers.parse_fdb, glued) is None


WORDS = ["", "   ", "\t", "junk", "master", "dev", "dst 10.0.0.1", "[2]:[0]", "\\", "*>", "<UP>"]
FRAGMENTS = st.sampled_from(
    [*FDB[:4], *LINKS[0][:8], *EVPN[0][:16], *EVPN[1][-8:], *EVPN[8][:20], *WORDS, "\x00"]
)
TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(FRAGMENTS, max_size=30).map("\n".join),
    st.lists(st.one_of(FRAGMENTS, st.text(max_size=20)), max_size=12).map(" ".join),
)


@settings(max_examples=tries(300), deadline=None)
@given(TEXTS)
def test_any_text_is_read_whole_or_refused(text):
    lines = [line for line in text.removeprefix("\ufeff").split("\n") if line.strip()]
    entries = _attempt(parsers.parse_fdb, [text])
    if entries is not None:
        assert len(entries) == len(lines)
        assert all(MAC_LINE.match(line) for line in lines)
    links = _attempt(parsers.parse_links, [text])
    if links is not None:
        assert len(links) == sum(1 for line in lines if HEADER_LINE.match(line)) > 0
    table = _attempt(parsers.parse_evpn, [text])
    if table is not None:
        assert table.empty == (not table.paths)


@settings(max_examples=tries(150), deadline=None)
@given(st.permutations(range(len(EVPN[7]))))
def test_a_shuffled_table_holds_the_same_paths_or_is_refused(order):
    table = _attempt(parsers.parse_evpn, [EVPN[7][at] for at in order])
    if table is not None:
        assert len(table.paths) == len(parsers.parse_evpn("\n".join(EVPN[7])).paths)


@settings(max_examples=tries(200), deadline=None)
@given(st.sampled_from(EVPN), st.data())
def test_an_evpn_table_without_some_lines_holds_all_paths_or_is_refused(lines, data):
    whole = parsers.parse_evpn("\n".join(lines))
    lost = data.draw(st.sets(st.integers(0, len(lines) - 1), min_size=1, max_size=6))
    table = _attempt(parsers.parse_evpn, [line for at, line in enumerate(lines) if at not in lost])
    if table is not None:
        assert len(table.paths) == len(whole.paths)


@settings(max_examples=tries(150), deadline=None)
@given(st.permutations(FDB), st.sets(st.integers(0, len(FDB) - 1)))
def test_each_fdb_line_is_a_record_of_its_own(shuffled, lost):
    # A line that was never printed cannot be missed here: the next line does not depend on it.
    kept = [line for at, line in enumerate(shuffled) if at not in lost]
    entries = _attempt(parsers.parse_fdb, kept) if kept else ()
    assert entries is not None
    assert [entry.text for entry in entries] == kept
    assert {*entries} <= {*parsers.parse_fdb("\n".join(FDB))}


@settings(max_examples=tries(100), deadline=None)
@given(st.data())
def test_links_in_another_order_are_the_same_links(data):
    lines = LINKS[0]
    starts = [at for at, line in enumerate(lines) if HEADER_LINE.match(line)]
    blocks = [lines[a:b] for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]
    order = data.draw(st.permutations(blocks))
    links = parsers.parse_links("\n".join(line for block in order for line in block))
    assert {link.name: link for link in links} == {
        link.name: link for link in parsers.parse_links("\n".join(lines))
    }
