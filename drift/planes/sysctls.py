"""Kernel settings: `sysctl` of the keys that the intent sets, and of each bridge that routes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drift.applies import with_sysctls
from drift.causes import from_interface
from drift.evidence import bounded, lines
from drift.model import CRITICAL, WARNING, About, Check
from drift.plane import Plane
from overlay import outputs
from overlay.names import may_be_absent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import RawFinding, Severity
    from drift.view import HostView

_OF_AN_INTERFACE = re.compile(r"net\.ipv[46]\.conf\.([^.]+)\.\w+")
_OF_ALL = frozenset({"all", "default"})
# The neighbours that the kernel keeps however many there are.
_EXEMPT = frozenset({"PERMANENT", "extern_learn"})

SYSCTL = Check(
    "sysctl",
    CRITICAL,
    "kernel setting differs",
    "Forwarding and reverse-path filtering are as the topology needs, that of L3VNIs not strict "
    "(1), the kernel keeps as many neighbours as by default and asks for their MACs, and gateways "
    "answer ARP (`arp_ignore`) and hear guests' neighbour advertisements (`accept_untracked_na`).",
    "The kernel drops packets that it should route, guests do not find their gateway, or those "
    "of other VNIs do not reach a guest that has not spoken IPv6 before. Strict "
    "filtering of an L3VNI is a warning: it drops what a guest sends whose own route is not known "
    "yet. So is a small table of neighbours that is not half full.",
    (outputs.SYSCTL,),
    applies=with_sysctls,
    confirm="sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv4.conf.all.rp_filter",
    remedy="`sysctl --load /etc/sysctl.d/90-evpn-fleet.conf`. If it comes back, something else "
    "sets it too: `grep -rs rp_filter /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d "
    "/usr/lib/sysctl.d`.",
    follows=from_interface,
)


def examine_settings(view: HostView) -> Iterator[RawFinding]:
    """Each setting against `key = value`; one that the kernel does not have is absent.

    Of a kernel too old to have a setting nothing is said. Duplicate address detection, where it
    should be off, loses nothing until an address is added.
    """
    found = view.state.settings or {}
    for key, wanted in view.node.kernel_settings:
        actual = found.get(key)
        if actual is None and may_be_absent(key):
            continue
        if actual != wanted:
            yield SYSCTL.found(
                view.host,
                key,
                "changed",
                wanted,
                bounded(actual),
                attribute="value",
                evidence=lines(outputs.SYSCTL, [f"{key} = {actual}"] if key in found else []),
                severity=WARNING if key.endswith(".accept_dad") else None,
                about=About(device=_device(key), group=_together(view.host, key)),
            )


def examine_limits(view: HostView) -> Iterator[RawFinding]:
    """The settings that no intent writes, and that stop guests at an unusual value."""
    found = view.state.settings or {}
    for key, least in view.node.least_settings:
        actual = found.get(key, "")
        if actual.isdecimal() and int(actual) < least:
            room = _has_room(view, key, int(actual))
            yield _beyond(view, key, f"at least {least}", actual, WARNING if room else None)
    for key, most in view.node.most_settings:
        actual = found.get(key, "")
        if actual.isdecimal() and int(actual) > most:
            yield _beyond(view, key, f"at most {most}", actual, None)
    filters = {key: found[key] for key in view.node.path_filters if key in found}
    everywhere = view.node.path_filters[0] if view.node.path_filters else ""
    wanted = dict(view.node.kernel_settings)
    # The greater one of `all` and the interface's own counts; 2 is loose.
    strict = {
        key if own == "1" else everywhere
        for key, own in filters.items()
        if key != everywhere and max(own, filters.get(everywhere, "0")) == "1"
    }
    for key in sorted(strict - wanted.keys()):
        yield _beyond(view, key, "0 or 2", "1", WARNING)


def _has_room(view: HostView, key: str, limit: int) -> bool:
    """Whether it limits the neighbours, and less than half as many are known as the kernel keeps.

    They are collected for other checks, wherever there are limits.
    """
    known = view.state.neighbours
    if known is None or not key.endswith(".gc_thresh3"):
        return False
    six = key.startswith("net.ipv6.")
    of_family = [it for it in known if (":" in it.address) is six]
    counted = sum(_EXEMPT.isdisjoint((*it.states, *it.flags)) for it in of_family)
    return 2 * counted < limit


def _beyond(
    view: HostView, key: str, wanted: str, actual: str, severity: Severity | None
) -> RawFinding:
    return SYSCTL.found(
        view.host,
        key,
        "changed",
        wanted,
        actual,
        attribute="value",
        evidence=lines(outputs.SYSCTL, [f"{key} = {actual}"]),
        severity=severity,
        about=About(device=_device(key), group=("kernel limits", view.host)),
    )


def _together(host: str, key: str) -> tuple[str, str] | None:
    """The kernel sets the bridges' forwarding with the global switch: one fact."""
    forwards = key == "net.ipv4.ip_forward" or key.endswith(".forwarding")
    return ("forwarding", host) if forwards and key.startswith("net.ipv4.") else None


def _device(key: str) -> str:
    """The interface whose setting it is; empty for one of the whole node, or of no interface."""
    found = _OF_AN_INTERFACE.fullmatch(key)
    return found[1].replace("/", ".") if found and found[1] not in _OF_ALL else ""


PLANE = Plane(examine_settings, (SYSCTL,))
LIMITS = Plane(examine_limits, (SYSCTL,))
