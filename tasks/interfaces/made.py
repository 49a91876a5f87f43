"""The devices that an interfaces file has ifupdown2 make. Pure."""

from __future__ import annotations

import re

from parsers.interfaces import parse_interfaces

# The last two make a device over IPv6, with its flood list; those of its stanza run at each reload
# and take nothing away.
_FIXED_AT_BIRTH = frozenset(
    {"vxlan-id", "vxlan-svcnodeip", "vxlan-physdev", "vxlan-port", "vxlan-learning", "pre-up", "up"}
)
_LINK_ADDED = re.compile(r"ip link add [^;&|}]+")


def vxlan_stanzas(interfaces: str) -> dict[str, frozenset[str]]:
    """The VXLAN devices of an interfaces file, each with what is fixed when it is made."""
    stanzas: dict[str, set[str]] = {}
    for stanza in parse_interfaces(interfaces).stanzas:
        fixed = {
            " ".join((key, *_what_makes_it(value).split()))
            for key, value in stanza.options
            if key in _FIXED_AT_BIRTH
        }
        stanzas.setdefault(stanza.name, set()).update(fixed)
    return {name: frozenset(fixed) for name, fixed in stanzas.items() if fixed}


def _what_makes_it(value: str) -> str:
    """Of a command that makes a device what it makes, without what is done before and after it."""
    found = _LINK_ADDED.search(value)
    return found.group() if found else value


def made_devices(interfaces: str) -> frozenset[str]:
    """The devices that ifupdown2 makes for an interfaces file: VXLAN devices, bridges, VRFs, ….

    Of what is kept by hand also bonds and VLANs.
    """
    return frozenset(
        stanza.name
        for stanza in parse_interfaces(interfaces).stanzas
        if stanza.values("vxlan-id", "bridge-ports", "vrf-table", "bond-slaves", "vlan-raw-device")
        # How one over IPv6 is made.
        or any(value.startswith("ip link show ") for value in stanza.values("pre-up"))
    )
