"""Route targets and route distinguishers that hosts set by hand, of VNIs and of VRFs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adopt.bgp import EVPN
from adopt.hostfiles import FRR_CONF
from adopt.survey import Word
from overlay.crosscheck import targets
from overlay.intent import Fabric
from overlay.problems import dotted
from overlay.targets.targets import halves
from overlay.targets.written import ANY, ROUTER_ID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adopt.hostfiles import Host
    from adopt.survey import Survey
    from overlay.host_records import FrrLine

    # Imports and exports.
    Found = tuple[tuple[str, ...], tuple[str, ...]]


def of_network(
    survey: Survey, hosts: Iterable[Host], vni: int, numbers: tuple[int, ...]
) -> dict[str, Any]:
    """`rt:` and `rd:` of a network, as most of its hosts have it."""
    said = [(host, [line for line in _evpn(host) if f"vni {vni}" in line.blocks]) for host in hosts]
    return _keys(survey, said, f"VNI {vni}", vni, numbers)


def of_vrf(survey: Survey, name: str, l3vni: int, numbers: tuple[int, ...]) -> dict[str, Any]:
    """`rt:` and `rd:` of a VRF, as most hosts that have its L3VNI do."""
    hosts = [host for host in survey.vteps if l3vni in host.l3vnis()]
    said = [(host, _evpn(host, name)) for host in hosts]
    return _keys(survey, said, f"VRF {name}", l3vni, numbers)


def targets_as_keys(found: Found, vni: int, numbers: tuple[int, ...]) -> dict[str, list[str]]:
    """`rt:` of what a VNI imports and exports; what has one end here has its other outside."""
    outside = [target for half in halves(*found, numbers, vni) for target in half]
    keys = {"import": list(found[0]), "export": list(found[1]), "outside": outside}
    return {key: value for key, value in keys.items() if value}


def without_refused(fabric: dict[str, Any]) -> list[str]:
    """Takes what `validate` would refuse of route targets and RDs out of the keys; says what."""
    said = []
    try:
        model = Fabric.model_validate(fabric)
    except ValidationError:
        return []
    for check in targets.CHECKS:
        for (kind, place, key, *_), reason, _ in check(model):
            entry = fabric[str(kind)][place]
            if entry.pop(str(key), None) is not None:
                where = dotted((kind, place, key))
                said.append(
                    f"{where}: {reason}. The intent leaves it out, and the audit takes FRR's own "
                    "for intended"
                )
    return said


def _evpn(host: Host, vrf: str | None = None) -> list[FrrLine]:
    instance = host.instance(vrf) if vrf else host.main
    if instance is None:
        return []
    return [line for word in ("route-target", "rd") for line in instance.said(word, family=EVPN)]


def _keys(
    survey: Survey,
    said: list[tuple[Host, list[FrrLine]]],
    what: str,
    vni: int,
    numbers: tuple[int, ...],
) -> dict[str, Any]:
    if not any(lines for _, lines in said):
        return {}
    words = [_word(host, _targets(lines), lines) for host, lines in said]
    found: Found = survey.most(f"{what}: its route targets", words, ((), ()))
    words = [_word(host, _distinguisher(host, lines), lines) for host, lines in said]
    rd = survey.most(f"{what}: its RD", words, None)
    keys: dict[str, Any] = {"rt": targets_as_keys(found, vni, numbers)} if any(found) else {}
    return keys | ({"rd": rd} if rd else {})


def _word(host: Host, value: object, lines: list[FrrLine]) -> Word:
    return Word(host, value, FRR_CONF, lines[0].line if lines else 0)


def _targets(lines: list[FrrLine]) -> Found:
    imports: list[str] = []
    exports: list[str] = []
    for line in lines:
        word, *rest = line.words
        if word == "route-target" and rest and "auto" not in rest:
            imports += map(_any_as, rest[1:]) if rest[0] in {"import", "both"} else ()
            exports += rest[1:] if rest[0] in {"export", "both"} else ()
    return tuple(imports), tuple(exports)


def _any_as(target: str) -> str:
    """FRR takes AS 0 in an import for any AS."""
    return f"{ANY}{target[1:]}" if target.startswith("0:") else target


def _distinguisher(host: Host, lines: list[FrrLine]) -> str | None:
    said = [line.words[1] for line in lines if line.words[0] == "rd" and len(line.words) > 1]
    if not said:
        return None
    before, _, number = said[-1].rpartition(":")
    routers = host.main.values("bgp", "router-id") if host.main else []
    return f"{ROUTER_ID}:{number}" if before in (*routers, host.vtep) else said[-1]
