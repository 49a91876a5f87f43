"""What several hosts say of one thing: most win, and who says otherwise is kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adopt.devices import Attribute, Device
    from adopt.hostfiles import Host

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Remark:
    """What a person must know of an intent that was inferred. `line` 0: no single line."""

    host: str
    file: str
    line: int
    what: str

    def __str__(self) -> str:
        place = f"{self.host}{self.file}" + (f":{self.line}" if self.line else "")
        return f"{place}: {self.what}" if place else self.what


@dataclass(frozen=True, slots=True)
class Word:
    """What one host says, and where."""

    host: Host
    value: object
    file: str = ""
    line: int = 0


@dataclass(slots=True)
class Survey:
    """The hosts, their roles, and what was remarked while they were asked.

    `reflectors` only reflect; `reflecting` are all that do, those with tunnels among them.
    """

    hosts: Sequence[Host]
    vteps: list[Host] = field(default_factory=list)
    reflectors: list[Host] = field(default_factory=list)
    reflecting: list[Host] = field(default_factory=list)
    routers: list[Host] = field(default_factory=list)
    spines: list[Host] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    _known: set[Remark] = field(default_factory=set)

    def most(self, what: str, words: Iterable[Word], default: T) -> T:
        """What most say; of equally many, what was said first. Without a word, the default.

        Each host that says otherwise becomes a remark; `what` names the thing in it.
        """
        said = list(words)
        if not said:
            return default
        winner = Counter(word.value for word in said).most_common(1)[0][0]
        for word in said:
            if word.value != winner:
                self.remark(
                    word.host,
                    f"{what} is {shown(word.value)} here and {shown(winner)} on most hosts: the "
                    "intent takes what most say",
                    word.file,
                    word.line,
                )
        return winner  # type: ignore[return-value]

    def remark(self, host: Host | None, what: str, file: str = "", line: int = 0) -> None:
        """Keeps a remark, once."""
        found = Remark(host.name if host else "", file, line, what)
        if found not in self._known:
            self._known.add(found)
            self.remarks.append(found)


def shown(value: object) -> str:
    """A value as it stands in a remark."""
    if value is None:
        return "not set"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def word(host: Host, value: object, place: Attribute | Device | None = None) -> Word:
    """What a host says, at an attribute's or a device's line."""
    return Word(host, value, place.file if place else "", place.line if place else 0)
