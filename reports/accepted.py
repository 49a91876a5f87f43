"""What the forms say of accepted findings: one sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.text import one_line, short_name
from reports.verdict import headline

if TYPE_CHECKING:
    from reports.model import SuppressedReport

MAX_LISTED: Final = 20
"""Accepted findings are listed briefly; report.json holds all of them."""


def subject(item: SuppressedReport) -> str:
    """Return which finding it is: `critical node3 flood-missing: vxlan2 VTEP 10.0.0.2`."""
    found = item.finding
    named = f"{short_name(found.host)} {one_line(found.check, 80)}"
    return f"{found.severity.value} {named}: {headline(found)}"


def acceptance(item: SuppressedReport) -> str:
    """Return why it does not count: `accepted until 2026-12-31 by noc: rack 4 is rebuilt`."""
    by = item.suppression
    owner, reason = one_line(by.owner, 80), one_line(by.reason, 200)
    return f"accepted until {by.expires} by {owner}: {reason}"
