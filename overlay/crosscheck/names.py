"""Cross-validation of names: each device has one of its own, which the kernel takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from overlay.derivation.routed import links_of
from overlay.names import (
    is_single,
    l3vni_bridge,
    l3vni_device,
    network_bridge,
    network_device,
    vrf_device,
)
from overlay.values import InterfaceName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.intent import Fabric, Network
    from overlay.problems import Complaint, KeyPath

_CHECKED = TypeAdapter(InterfaceName)


def names(fabric: Fabric) -> Iterator[Complaint]:
    taken = _of_the_underlay(fabric)
    for name, node in fabric.nodes.items():
        if node.port == fabric.underlay.bridge:
            yield ("nodes", name, "port"), "it is the underlay bridge itself", "name the NIC below"
    for key, device, what in _wanted(fabric):
        if device in taken and taken[device] != what:
            yield key, f"{device} is already {taken[device]}", "give one of them another name"
        taken.setdefault(device, what)
        try:
            _CHECKED.validate_python(device)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            yield key, reason, "set a name of its own here, or another pattern in overlay.names"


def _of_the_underlay(fabric: Fabric) -> dict[str, str]:
    """What the underlay's own interfaces are called."""
    if not fabric.underlay.routed:
        return {
            fabric.underlay.bridge: "the underlay bridge",
            fabric.underlay.port: "the underlay port",
        }
    names = (name for node in fabric.nodes.values() for name in links_of(fabric, node))
    links = dict.fromkeys(names, "a link of the underlay")
    return {"lo": "the loopback", fabric.underlay.loopback: "the loopback", **links}


def _wanted(fabric: Fabric) -> Iterator[tuple[KeyPath, str, str]]:
    """The key, the name and the use of every device that the overlay needs."""
    if is_single(fabric):
        yield from _wanted_beside_single(fabric)
        return
    for index, network in enumerate(fabric.networks):
        at: KeyPath = ("networks", index)
        lacking = _lacking_a_name(fabric, network)
        if "bridge" not in lacking:
            what = f"the bridge of VNI {network.vni}"
            yield (*at, "bridge"), network_bridge(fabric, network), what
        if "device" not in lacking:
            key = (*at, "device" if network.device else "vni")
            what = f"the VXLAN device of VNI {network.vni}"
            yield key, network_device(fabric, network), what
    known = {network.vni for network in fabric.networks}  # a VNI used twice is said elsewhere
    for name, vrf in fabric.vrfs.items():
        yield _vrf_itself(fabric, name)
        if vrf.l3vni is not None:
            bridge = l3vni_bridge(fabric, name)
            yield ("vrfs", name, "bridge"), bridge, f"the L3VNI bridge of {name}"
            if vrf.device or vrf.l3vni not in known:
                key = ("vrfs", name, "device" if vrf.device else "l3vni")
                yield key, l3vni_device(fabric, name), f"the L3VNI device of {name}"
            known.add(vrf.l3vni)


def _vrf_itself(fabric: Fabric, name: str) -> tuple[KeyPath, str, str]:
    at: KeyPath = ("vrfs", name)
    key = (*at, "vrf_device") if fabric.vrfs[name].vrf_device else at
    return key, vrf_device(fabric, name), f"VRF {name}"


def _wanted_beside_single(fabric: Fabric) -> Iterator[tuple[KeyPath, str, str]]:
    """One VXLAN device and its bridge, and a VLAN interface for what is routed."""
    at: KeyPath = ("overlay", "names")
    names = fabric.overlay.names
    yield (*at, "single_device"), names.single_device, "the VXLAN device of all VNIs"
    yield (*at, "single_bridge"), names.single_bridge, "the bridge of the single VXLAN device"
    for index, network in enumerate(fabric.networks):
        if network.gateways and "bridge" not in _lacking_a_name(fabric, network):
            what = f"the VLAN interface of VNI {network.vni}"
            yield ("networks", index, "bridge"), network_bridge(fabric, network), what
    for name, vrf in fabric.vrfs.items():
        yield _vrf_itself(fabric, name)
        if vrf.l3vni is not None:
            what = f"the L3VNI's VLAN interface of {name}"
            yield ("vrfs", name, "bridge"), l3vni_bridge(fabric, name), what


def nameless(fabric: Fabric) -> Iterator[Complaint]:
    """A pattern with `{name}` needs one in each network that it is used for."""
    for index, network in enumerate(fabric.networks):
        for word in _lacking_a_name(fabric, network)[:1]:
            pattern = getattr(fabric.overlay.names, word)
            yield (
                ("networks", index, "name"),
                f"overlay.names.{word} is {pattern!r}, and VNI {network.vni} has no name",
                "add `name:` here",
            )


def _lacking_a_name(fabric: Fabric, network: Network) -> list[str]:
    """The patterns that a network without a name is to be called by."""
    patterns = fabric.overlay.names
    words: tuple[str, ...] = ("device", "bridge")
    if is_single(fabric):
        words = ("bridge",) if network.gateways else ()
    return [
        word
        for word in words
        if not network.name
        and getattr(network, word) is None
        and "{name}" in getattr(patterns, word)
    ]


CHECKS = (nameless, names)
