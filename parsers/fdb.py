"""`bridge fdb show` → FdbEntry records, one per printed line."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, TypedDict

from overlay.records import FdbEntry
from parsers._engine import Match, match_lines
from parsers._kept import Kept
from parsers._text import address, count, is_mac, number, quoted, split_lines, unaccounted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TEMPLATE = "bridge_fdb.ttp"
COMMAND = "bridge fdb show"

_STATES = frozenset({"permanent", "static", "stale"})
# NTF_EXT_LEARNED was printed as `external` by iproute2 3.19. (4.1 to 4.12 print `offload` for it,
# which cannot be told from a real hardware offload and so stays as printed.)
_SPELLINGS = {"external": "extern_learn"}
# A state without a name: `state=0x1`, and since iproute2 4.17 the bare number.
_NUMBERED_STATE = re.compile(r"state=.*|0x[0-9a-f]+")
_FLAGS = frozenset(
    {"self", "router", "extern_learn", "external", "offload", "sticky", "locked"}
    | {"activity_notify", "inactive", "blackhole"}
)
_VALUES: dict[str, tuple[str, Callable[[str], object]]] = {
    "dst": ("dst", address),
    "vlan": ("vlan", number),
    "vni": ("vni", number),
    "src_vni": ("src_vni", number),
    "port": ("port", str),
    "via": ("via", str),
    "nhid": ("nhid", number),
    "link-netnsid": ("link_netnsid", number),
    "used": ("used", str),
}
# At 75 characters those of 4,000 lines.
_KEPT: Kept[FdbEntry] = Kept(300_000)
_KEYWORDS = frozenset(_VALUES) | _FLAGS | _STATES | {"master"}


class _Attributes(TypedDict, total=False):
    """The fields of FdbEntry that come from the words behind the device."""

    dst: str
    vlan: int
    vni: int
    src_vni: int
    port: str
    via: str
    nhid: int
    link_netnsid: int
    master: str
    used: str
    state: str
    flags: tuple[str, ...]


def parse_fdb(text: str) -> tuple[FdbEntry, ...]:
    """Read `bridge fdb show` of any iproute2; an empty table is a legitimate answer.

    A word that no iproute2 is known to print becomes one of its entry's flags. Raises ParseError,
    with the lines to blame, unless every non-blank line gave one entry.
    """
    lines = split_lines(text)
    _KEPT.begin()
    # iproute2 4.17 and 4.18 printed destination and master without `dst` and `master`. One word of
    # either kind says that it was another version, so that a new flag is not taken for a master.
    bare = not any(" dst " in line or " master " in line for line in lines)
    known = [None] * len(lines) if bare else _KEPT.find(lines)
    new = [line for line, entry in zip(lines, known, strict=True) if entry is None]
    matches = iter(match_lines(TEMPLATE, new))
    entries: list[FdbEntry] = []
    strange: list[str] = []
    for line, entry in zip(lines, known, strict=True):
        try:
            entries.append(entry or _read_line(line, next(matches), bare=bare))
        except ValueError:
            strange.append(line)
    if strange:
        found = f"{len(entries)} of {count(len(lines), 'line')} read"
        raise unaccounted(COMMAND, found, strange, entries)
    return tuple(entries)


def _read_line(line: str, match: Match, *, bare: bool) -> FdbEntry:
    """Raises ValueError for a line that is no entry."""
    if "unknown" in match:
        raise ValueError("not an entry")
    entry = _entry(match, line, bare=bare)
    if not bare:  # what a bare line says hangs on the other lines
        _KEPT.put(line, entry)
    return entry


def unknown_words(entries: Iterable[FdbEntry]) -> tuple[str, ...]:
    """The words that were kept as flags without being known, each once, sorted."""
    sets = {entry.flags for entry in entries}
    return tuple(sorted({flag for flags in sets for flag in flags} - _FLAGS - {"master"}))


def _entry(match: Match, line: str, *, bare: bool) -> FdbEntry:
    """Raises ValueError for a keyword without its value, or with one that cannot be its value."""
    device, words = match.get("device"), match["words"]
    if device == "dev":
        first, _, rest = words.strip().partition(" ")
        if first and first not in _KEYWORDS:
            device, words = first, rest  # iproute2 4.19 printed `dev dev eth0`
    return FdbEntry(mac=match["mac"].lower(), device=device, text=line, **_walk(words, bare=bare))


# Most entries of a table end in the same words: those of their device, their VTEP, their origin.
# So sorting them costs a look-up each. TTP patterns that catch destination, VLAN, master and flags
# by name were tried: of 20,000 entries TTP alone then takes 0.36 s, instead of 0.20 s of 0.26 s for
# all, and every order of the words, which varies with iproute2, needs a pattern of its own.
@functools.lru_cache(maxsize=8192)
def _walk(text: str, *, bare: bool) -> _Attributes:
    """Sort an entry's words into the fields of FdbEntry. Raises ValueError."""
    words = text.split()
    values = _Attributes()
    flags: set[str] = set()
    strangers: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word in _VALUES:
            name, convert = _VALUES[word]
            if name in values:
                raise ValueError(f"{word} twice: two entries on one line")
            value, position = _value(words, position, word)
            values[name] = convert(value)  # type: ignore[literal-required]
        elif word == "master" and _names_a_master(words, position):
            values["master"] = words[position]
            position += 1
        elif word in _STATES or _NUMBERED_STATE.fullmatch(word):
            values["state"] = word
        elif word in _FLAGS or word == "master":
            flags.add(_SPELLINGS.get(word, word))
        else:
            strangers.append(word)
    _place(strangers, values, flags, bare=bare)
    values["flags"] = tuple(sorted(flags))
    return values


def _value(words: list[str], position: int, keyword: str) -> tuple[str, int]:
    """The value after `keyword`, and the position behind it (`via ifindex 5` is one value)."""
    size = 2 if keyword == "via" and words[position : position + 1] == ["ifindex"] else 1
    value = words[position : position + size]
    if len(value) < size:
        raise ValueError(f"{keyword} without a value")
    return " ".join(value), position + size


def _names_a_master(words: list[str], position: int) -> bool:
    """Whether the `master` before `position` is followed by a device (else it is a bare flag).

    The flag stands before `sticky`, `locked`, another `master` or the state; the keyword before
    its device. A bridge that is itself called `permanent` is left to those who name it so.
    """
    return position < len(words) and words[position] not in _FLAGS | _STATES | {"master"}


def _place(strangers: list[str], values: _Attributes, flags: set[str], *, bare: bool) -> None:
    """Words of no known meaning: flags yet to come, or (`bare`) a destination and a master.

    A bare address is the destination; a bare name of an entry that the device does not hold
    itself is its master. A second MAC or device is neither: two entries ran together, and one
    would be lost.
    """
    names = []
    for word in strangers:
        if word == "dev" or is_mac(word):
            raise ValueError(f"{quoted(word)} inside an entry: two entries on one line")
        if bare and "dst" not in values and _is_address(word):
            values["dst"] = address(word)
        else:
            names.append(word)
    if bare and len(names) == 1 and not flags & {"self", "master"}:
        values["master"] = names[0]
    else:
        flags.update(names)


def _is_address(word: str) -> bool:
    try:
        address(word)
    except ValueError:
        return False
    return True
