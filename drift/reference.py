"""The catalogue in words: one check in full, and `docs/checks.md`, which holds all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import session_slugs
from drift.catalogue import CHECKS
from drift.coverage import coverage_text
from overlay.outputs import BGP_SUMMARY, EVPN_SUMMARY

if TYPE_CHECKING:
    from drift.model import Check

EXAMPLE = (
    "Commands are written for `inventory/`: VNI 2 on vxlan2 and vmbr2, VRF vrf1 with L3VNI 4000, "
    "node1 at 192.168.0.1, AS 1234, underlay eno1 in vmbr0. Put your own names in."
)
_HEAD = f"""\
# Every check

{EXAMPLE}

`confirm` only reads. `fix` is for the node itself, as root: `deploy` changes only files that
differ, so if they are as rendered and only the kernel or FRR differs, it has nothing to do.
`ifreload -a` brings the kernel back to /etc/network/interfaces as far as ifupdown2 can, and
`/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf` brings FRR back to its file.

`critical` means lost traffic, now or at the next change; a `warning` is not intended and will
cause trouble later. A check whose outputs were not collected is skipped, and says so.
`python run.py checks ID` prints one of these.
"""


def reference_text() -> str:
    """What `docs/checks.md` must hold; a test holds the file to it."""
    listed = "\n".join(
        f"| [`{check.id}`](#{check.id}) | {check.severity.value} | {check.title} |"
        for check in CHECKS.values()
    )
    table = f"| check | severity | says |\n|---|---|---|\n{listed}\n"
    return "\n".join([_HEAD, table, *map(_section, CHECKS.values()), coverage_text()])


def check_text(check: Check) -> str:
    """One check in full, as plain text with a title line."""
    rows = "\n".join(f"{name + ':':<10}{text}" for name, text in _parts(check))
    return f"{check.id} ({check.severity.value}): {check.title}\n{rows}\n"


def needs_of(check: Check) -> str:
    """The outputs that it needs, by slug, and when: `bridge_fdb, with EVPN bgp_l2vpn_evpn`."""
    if check.needs_on is session_slugs:
        return f"{EVPN_SUMMARY}, towards a router outside {BGP_SUMMARY}"
    if check.needs_on is not None:
        return ", ".join(check.needs) + ": of the neighbours those of the underlay's protocol"
    more = f", with EVPN also {', '.join(check.needs_in_evpn)}" if check.needs_in_evpn else ""
    return ", ".join(check.needs) + more


def _parts(check: Check) -> tuple[tuple[str, str], ...]:
    return (
        ("compares", check.compares),
        ("why", check.why),
        ("confirm", check.confirm),
        ("fix", check.remedy),
        ("needs", needs_of(check)),
    )


def _section(check: Check) -> str:
    parts = dict(_parts(check)) | {"confirm": f"`{check.confirm}`"}
    lines = "\n".join(f"- **{name}:** {text}" for name, text in parts.items())
    return f"## {check.id}\n\n{check.title}, {check.severity.value}.\n\n{lines}\n"
