"""Which guests an exit translates, as the nftables file beside its interfaces says."""

from __future__ import annotations

import re
from ipaddress import ip_interface, ip_network
from typing import TYPE_CHECKING, Any

from adopt.survey import Word
from overlay.outputs import SNAT_FILE
from overlay.snat.intended import merged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adopt.hostfiles import Host
    from adopt.survey import Survey

    Keys = dict[str, Any]

# A rule as we write it: whose addresses, to which one, and of which VRF.
_RULE = re.compile(
    r'^\s*ip6? saddr \{ ([0-9a-f.:/, ]+) \} snat ip6? to (\S+) comment "([^"]+)"$', re.MULTILINE
)


def snat_keys(survey: Survey, vrfs: dict[str, Keys], networks: Sequence[Keys]) -> None:
    """Adds `snat:` to the keys of each VRF with exits that translate its guests' addresses."""
    for name, keys in vrfs.items():
        exits = [host for host in survey.vteps if host.name in keys.get("exits", ())]
        rules = {host.name: list(_rules(host, name)) for host in exits}
        if not any(rules.values()):
            continue
        words = [
            Word(host, merged(prefix for prefixes, _ in rules[host.name] for prefix in prefixes),
                 SNAT_FILE, 0)
            for host in exits
        ]  # fmt: skip
        prefixes = survey.most(f"VRF {name}: whose addresses are translated", words, ())
        if not prefixes:
            continue
        addresses = {
            host.name: to
            for host in exits
            if (to := [address for _, address in rules[host.name]]) and to != [host.vtep]
        }
        snat: Keys = {} if prefixes == _usual(name, networks) else {"prefixes": list(prefixes)}
        snat |= {"addresses": addresses} if addresses else {}
        keys["snat"] = snat or True


def _rules(host: Host, vrf: str) -> Iterator[tuple[list[str], str]]:
    """The prefixes that an exit translates of a VRF, each with the address that it shows."""
    for said, address, named in _RULE.findall(host.texts.get(SNAT_FILE, "")):
        if named == vrf:
            yield said.split(", "), address


def _usual(vrf: str, networks: Sequence[Keys]) -> tuple[str, ...]:
    """What an exit translates of a VRF by itself."""
    gateways = (it for net in networks if net.get("vrf") == vrf for it in net.get("gateways", ()))
    subnets = (ip_interface(gateway).network for gateway in gateways)
    return merged(str(subnet) for subnet in subnets if ip_network(subnet).version == 4)
