"""A table read by parts, and an FDB by lines, that were met before: the same as read as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from overlay.errors import ParseError
from parsers import evpn, fdb
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
    assert asked[1] == 0
    assert all(one is other for one, other in zip(first.paths, second.paths, strict=True))


def test_an_entry_of_the_fdb_is_read_once_unless_its_words_are_bare(monkeypatch) -> None:
    monkeypatch.setattr(fdb, "_KEPT", Kept(1_000_000))
    line = "02:00:00:00:00:01 dev vxlan2 dst 192.168.0.2 self"
    (first,), (second,) = parse_fdb(line), parse_fdb(line)
    assert first is second
    # iproute2 4.17 left out `dst`: whether it did, all lines say together.
    (bare,) = parse_fdb("02:00:00:00:00:02 dev vxlan2 192.168.0.2 self")
    assert bare.dst == "192.168.0.2"


def test_what_is_kept_is_bounded_and_the_latest_stays() -> None:
    kept = Kept[str](10)
    for number in range(100):
        kept.put(f"{number:05}", "read")
        assert kept.get("00000") == "read", "asked for again and again"
    assert kept.get("00050") is None
    assert len(kept._young) + len(kept._old) < 10
