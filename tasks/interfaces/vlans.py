"""What a change of VLANs takes beside ifreload: of the map to VNIs, of guests' ports. Pure.

Only where one VXLAN device for all VNIs is there before or after (`interfaces-single.j2`).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parsers.interfaces import parse_interfaces
from tasks.ssh.script import Section

if TYPE_CHECKING:
    from tasks.plan import FileChange

_FILTERED = re.compile(r"^\s+post-up bridge vni add dev (\S+) vni (\d+)$", re.MULTILINE)
_MAPPED = re.compile(
    r"^\s+post-up bridge vlan add dev (\S+) vid (\d+) tunnel_info id (\d+)\b", re.MULTILINE
)
# The guests' ports of networks that change places, each with its VNI and the VLAN that it had. It
# outlives a reload that failed, for the restoration.
_NOTES = "/run/evpn-fleet-guests"
_MACS_ON = """\
macs_on() {
  bridge fdb show dev $1 | awk '!/permanent|self|extern_learn/ { print $1 }' | sort -u |
    tr '\\n' ' '
}"""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where guests of a VNI are plugged in: a bridge of its own, or a VLAN of a bridge."""

    bridge: str
    vlan: int | None = None


def single_devices(interfaces: str) -> frozenset[str]:
    """The devices of an interfaces file that carry several VNIs each.

    `ifquery --check` fails on every one: what VLANs map to is not in the file as ifupdown2 has it.
    """
    return frozenset(device for device, _, _ in _MAPPED.findall(interfaces))


def unmapped(change: FileChange) -> list[Section]:
    """Takes away what maps no more, before the reload: the kernel adds beside, and replaces not."""
    before, after = change.before.text or "", change.after.text or ""
    there = single_devices(after)
    gone = [it for it in _MAPPED.findall(before) if it not in _MAPPED.findall(after)]
    lines = [f"bridge vlan del dev {dev} vid {vlan} tunnel_info id {vni}" for dev, vlan, vni in gone
             if dev in there]  # fmt: skip
    lines += [f"bridge vni del dev {dev} vni {vni}" for dev, vni in _FILTERED.findall(before)
              if dev in there and (dev, vni) not in _FILTERED.findall(after)]  # fmt: skip
    # What is not there any more is no fault.
    return [Section("unmapped", "\n".join(f"{it} 2>/dev/null || :" for it in lines))] * bool(lines)


def other_kinds(change: FileChange) -> list[str]:
    """The devices that are a bridge before and a VLAN of one after, or the other way round."""
    before, after = (_bridges_and_vlans(it.text or "") for it in (change.before, change.after))
    return sorted(name for name, key in after.items() if before.get(name, key) != key)


def guests_noted(change: FileChange) -> list[Section]:
    """Writes down which guests' ports lose their place by the reload, and their guests' MACs."""
    before, after = (_places(it.text or "") for it in (change.before, change.after))
    moving = {vni: place for vni, place in before.items() if after.get(vni, place) != place}
    moving = {vni: place for vni, place in moving.items() if place.vlan or after[vni].vlan}
    lines = []
    for vni, place in sorted(moving.items()):
        ports = f"$(ls /sys/class/net/{shlex.quote(place.bridge)}/brif 2>/dev/null)"
        here = f"bridge vlan show dev $port | grep -qE '(^|[[:space:]]){place.vlan} PVID' && "
        note = f'echo "$port {vni} {place.vlan or "-"} $(macs_on $port)"'
        lines.append(f"for port in {ports}; do {here if place.vlan else ''}{note}; done")
    body = "\n".join([_MACS_ON, *lines])
    return [Section("guests-noted", f"{{ {body}\n:; }} >> {_NOTES}")] if lines else []


def guests_follow(change: FileChange) -> list[Section]:
    """Plugs the noted ports in where their networks are now: nobody else does so at that moment.

    Their guests' MACs come along. A guest that says nothing would not be found by others, who have
    its MAC in their ARP cache and do not ask: unknown unicast is not flooded.
    """
    if not guests_noted(change):
        return []
    cases = "\n".join(
        f"  {vni}) bridge={shlex.quote(place.bridge)} vlan={place.vlan or '-'};;"
        for vni, place in sorted(_places(change.after.text or "").items())
    )
    # What went with the old devices, and what somebody has plugged in elsewhere, is left alone.
    command = f"""\
placed() {{
  case $1 in
{cases}
  *) return 1;;
  esac
}}
while read -r port vni old macs; do
  placed $vni && [ -e "/sys/class/net/$port" ] || continue
  holder=$(readlink "/sys/class/net/$port/master" || :)
  case ${{holder##*/}} in ''|"$bridge") ;; *) continue;; esac
  ip link set "$port" master "$bridge"
  [ "$vlan" != - ] || continue
  bridge vlan add dev "$port" vid "$vlan" pvid untagged
  [ "$old" = - ] && old=1
  [ "$old" = "$vlan" ] || bridge vlan del dev "$port" vid "$old" 2>/dev/null || :
done < {_NOTES}
# Of a MAC on a port that zebra does not know yet it never tells the other nodes.
sleep 2
while read -r port vni old macs; do
  placed $vni && [ -e "/sys/class/net/$port" ] || continue
  holder=$(readlink "/sys/class/net/$port/master" || :)
  [ "${{holder##*/}}" = "$bridge" ] || continue
  case $vlan in -) within= ;; *) within="vlan $vlan" ;; esac
  for mac in $macs; do
    bridge fdb del "$mac" dev "$port" master $within 2>/dev/null || :
    bridge fdb replace "$mac" dev "$port" master dynamic $within
  done
done < {_NOTES}
rm -f {_NOTES}"""
    return [Section("guests-follow", command)]


def _places(interfaces: str) -> dict[int, _Place]:
    """By VNI, where its guests are plugged in."""
    stanzas = parse_interfaces(interfaces).stanzas
    vni_of = {
        stanza.name: int(said[0])
        for stanza in stanzas
        if (said := stanza.values("vxlan-id")) and said[0].isdecimal()
    }
    mapped: dict[str, list[tuple[int, int]]] = {}
    for device, vlan, vni in _MAPPED.findall(interfaces):
        mapped.setdefault(device, []).append((int(vlan), int(vni)))
    places = {}
    for stanza in stanzas:
        for port in " ".join(stanza.values("bridge-ports")).split():
            if port in vni_of:
                places[vni_of[port]] = _Place(stanza.name)
            for vlan, vni in mapped.get(port, ()):
                places[vni] = _Place(stanza.name, vlan)
    return places


def _bridges_and_vlans(interfaces: str) -> dict[str, str]:
    return {
        stanza.name: key
        for stanza in parse_interfaces(interfaces).stanzas
        for key in ("bridge-ports", "vlan-raw-device")
        if stanza.values(key)
    }
