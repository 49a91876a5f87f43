"""What each device of the overlay is called: by its own key, else by the fabric's pattern."""

from __future__ import annotations

import re
from bisect import bisect_left
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from overlay.keys.kinds import Devices

if TYPE_CHECKING:
    from collections.abc import Iterable

    from overlay.intent import Fabric, Network, Vrf


def is_single(fabric: Fabric) -> bool:
    """Whether each node has one VXLAN device for all VNIs."""
    return fabric.overlay.device is Devices.SINGLE


def network_vlan(network: Network) -> int:
    """Its VLAN on the bridge of a single VXLAN device."""
    return network.vlan or network.vni


def l3vni_vlan(vrf: Vrf) -> int:
    """The VLAN of its L3VNI on the bridge of a single VXLAN device."""
    return vrf.vlan or vrf.l3vni or 0


def within_single(fabric: Fabric, vni: int | None) -> str:
    """What a VNI's part of a single VXLAN device is called in reports."""
    return f"{fabric.overlay.names.single_device} VNI {vni}"


def network_device(fabric: Fabric, network: Network) -> str:
    """The VXLAN device of a network, or its part of the single one."""
    if is_single(fabric):
        return within_single(fabric, network.vni)
    return network.device or _filled(fabric.overlay.names.device, network.vni, network.name)


def network_bridge(fabric: Fabric, network: Network) -> str:
    """The bridge that guests of a network are plugged into.

    With a single VXLAN device it is the network's VLAN interface, or without a gateway its VLAN:
    that has no device.
    """
    if is_single(fabric) and not network.gateways:
        return f"{fabric.overlay.names.single_bridge} VLAN {network_vlan(network)}"
    return network.bridge or _filled(fabric.overlay.names.bridge, network.vni, network.name)


def vrf_device(fabric: Fabric, vrf: str) -> str:
    """What a VRF is called on the nodes, so also in FRR and in all that they print."""
    return fabric.vrfs[vrf].vrf_device or fabric.overlay.names.vrf.replace("{name}", vrf)


def l3vni_device(fabric: Fabric, vrf: str) -> str:
    """The VXLAN device of a VRF's L3VNI, or its part of the single one."""
    found = fabric.vrfs[vrf]
    if is_single(fabric):
        return within_single(fabric, found.l3vni)
    return found.device or _filled(fabric.overlay.names.l3vni_device, found.l3vni, vrf)


def l3vni_bridge(fabric: Fabric, vrf: str) -> str:
    """The bridge of a VRF's L3VNI; with a single VXLAN device its VLAN interface."""
    found = fabric.vrfs[vrf]
    return found.bridge or _filled(fabric.overlay.names.l3vni_bridge, found.l3vni, vrf)


class VrfNames:
    """The VRFs of an intent by what they are called on the nodes, in place of their keys."""

    def __init__(self, fabric: Fabric) -> None:
        self._named = {
            vrf: device for vrf in fabric.vrfs if (device := vrf_device(fabric, vrf)) != vrf
        }

    def of_network(self, network: Network) -> Network:
        device = self._named.get(network.vrf or "")
        return network.model_copy(update={"vrf": device}) if device else network

    def of_fabric(self, fabric: Fabric) -> Fabric:
        """The same intent; what its L3VNIs' devices are called after a key stays as it is."""
        if not self._named:
            return fabric
        names = fabric.overlay.names.model_copy(update={"vrf": "{name}"})
        return fabric.model_copy(
            update={
                "overlay": fabric.overlay.model_copy(update={"names": names}),
                "networks": tuple(map(self.of_network, fabric.networks)),
                "vrfs": {
                    self._named.get(name, name): self._of_vrf(fabric, name) for name in fabric.vrfs
                },
            }
        )

    def _of_vrf(self, fabric: Fabric, name: str) -> Vrf:
        vrf = fabric.vrfs[name]
        leaks = (
            leak.model_copy(update={"source": self._named.get(leak.source, leak.source)})
            for leak in vrf.leak
        )
        own: dict[str, object] = {"vrf_device": None, "leak": tuple(leaks)}
        if vrf.l3vni is not None:
            own |= {"device": l3vni_device(fabric, name), "bridge": l3vni_bridge(fabric, name)}
        return vrf.model_copy(update=own)


def _filled(pattern: str, vni: int | None, name: str | None) -> str:
    return pattern.replace("{vni}", str(vni)).replace("{name}", name or "")


_LITERAL = re.compile(r"[^*?[]*")
_LAST = "\U0010ffff"


class Names:
    """Names in their order, and which of them globs match.

    The networks of a fabric name its nodes one by one or by globs. Each network against each node
    is 25 million comparisons for 1,000 nodes in groups of 32 (5.9 of 7 s); this is 50,000.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._place = {name: place for place, name in enumerate(names)}
        self._sorted = sorted(self._place)
        self._chosen: dict[tuple[str, ...], tuple[str, ...]] = {}

    def matching(self, glob: str) -> list[str]:
        """The names that one glob matches, as `fnmatchcase` has it, sorted."""
        if glob == "*":
            return self._sorted
        found = _LITERAL.match(glob)
        begin = found[0] if found else ""
        if begin == glob:
            return [glob] if glob in self._place else []
        first = bisect_left(self._sorted, begin)
        last = bisect_left(self._sorted, begin + _LAST, lo=first)
        return [name for name in self._sorted[first:last] if fnmatchcase(name, glob)]

    def chosen(self, globs: tuple[str, ...]) -> tuple[str, ...]:
        """The names that any of the globs matches, in their order."""
        if globs not in self._chosen:
            found = {name for glob in globs for name in self.matching(glob)}
            self._chosen[globs] = tuple(sorted(found, key=self._place.__getitem__))
        return self._chosen[globs]


def vtep_names(fabric: Fabric) -> Names:
    """The nodes that can have VNIs, for globs to choose among."""
    return Names(name for name, node in fabric.nodes.items() if node.carries)


def setting(version: int, interface: str, name: str, of: str = "conf") -> str:
    """The key of an interface's kernel setting: a dot in its name is a slash between the parts.

    `of` is `conf`, or `neigh` for its table of neighbours.
    """
    return f"net.ipv{version}.{of}.{interface.replace('.', '/')}.{name}"


def may_be_absent(key: str) -> bool:
    """True for a kernel setting that came with Linux 5.19: an older kernel is to do without it."""
    return key.endswith(".accept_untracked_na")
