"""Guests beside a fault: what they reach before it, and what of that is lost while it is there."""

from __future__ import annotations

import ipaddress
import re
import shlex
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab import guests
from lab.fault import To
from lab.ssh import run_on

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from lab.fault import Fault
    from lab.faults import Target
    from lab.spec import Guest, LabSpec

# Seconds in which others have heard by BGP of what the audit has seen on the node already.
_SPREADS = 15.0
# Added to the last part of a guest's address: one that nobody has heard of.
_UNHEARD = 100
_TAGGED = "eth0.7"
# Addresses behind the router: of several exits it answers each by one of them, as it happens.
OUTSIDE = tuple(f"203.0.113.{number}" for number in range(1, 5))


@dataclass(frozen=True)
class Pair:
    """A guest that a node's fault stops, an address that it pings, and the guest there, if any."""

    node: str
    ours: Guest
    address: str
    theirs: Guest | None = None

    @property
    def node_asked(self) -> str:
        """The node that the asking guest is on, which another one's fault may stop."""
        return self.ours.node


class Witnesses:
    """The guests by which a fault shows.

    Only such pairs count as reach each other before there is a fault: what an earlier one has left
    behind is no proof of this one.
    """

    def __init__(
        self,
        spec: LabSpec,
        fault: Fault,
        target: Target,
        vteps: dict[str, str],
        exits: Collection[str],
    ) -> None:
        assert fault.stops is not None
        self._spec, self._ping, self._vteps, self._exits = spec, fault.stops, vteps, exits
        # What is in the way between two nodes stops every VNI, other faults that of the target.
        self._segment = None if fault.probe else (target.bridge, target.vlan)
        self._pairs: list[Pair] = []
        # As guests that have just come from another node, which had the gateway's MAC from there.
        self._known: dict[Pair, str] = {}

    def look(self, nodes: Iterable[str]) -> None:
        """Before the fault: notes the pairs of those nodes that reach each other."""
        found = [pair for node in nodes for pair in self._of(node)]
        heard = self._heard(found)
        if self._ping.to is To.UNDERLAY:
            assert not any(heard.values()), f"{heard} without a fault"
            self._pairs = found
        else:
            self._pairs = [pair for pair in found if heard[pair]]
        if self._ping.to is To.GATEWAY:
            self._known = {pair: self._mac(pair) for pair in self._pairs}
        assert bool(self._pairs) == bool(found), f"no guest reaches another one: {found}"

    def testify(self, nodes: Iterable[str]) -> None:
        """With the fault on those nodes: a guest of each, if it has one in question, shows it."""
        left = {node: [p for p in self._pairs if p.node == node] for node in nodes}
        answers = self._ping.to is To.UNDERLAY
        limit = time.monotonic() + _SPREADS
        while asked := [pair for pairs in left.values() for pair in pairs]:
            heard = self._heard(asked, under_fault=True)
            left = {
                node: pairs
                for node, pairs in left.items()
                if pairs and all(heard[pair] != answers for pair in pairs)
            }
            assert not left or time.monotonic() < limit, f"not `{self._ping}`: {heard}"

    def _of(self, node: str) -> list[Pair]:
        everyone = list(self._spec.guests.values())
        here = [guest for guest in everyone if guest.node == node]
        within = [guest for guest in here if self._segment in {None, guest.segment}]
        match self._ping.to:
            case To.GATEWAY:
                return [Pair(node, ours, ours.gateways[0]) for ours in within if ours.gateways]
            case To.UNDERLAY:
                return [Pair(node, ours, self._vteps[node]) for ours in within]
            case To.OUTSIDE:
                # By an exit go all guests, by another node only its own.
                users = everyone if node in self._exits else here
                return [Pair(node, ours, address) for ours in users for address in OUTSIDE]
        across = self._ping.to in {To.ROUTED, To.ROUTED_UNHEARD}
        return [
            Pair(node, ours, str(theirs.addresses[0]).partition("/")[0], theirs)
            for ours in (here if across else within)
            for theirs in everyone
            if theirs.node != node and (theirs.segment != ours.segment) is across
        ]

    def _heard(self, pairs: list[Pair], *, under_fault: bool = False) -> dict[Pair, bool]:
        """Of each pair, whether any of a few pings is answered; several pairs at once."""
        options = self._ping.options if under_fault else ""

        def asking(pair: Pair) -> str:
            before = f"ip neigh del {pair.address} dev eth0; " if self._ping.forgets else ""
            if known := self._known.get(pair):
                before = f"ip neigh replace {pair.address} lladdr {known} dev eth0 nud reachable; "
            ping = f"{before}ping -n -q -c 2 -i 0.2 -W 1 {options} {pair.address}"
            return f"ip netns exec {pair.ours.name} sh -c {shlex.quote(ping)} 2>/dev/null"

        def ask(node: str, asked: list[Pair]) -> dict[int, bool]:
            """All pairs of a node, at once, in one login; by their place in `asked`."""
            jobs = [
                f"(echo {place} $({asking(pair)} | grep -c ' [1-9][0-9]* received')) &\n"
                for place, pair in enumerate(asked)
                if pair.node_asked == node
            ]
            said = run_on(self._spec.node(node), "".join(jobs) + "wait").check()
            counted = (line.split() for line in said.splitlines())
            return {int(place): count == "1" for place, count in counted}

        # To be unheard of, an address must not be asked for before there is a fault.
        unheard = self._ping.to in {To.UNHEARD, To.ROUTED_UNHEARD}
        unusual = self._ping.to is To.TAGGED or (under_fault and unheard)
        heard: dict[int, bool] = {}
        nodes = sorted({pair.node_asked for pair in pairs})
        with self._prepared(pairs, unusual=unusual) as asked, ThreadPoolExecutor() as pool:
            for answers in pool.map(lambda node: ask(node, asked), nodes):
                heard |= answers
        return {pair: heard[place] for place, pair in enumerate(pairs)}

    def _mac(self, pair: Pair) -> str:
        shown = guests.run(self._spec, pair.ours.name, f"ip neigh show {pair.address} dev eth0").out
        found = re.search(r"lladdr (\S+)", shown)
        assert found, shown
        return found[1]

    @contextmanager
    def _prepared(self, pairs: list[Pair], *, unusual: bool) -> Iterator[list[Pair]]:
        """The same pairs, each asking another address that the guest there has meanwhile."""
        if not unusual:
            yield pairs
            return
        tagged = self._ping.to is To.TAGGED
        theirs = {pair.theirs for pair in pairs if pair.theirs is not None}
        who = theirs | ({pair.ours for pair in pairs} if tagged else set())
        others = {guest: _tagged(guest) if tagged else _unheard(guest) for guest in who}
        try:
            for guest, address in others.items():
                add = f"ip address add {address}/24 dev eth0"
                if tagged:
                    add = (
                        f"ip link add link eth0 name {_TAGGED} type vlan id 7 && "
                        f"ip link set {_TAGGED} up && ip address add {address}/24 dev {_TAGGED}"
                    )
                guests.run(self._spec, guest.name, add).check()
            yield [
                replace(pair, address=others[pair.theirs])
                for pair in pairs
                if pair.theirs in others
            ]
        finally:
            for guest, address in others.items():
                undo = (
                    f"ip link del {_TAGGED}" if tagged else f"ip address del {address}/24 dev eth0"
                )
                guests.run(self._spec, guest.name, undo)


def _unheard(guest: Guest) -> str:
    return str(ipaddress.ip_interface(guest.addresses[0]).ip + _UNHEARD)


def _tagged(guest: Guest) -> str:
    return "10.77.0." + str(ipaddress.ip_interface(guest.addresses[0]).ip).rpartition(".")[2]
