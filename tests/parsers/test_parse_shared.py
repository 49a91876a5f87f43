"""A table read by parts, an FDB by lines and a list by entries, that were met before: the same as
read as a whole.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from overlay.errors import ParseError
from parsers import evpn, fdb, ip
from parsers._evpn import blocks
from parsers._kept import Kept
from parsers.evpn import parse_evpn
from parsers.fdb import parse_fdb

RECORDINGS = Path(__file__).resolve().parent.parent.parent / "replay" / "recordings"
TABLES = sorted(RECORDINGS.glob("*/*/bgp_l2vpn_evpn.txt"))[:4]
CASES = sorted((Path(__file__).parent / "cases" / "bgp_l2vpn_evpn").glob("*.txt"))


def outcome(read, text):
    """What was read; or the error, whose message has the counts and the lines to blame."""
    try:
        return read(text)
    except ParseError as error:
        return error.what, error.lines


@pytest.mark.parametrize(
    "path", [*CASES, *TABLES], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_table_is_the_same_by_parts_as_line_by_line(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    whole = outcome(evpn._line_by_line, text)
    assert outcome(parse_evpn, text) == whole
    assert outcome(parse_evpn, text) == whole, "the second time its parts are known"


@pytest.mark.parametrize("path", TABLES[:1])
def test_a_line_too_few_or_too_many_is_blamed_as_in_the_whole(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for at in range(len(lines)):
        for other in ([*lines[:at], *lines[at + 1 :]], [*lines[:at], lines[at], *lines[at:]]):
            text = "".join(other)
            assert outcome(parse_evpn, text) == outcome(evpn._line_by_line, text), lines[at]


def test_what_many_nodes_print_alike_is_read_once_and_held_once(monkeypatch) -> None:
    monkeypatch.setattr(blocks, "_KEPT", Kept(1_000_000))
    text, asked = TABLES[0].read_text(encoding="utf-8"), []
    match_lines = blocks.match_lines
    monkeypatch.setattr(
        blocks,
        "match_lines",
        lambda t, lines: asked.append(len(lines)) or match_lines(t, lines),
    )
    first, second = parse_evpn(text), parse_evpn(text)
    assert asked[0] > 20
    assert len(asked) == 1, "the second time TTP is not asked"
    assert all(one is other for one, other in zip(first.paths, second.paths, strict=True))


def test_an_entry_of_the_fdb_is_read_once_unless_its_words_are_bare(monkeypatch) -> None:
    monkeypatch.setattr(fdb, "_KEPT", Kept(1_000_000))
    line = "02:00:00:00:00:01 dev vxlan2 dst 192.168.0.2 self"
    (first,), (second,) = parse_fdb(line), parse_fdb(line)
    assert first is second
    # iproute2 4.17 left out `dst`: whether it did, all lines say together.
    (bare,) = parse_fdb("02:00:00:00:00:02 dev vxlan2 192.168.0.2 self")
    assert bare.dst == "192.168.0.2"


def test_a_large_table_is_given_to_ttp_in_pieces(monkeypatch) -> None:
    text, asked = TABLES[0].read_text(encoding="utf-8"), []
    whole = parse_evpn(text)
    monkeypatch.setattr(blocks, "_KEPT", Kept(1_000_000))
    monkeypatch.setattr(blocks, "_AT_ONCE", 1)
    match_lines = blocks.match_lines
    monkeypatch.setattr(
        blocks,
        "match_lines",
        lambda t, lines: asked.append(len(lines)) or match_lines(t, lines),
    )
    assert parse_evpn(text) == whole
    assert len(asked) == text.count("\nRoute Distinguisher: ")


LISTS = {
    "ip_route": (ip.parse_routes, "_KEPT_ROUTES"),
    "ip6_route": (ip.parse_ipv6_routes, "_KEPT_ROUTES6"),
    "ip_neigh": (ip.parse_neighbours, "_KEPT_NEIGHBOURS"),
}
LISTINGS = sorted(path for slug in LISTS for path in RECORDINGS.glob(f"*/*/{slug}.json"))


@pytest.mark.parametrize("path", LISTINGS, ids=lambda path: "-".join(path.parts[-3:]))
def test_a_list_is_the_same_by_entries_as_as_a_whole(path: Path, monkeypatch) -> None:
    read, kept = LISTS[path.stem]
    monkeypatch.setattr(ip, kept, Kept(1_000_000))
    text = path.read_text(encoding="utf-8")
    whole = read(json.dumps(json.loads(text)))  # with blanks: not cut into entries
    first, second = read(text), read(text)
    assert first == second == whole
    assert all(one is other for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        '[{"dst":"10.0.0.1/32","dev":"a},{\\"dst\\":\\"10.0.0.2"},{"dst":"10.0.0.3"}]',
        '[{"dst":"10.0.0.1","flags":[{"dst":"x"},{"dst":"10.0.0.2"}]},{"dst":"10.0.0.3"}]',
        '[{"dst":"10.0.0.1"},{"dst":"nothing"}]',
        '[{"dst":"10.0.0.1"},{"dev":"eth0"}]',
        '[{"dst":"10.0.0.1"},{"dst":"10.0.0.2"}',
        '[{"dst":"10.0.0.1"},{"dst":"10.0.0.2"}]]',
        "[{},{}]",
        "[]",
        "",
    ],
)
def test_a_list_whose_entries_are_not_in_order_is_read_as_a_whole(text: str) -> None:
    whole = outcome(lambda it: ip._routes(ip.ROUTES, it), text)
    assert outcome(ip.parse_routes, text) == whole


def test_each_node_has_its_own_number_of_a_next_hop() -> None:
    entry = '[{{"dst":"10.0.2.1","nhid":{},"gateway":"192.168.0.1","dev":"vmbr4000","flags":[]}}]'
    (one,), (other,) = ip.parse_routes(entry.format(7)), ip.parse_routes(entry.format(36))
    assert one is other


def test_what_is_kept_is_bounded_and_the_latest_stays() -> None:
    kept = Kept[str](10, generation=1)
    for number in range(100):
        kept.begin()
        kept.put(f"{number:05}", "read")
        assert kept.get("00000") == "read", "asked for again and again"
    assert kept.get("00050") is None
    assert len(kept._young) + len(kept._old) < 10


def test_what_was_met_in_one_output_is_kept_for_the_next_ones_however_large() -> None:
    kept = Kept[str](10, generation=2)
    for _ in range(10):
        kept.begin()
        for number in range(100):
            kept.get(f"{number:05}") or kept.put(f"{number:05}", "read")
        assert kept.get("00000") == "read"
