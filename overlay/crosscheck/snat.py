"""Cross-validation of translated addresses: at exits, of guests of the VRF, to one address each."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING

from overlay.derivation.vrfs import is_within, subnets_of
from overlay.problems import few, nearest
from overlay.snat.intended import addresses_of, translated_prefixes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.intent import Fabric
    from overlay.keys.snat import Snat
    from overlay.problems import Complaint, KeyPath


def _snat(fabric: Fabric) -> Iterator[Complaint]:
    for name, vrf in fabric.vrfs.items():
        if vrf.snat is None:
            continue
        key: KeyPath = ("vrfs", name, "snat")
        if not vrf.exits:
            yield (
                key,
                f"{name} has no exit, and only an exit translates addresses",
                "name the `exits` of the VRF, or remove this key",
            )
            continue
        prefixes = translated_prefixes(fabric, name)
        if not prefixes:
            yield (
                key,
                f"{name} has no IPv4 subnet",
                "give a network of it an IPv4 gateway, or name IPv6 `prefixes`",
            )
        yield from _prefixes(fabric, name, vrf.snat)
        yield from _addresses(fabric, name, vrf.snat)
        yield from _versions(fabric, name, prefixes)


def _prefixes(fabric: Fabric, name: str, snat: Snat) -> Iterator[Complaint]:
    subnets = subnets_of(fabric.networks, name)
    held = [ip_network(it) for it in (*subnets, *(r.prefix for r in fabric.vrfs[name].routes))]
    for index, prefix in enumerate(snat.prefixes):
        at: KeyPath = ("vrfs", name, "snat", "prefixes", index)
        network = ip_network(prefix)
        if any(network.overlaps(ip_network(other)) for other in snat.prefixes[:index]):
            yield at, f"{prefix} overlaps one that stands here already", "keep one of the two"
        elif not any(network.version == it.version and network.overlaps(it) for it in held):
            yield (
                at,
                f"no guest of {name} is in {prefix}",
                f"name its subnets: {few(subnets) if subnets else 'it has none'}",
            )


def _addresses(fabric: Fabric, name: str, snat: Snat) -> Iterator[Complaint]:
    exits = fabric.vrfs[name].exits
    guests = [ip_interface(it).network for net in fabric.networks for it in net.gateways]
    for node, addresses in snat.addresses.items():
        at: KeyPath = ("vrfs", name, "snat", "addresses", node)
        if node not in exits:
            close = nearest(node, exits)
            hint = f"did you mean `{close}`?" if close else f"name one of: {', '.join(exits)}"
            yield at, f"{node} is not an exit of {name}", hint
        versions = [address.version for address in addresses]
        for index, address in enumerate(addresses):
            if address.version in versions[:index]:
                yield (
                    (*at, index),
                    f"{node} has another IPv{address.version} address here",
                    "keep one of the two: each IP version is translated to one address",
                )
            elif is_within(str(address), guests):
                yield (
                    (*at, index),
                    f"{address} is in a subnet of guests",
                    "use an address that the outside has a route to",
                )


def _versions(fabric: Fabric, name: str, prefixes: tuple[str, ...]) -> Iterator[Complaint]:
    """An exit that translates a prefix has an address of its version."""
    vrf = fabric.vrfs[name]
    for node in vrf.exits:
        if node not in fabric.nodes:
            continue  # said of `exits`
        given = addresses_of(vrf, node, fabric.nodes[node])
        versions = {ip_address(address).version for address in given}
        lacking = [it for it in prefixes if ip_network(it).version not in versions]
        if lacking:
            version = ip_network(lacking[0]).version
            yield (
                ("vrfs", name, "snat"),
                f"{node} has no IPv{version} address for {few(lacking)}",
                f"add one to `vrfs.{name}.snat.addresses.{node}`, beside any other that it has",
            )


CHECKS = (_snat,)
