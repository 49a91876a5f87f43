"""Managed files on disk, and FRR's running configuration, against what the intent renders to."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from drift.check import RUNNING, file_slug
from drift.draft import About, Draft, draft, lines
from drift.frrconfig import missing_from, statements, topic_of
from overlay.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.frrconfig import Statement
    from drift.view import HostView

FILE_CHECKS = frozenset({"config-file"})
RUNNING_CHECKS = frozenset({"config-running"})
FRR_CONF = "/etc/frr/frr.conf"

_SHOWN = 20


def examine_files(view: HostView) -> Iterator[Draft]:
    """Each managed file, byte for byte. One that is not there was collected as an empty text."""
    for path, wanted in (view.rendered or {}).items():
        slug = file_slug(path)
        found = view.state.texts[slug]
        if found == wanted:
            continue
        differing = _differing_lines(wanted, found)
        yield draft(
            "config-file",
            view.host,
            path,
            "changed" if found else "missing",
            "as rendered",
            _counted(differing) if found else None,
            attribute="content" if found else "",
            what="content",
            evidence=lines(slug, map(redact, differing), limit=_SHOWN) if found else (),
            about=About(),
        )


def _differing_lines(wanted: str, found: str) -> list[str]:
    diff = difflib.unified_diff(wanted.splitlines(), found.splitlines(), n=0, lineterm="")
    return [line for line in list(diff)[2:] if not line.startswith("@@")]


def _counted(differing: list[str]) -> str:
    more = sum(1 for line in differing if line.startswith("+"))
    if not differing:
        return "other line ends"
    return f"{more} lines more, {len(differing) - more} fewer"


def examine_running(view: HostView) -> Iterator[Draft]:
    """FRR's statements against those of the rendered frr.conf: one finding for all of them."""
    wanted = statements((view.rendered or {})[FRR_CONF])
    found = statements(view.state.texts[RUNNING])
    missing, extra = missing_from(wanted, found), missing_from(found, wanted)
    if not missing and not extra:
        return
    topics = {topic_of(statement, found) for statement in missing}
    topics |= {topic_of(statement, wanted) for statement in extra}
    yield draft(
        "config-running",
        view.host,
        "frr",
        "changed",
        _bounded(missing),
        _bounded(extra),
        attribute="running configuration",
        evidence=lines(RUNNING, [redact(statement[-1]) for statement in extra], limit=_SHOWN),
        about=About(topics=frozenset(topics)),
    )


def _bounded(differing: list[Statement]) -> list[str]:
    shown = [redact(" / ".join(statement)) for statement in differing[:_SHOWN]]
    more = len(differing) - len(shown)
    return [*shown, f"… and {more} more"] if more else shown
