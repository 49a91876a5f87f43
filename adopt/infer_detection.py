"""How BGP notices that a neighbour is gone: timers and BFD, as most hosts have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adopt.bgp import is_number
from adopt.hostfiles import DAEMONS, FRR_CONF
from adopt.survey import Word
from adopt.underlay.routed import PROFILE
from overlay.intent import Bfd, Timers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adopt.hostfiles import Host
    from adopt.survey import Survey

# What FRR does where its file does not say, by its profile: it does not write these down.
_PROFILES = {"traditional": (60, 180, 120), "datacenter": (3, 9, 10)}
_TIMERS = Timers.model_validate({})
_BFD = Bfd.model_validate({})
_PROFILE = {
    "detect-multiplier": "multiplier",
    "transmit-interval": "interval",
    "receive-interval": "interval",
}


def detection_keys(survey: Survey) -> dict[str, Any]:
    """`timers` and `bfd` of the intent's `bgp:`; what is its default is left out."""
    speakers = [h for h in (*survey.vteps, *survey.reflectors, *survey.routers) if h.main]
    instance = [word for host in speakers for word in _instance_timers(host)]
    keepalive, hold = survey.most("the BGP timers", instance, (_TIMERS.keepalive, _TIMERS.hold))
    connects = [word for host in speakers for word in _connect_timers(host)]
    connect = survey.most("the time to connect", connects, _TIMERS.connect)
    timers = Timers(keepalive=keepalive, hold=hold, connect=connect)
    keys: dict[str, Any] = {}
    if timers != _TIMERS:
        keys["timers"] = timers.model_dump(exclude_defaults=True)
    probing = [
        Word(host, said, FRR_CONF) for host in speakers if (said := _probes(host)) is not None
    ]
    if survey.most("BFD", probing, default=False):
        keys["bfd"] = _profile(survey, speakers) or True
    return keys


def _instance_timers(host: Host) -> Iterator[Word]:
    """The keepalive and hold times of a host's instance, and FRR's where it says none."""
    lines = host.main.said("timers", "bgp") if host.main else []
    times = lines[-1].words[2:4] if lines else []
    if len(times) == 2 and all(is_number(time) for time in times):
        yield Word(host, (int(times[0]), int(times[1])), FRR_CONF, lines[-1].line)
    elif host.main:
        yield Word(host, _by_itself(host)[:2], FRR_CONF, host.main.line)


def _by_itself(host: Host) -> tuple[int, int, int]:
    """The keepalive, hold and connect times of FRR's profile on a host."""
    datacenter = any(line.statement == ("frr defaults datacenter",) for line in host.frr)
    return _PROFILES["datacenter" if datacenter else "traditional"]


def _connect_timers(host: Host) -> Iterator[Word]:
    """How long a host waits before it tries again, as its neighbours' lines say."""
    by_itself = _by_itself(host)[2]
    for neighbor in host.main.sessions() if host.main else ():
        said = [
            (int(line.words[4]), line.line)
            for line in neighbor.options
            if line.words[2:4] == ["timers", "connect"] and line.words[4:5]
            if is_number(line.words[4])
        ]
        time, line = said[-1] if said else (by_itself, neighbor.line)
        yield Word(host, time, FRR_CONF, line)


def _probes(host: Host) -> bool | None:
    """Whether a host has BFD with its neighbours; without any, whether its daemon is to run."""
    neighbors = list(host.main.neighbors.values()) if host.main else []
    if not neighbors:
        return "bfdd=yes" in host.texts.get(DAEMONS, "").splitlines() or None
    return any(line.words[2:3] == ["bfd"] for n in neighbors for line in n.options)


def _profile(survey: Survey, hosts: list[Host]) -> dict[str, int]:
    """The intervals of the profile that neighbours name, where they are not the defaults."""
    words: dict[str, list[Word]] = {"interval": [], "multiplier": []}
    for host in hosts:
        for line in host.frr:
            key = _PROFILE.get(line.words[0])
            ours = line.blocks[:1] == ("bfd",) and line.blocks[-1] != PROFILE
            if key and ours and is_number(line.words[-1]):
                words[key].append(Word(host, int(line.words[-1]), FRR_CONF, line.line))
    found = {
        "interval": survey.most("BFD's interval", words["interval"], _BFD.interval),
        "multiplier": survey.most("BFD's multiplier", words["multiplier"], _BFD.multiplier),
    }
    return {key: value for key, value in found.items() if value != getattr(_BFD, key)}
