"""Options of BGP sessions, as the hosts have them. A password is only named, never taken over."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from adopt.bgp import is_number
from adopt.hostfiles import FRR_CONF
from overlay.sessions.keys import Restart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adopt.bgp import Neighbor
    from adopt.hostfiles import Host
    from adopt.infer_underlay import Underlay
    from adopt.survey import Survey
    from overlay.host_records import FrrLine

PASSWORD = "EVPN_FLEET_BGP_PASSWORD"  # noqa: S105 - a variable's name
# An own value of a node, where the fabric's does not hold there.
_NONE = False


class SessionsFound:
    """The hosts' session options: `fabric` for `bgp.session`, and each node's own.

    `external` are the entries of nodes that are not ours, by their names.
    """

    def __init__(
        self, survey: Survey, place: Underlay, external: dict[str, dict[str, Any]]
    ) -> None:
        self._survey = survey
        self._place = place
        self._speakers = [h for h in (*survey.vteps, *survey.reflectors, *survey.routers) if h.main]
        self.fabric: dict[str, Any] = {}
        self._names = {address: name for name, address in place.addresses.items()}
        self._names |= {keys["address"]: name for name, keys in external.items()}
        names = (*(host.name for host in survey.hosts), *external)
        self._nodes: dict[str, dict[str, Any]] = {name: {} for name in names}
        self._passwords()
        self._usual("graceful_restart", {host.name: _restart(host) for host in self._speakers})
        self._usual("update_source", self._sources())
        self._descriptions()
        self._limits()

    def of(self, name: str) -> dict[str, Any]:
        """`session:` of a node's entry; empty where it has nothing of its own."""
        return self._nodes[name]

    def _passwords(self) -> None:
        routers = {
            address: host
            for host in self._survey.routers
            if (address := self._place.addresses.get(host.name))
        }
        within, outside, sessions = [], [], 0
        for host in self._speakers:
            groups = {member.group for member in _neighbors(host)}
            for neighbor in _neighbors(host):
                if neighbor.name in groups:
                    continue  # each of its members has what it says
                router = host if host in self._survey.routers else routers.get(neighbor.name)
                sessions += router is None
                for line in _inherited(host, neighbor, "password"):
                    found = (host, line)
                    if router is None:
                        within.append(found)
                    else:
                        outside.append((router.name, found))
        if 2 * len(within) > sessions:
            self.fabric["password"] = {"env": PASSWORD}
            self._tell(PASSWORD, within)
        for name in dict.fromkeys(name for name, _ in outside):
            variable = f"{PASSWORD}_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"
            self._nodes[name]["password"] = {"env": variable}
            self._tell(variable, [found for one, found in outside if one == name])

    def _tell(self, variable: str, found: list[tuple[Host, FrrLine]]) -> None:
        """What a person must give, and where hosts disagree; never a password."""
        usual = Counter(_value(line) for _, line in found).most_common(1)[0][0]
        host, line = found[0]
        self._survey.remark(
            host,
            "its sessions have a password, which the intent does not hold: `plan` and `deploy` "
            f"take it from the environment variable {variable}",
            FRR_CONF,
            line.line,
        )
        for host, line in found:
            if _value(line) != usual:
                self._survey.remark(
                    host, "another password than most hosts have", FRR_CONF, line.line
                )

    def _sources(self) -> dict[str, Any]:
        """Where each host's sessions leave from: true for its address, or the interface."""
        found: dict[str, Any] = {}
        hosting = {
            host.name
            for host in self._speakers
            if host in self._survey.reflecting
            or (host.main and host.main.said("bgp", "listen", "range"))
        }
        # Those that wait for all of their neighbours.
        waiting = {
            host.name
            for host in self._speakers
            if host.name in hosting and not any(it.is_address for it in _neighbors(host))
        }
        for host in self._speakers:
            address = self._place.addresses.get(host.name)
            device = self._place.holders.get(host.name, (None,))[0]
            both = host.name in hosting - waiting
            lines = [
                line
                for it in _neighbors(host)
                if it.is_address or not both  # the clients' group has its address in any case
                for line in _said(it, "update-source")
            ]
            known: list[Any] = []
            for line in lines:
                value = _value(line)
                if value == address:
                    known.append(True)
                elif device is not None and value == device.name:
                    known.append(value)
                else:
                    self._survey.remark(
                        host,
                        f"its sessions leave from {value}, which is not its underlay address; the "
                        "intent does not say so",
                        FRR_CONF,
                        line.line,
                    )
            found[host.name] = Counter(known).most_common(1)[0][0] if known else None
        # Those of a group leave from the address anyway, so that nothing said there is that, too.
        others = [it for name, it in found.items() if name not in waiting]
        usual = max(others, key=others.count, default=None)
        for name in waiting & found.keys():
            if found[name] in (None, True):
                found[name] = usual if usual in (None, True) else True
        return found

    def _usual(self, key: str, values: dict[str, Any]) -> None:
        """The fabric's value is what most hosts have; another one is the node's own."""
        if not values:
            return
        said = list(values.values())
        usual = max(said, key=said.count)
        if usual is not None:
            self.fabric[key] = usual
        for name, value in values.items():
            if value != usual:
                self._nodes[name][key] = _NONE if value is None else value

    def _descriptions(self) -> None:
        """Each node as its neighbours describe it; by its name where that is what all do."""
        told: dict[str, Counter[str]] = {}
        silent = False
        for host in self._speakers:
            for neighbor in _neighbors(host):
                if neighbor.name not in self._names:
                    continue
                words = [" ".join(line.words[3:]) for line in _said(neighbor, "description")]
                told.setdefault(self._names[neighbor.name], Counter()).update(words[-1:])
                silent = silent or not words
        usual = {name: words.most_common(1)[0][0] for name, words in told.items() if words}
        if not silent and any(name == text for name, text in usual.items()):
            self.fabric["descriptions"] = True
            usual = {name: text for name, text in usual.items() if name != text}
        for name, text in usual.items():
            self._nodes[name]["description"] = text

    def _limits(self) -> None:
        for router in self._survey.routers:
            address = self._place.addresses.get(router.name)
            words = [
                self._limit(line)
                for host in self._speakers
                for neighbor in _neighbors(host)
                if host is router or neighbor.name == address
                for line in _said(neighbor, "maximum-prefix")
                if is_number(_value(line))
            ]
            if words:
                self._nodes[router.name]["maximum_prefix"] = max(words, key=words.count)

    @staticmethod
    def _limit(line: FrrLine) -> Any:
        prefixes, more = int(line.words[3]), line.words[4:]
        if "warning-only" in more:
            return {"prefixes": prefixes, "warn_only": True}
        if more[-2:-1] == ["restart"] and is_number(more[-1]):
            return {"prefixes": prefixes, "restart": int(more[-1])}
        return prefixes


def _neighbors(host: Host) -> Iterable[Neighbor]:
    return host.main.neighbors.values() if host.main else ()


def _said(neighbor: Neighbor, option: str) -> Iterator[FrrLine]:
    """The lines that give a neighbour or a group an option with a value."""
    return (line for line in neighbor.options if line.words[2:3] == [option] and line.words[3:])


def _inherited(host: Host, neighbor: Neighbor, option: str) -> list[FrrLine]:
    """The lines of a neighbour, or else those of its group."""
    group = host.main.neighbors.get(neighbor.group or "") if host.main else None
    return list(_said(neighbor, option)) or (list(_said(group, option)) if group else [])


def _value(line: FrrLine) -> str:
    return line.words[3]


def _restart(host: Host) -> Any:
    """True or a section where a host restarts gracefully, else None."""
    main = host.main
    if main is None or not any(line.words == ["bgp", "graceful-restart"] for line in main.lines):
        return None
    times = {
        key: int(values[-1])
        for key, word in (("restart_time", "restart-time"), ("stale_time", "stalepath-time"))
        if (values := main.values("bgp", "graceful-restart", word)) and is_number(values[-1])
    }
    own = {k: v for k, v in times.items() if v != Restart.model_fields[k].default}
    return own or True
