"""Keys from which nothing is derived: taken, and then used by no node and no check.

Each key that somebody wrote is asked what would be derived, were it left out or something else. It
is unused when nothing differs, on whatever node, and no cross-check needs it.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from overlay.crosscheck.fabric import contradictions
from overlay.derivation.scopes import scope_of
from overlay.derivation.vrfs import vrfs_by_name
from overlay.derive import Derivation
from overlay.intent import Scope
from overlay.names import vtep_names
from overlay.unused.reasons import nothing_from
from overlay.unused.written_keys import GONE, Written, said_twice, with_values, written_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from overlay.expected import NodeIntent
    from overlay.intent import Fabric, Network
    from overlay.problems import Complaint, KeyPath

_WAITING = frozenset({"port", "gateway", "interfaces_extra"})
_SETTINGS = frozenset({"daemons_extra", "sysctl_extra"})


def unused_keys(fabric: Fabric, nodes: Mapping[str, NodeIntent]) -> Iterator[Complaint]:
    """Complains of every unused key; `nodes` is what was derived from `fabric`.

    Only for an intent without contradictions: a wrong key makes right ones look unused.
    """
    search = _Search(fabric, nodes)
    dead = {key: None for key in search.unused() if not _waits(fabric, key)}
    for key in dead:
        if not any(key[:length] in dead for length in range(1, len(key))):
            reason, hint = nothing_from(fabric, key)
            yield key, f"it has no effect: {reason}", hint


def _waits(fabric: Fabric, key: KeyPath) -> bool:
    """True for a key of a node's files where it is only observed: it counts once they are ours.

    So that one word, its scope, is all that is between a node that is observed and a managed one.
    """
    settings = not _SETTINGS.isdisjoint(key)
    if key[-1] not in _WAITING and not settings:
        return False
    nodes = list(fabric.nodes.values())
    if key[0] == "nodes":
        nodes = [fabric.nodes[str(key[1])]]
    elif key[0] == "groups":
        group = fabric.groups[str(key[1])]
        nodes = [node for name, node in fabric.nodes.items() if group.holds(name)]
    observed = [scope_of(fabric, node) is Scope.OBSERVED for node in nodes]
    return all(observed) if settings else any(observed)


class _Search:
    """First a look where a key would show if it did: what is seen there needs no other look."""

    def __init__(self, fabric: Fabric, nodes: Mapping[str, NodeIntent]) -> None:
        self._fabric = fabric
        self._nodes = nodes
        self._shared = Derivation(fabric)
        self._bare: dict[str, NodeIntent] = {}
        self._carrying: dict[int, NodeIntent] = {}
        self._near: dict[str, tuple[Fabric, Derivation]] = {}
        # What shows on reflectors alone would be found last, behind thousands of VTEPs.
        by_role = {node.role: name for name, node in reversed(tuple(nodes.items()))}
        self._unlike_first = tuple(dict.fromkeys((*by_role.values(), *nodes)))

    def unused(self) -> dict[KeyPath, None]:
        """The keys, in the order of the file's sections."""
        dead: dict[KeyPath, None] = dict.fromkeys(self._globs_without_a_vtep())
        dead |= dict.fromkeys(said_twice(self._fabric))
        doubtful = [found for found in written_keys(self._fabric) if not self._shows_nearby(found)]
        # Within an entry that is unused as a whole its keys are not asked for one by one.
        entries = [found for found in doubtful if GONE in found.others]
        dead |= dict.fromkeys(self._unused_of(entries))
        gone = tuple(dead)
        keys = [
            found
            for found in doubtful
            if GONE not in found.others and not any(found.key[: len(k)] == k for k in gone)
        ]
        dead |= dict.fromkeys(self._unused_of(keys))
        return dead

    def _shows_nearby(self, written: Written) -> bool:
        look = {
            "nodes": self._on_its_node,
            "networks": self._on_a_carrier,
            "vrfs": self._in_vrf,
            "groups": self._in_group,
        }
        found = look.get(str(written.key[0]), self._anywhere)
        return any(found(written.key, other) for other in written.others)

    def _on_its_node(self, key: KeyPath, other: Any) -> bool:
        name = str(key[1])
        if not self._fabric.nodes[name].managed:
            return False  # what is external shows on others
        changed = with_values(self._fabric.nodes[name], {key[2:]: other})
        if name not in self._bare:
            self._bare[name] = self._shared.node(name, networks=[])
        return self._shared.node(name, node=changed, networks=[]) != self._bare[name]

    def _on_a_carrier(self, key: KeyPath, other: Any) -> bool:
        network = self._fabric.networks[int(key[1])]
        carriers = self._shared.carriers[network.vni]
        if not carriers:
            return False
        if other is GONE or key[2] in ("nodes", "ports"):
            # It has carriers, and each of them shows it; of ports those that they name, which a
            # cross-check has found to carry it.
            return True
        alone = self._carrying.get(network.vni)
        if alone is None:
            alone = self._shared.node(carriers[0], networks=[network])
            self._carrying[network.vni] = alone
        changed = with_values(network, {key[2:]: other})
        return self._shared.node(carriers[0], networks=[changed]) != alone

    def _in_vrf(self, key: KeyPath, other: Any) -> bool:
        vrf = str(key[1])
        if vrf not in self._near:
            part = self._part_around(vrf)
            self._near[vrf] = part, Derivation(part, like=self._shared)
        part, near = self._near[vrf]
        changed = Derivation(with_values(part, {key: other}), like=self._shared)
        return any(
            changed.node(name, networks=networks) != near.node(name, networks=networks)
            for name, networks in self._holders(vrf)
        )

    def _part_around(self, vrf: str) -> Fabric:
        """The intent without the VRFs that nothing joins to others, and their networks.

        Each key of each VRF against all networks took 8 of 18 s for 10,000 nodes with 313 VRFs.
        """
        names = self._joined_vrfs | {vrf}
        return self._fabric.model_copy(
            update={
                "vrfs": {name: it for name, it in self._fabric.vrfs.items() if name in names},
                "networks": tuple(
                    network for name in sorted(names) for network in self._networks_of[name]
                ),
            }
        )

    @cached_property
    def _joined_vrfs(self) -> frozenset[str]:
        """Those that have exits, stand on nodes by name, or know routes of others."""
        vrfs = self._fabric.vrfs
        joined = {name for name, it in vrfs.items() if it.exits or it.nodes or it.leak}
        return frozenset(joined | {leak.source for it in vrfs.values() for leak in it.leak})

    @cached_property
    def _networks_of(self) -> Mapping[str, list[Network]]:
        """By VRF, in the order of the intent."""
        found: dict[str, list[Network]] = defaultdict(list)
        for network in self._fabric.networks:
            if network.vrf is not None:
                found[network.vrf].append(network)
        return found

    def _holders(self, vrf: str) -> Iterator[tuple[str, list[Network]]]:
        """One node that carries a network of the VRF, with that one alone; then those by name."""
        for network in self._networks_of[vrf]:
            if self._shared.carriers[network.vni]:
                yield self._shared.carriers[network.vni][0], [network]
                break
        for name in self._fabric.vrfs[vrf].exits:
            yield name, []
        for name, placed in self._by_name.items():
            if vrf in placed:
                yield name, self._shared.carried[name]
                return

    @cached_property
    def _by_name(self) -> Mapping[str, list[str]]:
        return vrfs_by_name(self._fabric)

    def _in_group(self, key: KeyPath, other: Any) -> bool:
        group = self._fabric.groups[str(key[1])]
        changed = Derivation(with_values(self._fabric, {key: other}), like=self._shared)
        return any(
            changed.node(name) != node for name, node in self._nodes.items() if group.holds(name)
        )

    def _anywhere(self, key: KeyPath, other: Any) -> bool:
        changed = Derivation(with_values(self._fabric, {key: other}), like=self._shared)
        return any(changed.node(name) != self._nodes[name] for name in self._unlike_first)

    def _unused_of(self, doubtful: list[Written]) -> list[KeyPath]:
        """Those of them that change nothing: all at once where that settles it, else by halves."""
        if not doubtful:
            return []
        if not self._matter(doubtful):
            return [found.key for found in doubtful]
        if len(doubtful) == 1:
            return []
        half = len(doubtful) // 2
        return self._unused_of(doubtful[:half]) + self._unused_of(doubtful[half:])

    def _matter(self, doubtful: list[Written]) -> bool:
        for turn in range(max(len(found.others) for found in doubtful)):
            changes = {w.key: w.others[turn] for w in doubtful if turn < len(w.others)}
            changed = with_values(self._fabric, changes)
            derivation = Derivation(changed)
            if any(derivation.node(name) != node for name, node in self._nodes.items()):
                return True
            if _beside_nodes(derivation) != _beside_nodes(self._shared):
                return True
            # What another key's check asks for is used, though no node holds it.
            if GONE not in changes.values() and any(
                not any(key[: len(own)] == own for own in changes)
                for key, _, _ in contradictions(changed)
            ):
                return True
        return False

    def _globs_without_a_vtep(self) -> Iterator[KeyPath]:
        vteps = vtep_names(self._fabric)
        for index, network in enumerate(self._fabric.networks):
            for position, glob in enumerate(network.nodes):
                if glob != "*" and not vteps.matching(glob):
                    yield ("networks", index, "nodes", position)


def _beside_nodes(derivation: Derivation) -> object:
    """Who carries each VNI that a node of ours has, and who may: what only checks judge by."""
    vteps = {vni: derivation.vteps[vni] for vni, names in derivation.carriers.items() if names}
    return vteps, derivation.visitors, derivation.plane.awaited
