"""A finding in the making: the finding itself, and what folding must know about its subject."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.catalogue import CHECKS
from drift.findings import Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from drift.findings import Kind

_WORD_LIMIT = 200
_VALUE_LIMIT = 120
_EVIDENCE_LIMIT = 4000
Scope = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class About:
    """The subject of a finding, for folding; all but what applies stays empty.

    `device` is an interface of the host itself, `bridge` the bridge that it should be a port of,
    `vni` and `vrf` whose traffic is concerned, `peer` the address of another node, `underlay`
    says that the host's way to all others is concerned, `alone` that it has no iBGP session left,
    `topics` which parts of FRR's configuration it is about (`frrconfig.topic_of`). Findings of one
    `group` state one fact.
    """

    device: str = ""
    bridge: str = ""
    vni: int | None = None
    vrf: str | None = None
    peer: str | None = None
    underlay: bool = False
    alone: bool = False
    topics: frozenset[Scope] = frozenset()
    group: Scope | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding with its subject; `caused_by` is settled by folding."""

    finding: Finding
    about: About


def draft(  # noqa: PLR0913 - a finding has that many parts
    check: str,
    host: str,
    subject: str,
    kind: Kind,
    expected: object,
    actual: object,
    *,
    attribute: str = "",
    what: str = "",
    evidence: Iterable[Evidence] = (),
    about: About,
) -> Draft:
    """A draft of `check` on `subject`; `what` is the message's word for it (default: `attribute`).

    Values must be JSON-able; lists, tuples and sets of words become sorted lists.
    """
    wanted, found = _plain(expected), _plain(actual)
    message = f"{subject}: {what or attribute} - Expected: {word(wanted)} Actual: {word(found)}"
    return Draft(
        Finding(
            check=check,
            severity=CHECKS[check].severity,
            host=host,
            object=subject,
            kind=kind,
            expected=wanted,
            actual=found,
            message=message,
            attribute=attribute,
            evidence=tuple(evidence),
            vni=about.vni,
        ),
        about,
    )


def lines(slug: str, texts: Iterable[str], limit: int = 10) -> tuple[Evidence, ...]:
    """Evidence of one command: the first `limit` texts, joined; nothing when there are none."""
    shown: list[str] = []
    for text in texts:
        if len(shown) == limit:
            shown.append("…")
            break
        if text:
            shown.append(text)
    return (Evidence(slug, "\n".join(shown)[:_EVIDENCE_LIMIT]),) if shown else ()


def excerpt(key: str, mapping: Mapping[str, object]) -> str:
    """One entry of a JSON object, as evidence; "" when it is not there."""
    if key not in mapping:
        return ""
    return f"{json.dumps(key)}: {json.dumps(mapping[key], sort_keys=True)}"


def bounded(value: object) -> str | None:
    """A value that a node printed, as a short text; None stays None."""
    return None if value is None else str(value)[:_VALUE_LIMIT]


def word(value: object) -> str:
    """A value as messages say it: on/off, lists joined, nothing as `absent`; bounded in length."""
    if value is None or value == []:
        return "absent"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = ", ".join(map(word, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _WORD_LIMIT else text[: _WORD_LIMIT - 1] + "…"


def _plain(value: object) -> object:
    if isinstance(value, list | tuple | set | frozenset):
        return sorted(value, key=str)
    return value
