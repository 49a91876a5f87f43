"""What the hosts call their devices: a pattern where one fits several, else each by itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from overlay.intent import Names

if TYPE_CHECKING:
    from adopt.survey import Survey
    from adopt.vnis import Vnis

_DEFAULTS = Names.model_validate({})


class NamesFound:
    """The names of a fabric's devices: `patterns` for `overlay.names`, and who is called otherwise.

    `networks` are the words of people for VNIs, where a pattern needs them.
    """

    def __init__(self, survey: Survey, vnis: Vnis) -> None:
        self.patterns: dict[str, str] = {}
        self.networks: dict[int, str] = {}
        self._own: dict[tuple[str, int], str] = {}
        self._vlans = vnis.vlans
        networks = [vni for vni in vnis.networks if vni in vnis.by_vni]
        if vnis.single is not None:
            self._of_single(survey, vnis, vnis.single, networks)
            return
        devices = {vni: _device(survey, vnis, vni) for vni in networks}
        bridges = {vni: _bridge(survey, vnis, vni) for vni in networks}
        if not self._by_word(devices, bridges):
            self._by_number("device", devices)
            self._by_number("bridge", bridges)
        transit = [vni for vni in vnis.l3 if vni in vnis.by_vni]
        self._by_number("l3vni_device", {v: _device(survey, vnis, v) for v in transit})
        self._by_number("l3vni_bridge", {v: _bridge(survey, vnis, v) for v in transit})

    def _of_single(
        self, survey: Survey, vnis: Vnis, single: tuple[str, str], networks: list[int]
    ) -> None:
        """One device and its bridge; a VLAN interface where there is a gateway, and of an L3VNI."""
        for key, name in zip(("single_device", "single_bridge"), single, strict=True):
            if name != getattr(_DEFAULTS, key):
                self.patterns[key] = name
        routed = [vni for vni in networks if vnis.gateways(vni)]
        self._by_number("bridge", {v: _bridge(survey, vnis, v) for v in routed})
        transit = [vni for vni in vnis.l3 if vni in vnis.by_vni]
        self._by_number("l3vni_bridge", {v: _bridge(survey, vnis, v) for v in transit})

    def of(self, vni: int, *, transit: bool = False) -> dict[str, str]:
        """The keys of one network or VRF whose devices no pattern names."""
        kinds = {"device": "l3vni_device", "bridge": "l3vni_bridge"}
        found = {
            key: self._own.get((kinds[key] if transit else key, vni))
            for key in ("bridge", "device")
        }
        return {key: name for key, name in found.items() if name is not None}

    def vlan_of(self, vni: int) -> dict[str, int]:
        """The key of a network or VRF whose VLAN is not the number of its VNI."""
        vlan = self._vlans.get(vni, vni)
        return {} if vlan == vni else {"vlan": vlan}

    def _by_word(self, devices: dict[int, str | None], bridges: dict[int, str | None]) -> bool:
        """Patterns with `{name}`, where each device is called after its bridge: `vx_red`, `red`."""
        before = set()
        for vni, bridge in bridges.items():
            device = devices[vni]
            if not bridge or not device or not device.endswith(bridge) or str(vni) in bridge:
                return False
            before.add(device.removesuffix(bridge))
        if len(before) != 1 or before == {""}:
            return False
        self.patterns |= {"device": f"{before.pop()}{{name}}", "bridge": "{name}"}
        self.networks = {vni: bridge for vni, bridge in bridges.items() if bridge}
        return True

    def _by_number(self, kind: str, names: dict[int, str | None]) -> None:
        """A pattern with `{vni}` where it names two or more; what it does not name is its own."""
        found = Counter(
            name.replace(str(vni), "{vni}") for vni, name in names.items() if name is not None
        )
        default = getattr(_DEFAULTS, kind)
        usual, count = found.most_common(1)[0] if found else (default, 0)
        if count < 2 or "{vni}" not in usual or found[default] == count:
            usual = default
        if usual != default:
            self.patterns[kind] = usual
        for vni, name in names.items():
            if name is not None and name != usual.replace("{vni}", str(vni)):
                self._own[kind, vni] = name


def _device(survey: Survey, vnis: Vnis, vni: int) -> str | None:
    words = vnis.words(vni, lambda device, _: device.name)
    return survey.most(f"VNI {vni}: its device", words, None)


def _bridge(survey: Survey, vnis: Vnis, vni: int) -> str | None:
    words = vnis.words(vni, lambda _, bridge: bridge.name if bridge else None)
    return survey.most(f"VNI {vni}: its bridge", words, None)
