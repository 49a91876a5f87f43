"""What VXLAN devices flood, answer, leave from and use as their port: all of them, or one VNI."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from adopt.survey import word
from overlay.intent import Overlay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adopt.devices import Device
    from adopt.survey import Survey
    from adopt.vnis import Vnis

_DSTPORT = Overlay.model_validate({}).dstport
# Key of the intent, attribute, what ifupdown2 and the kernel do where a file does not say it.
_FLAGS = (
    ("arp_suppression", "bridge-arp-nd-suppress", False),
    ("unicast_flood", "bridge-unicast-flood", True),
    ("multicast_flood", "bridge-multicast-flood", True),
)


class FlagsFound:
    """`overlay` are keys of `overlay:`; `of(vni)` those of a network or VRF that say otherwise."""

    def __init__(self, survey: Survey, vnis: Vnis, *, learns: bool) -> None:
        self.overlay: dict[str, Any] = {}
        self._own: dict[int, dict[str, Any]] = {vni: {} for vni in vnis.by_vni}
        for key, attribute, silent in _FLAGS:
            found = {
                vni: survey.most(
                    f"VNI {vni}: {attribute}",
                    vnis.words(vni, _switch(attribute, silent=silent), attribute),
                    silent,
                )
                for vni in vnis.by_vni
            }
            usual = {vni: _usual(key, vnis, vni, learns=learns) for vni in vnis.by_vni}
            if vnis.single is not None:  # what one network needs, their device does for all
                usual = dict.fromkeys(usual, any(usual.values()))
            self._say(key, found, usual, transit=set(vnis.l3))
        self._ports(survey, vnis)
        bound = [
            word(host, bool(device.word("vxlan-local-tunnelip")), device)
            for host, device, _ in vnis.all()
        ]
        if learns and not survey.most("whether tunnels have a source address", bound, True):
            self.overlay["source_address"] = False

    def of(self, vni: int) -> dict[str, Any]:
        return self._own.get(vni, {})

    def _say(
        self,
        key: str,
        found: Mapping[int, bool],
        usual: Mapping[int, bool],
        transit: set[int],
    ) -> None:
        """Chooses what the overlay says, so that the fewest networks need a word of their own.

        An L3VNI has no such key: what it does only the overlay can say.
        """

        def others(choice: object) -> list[int]:
            return [v for v in found if found[v] != (usual[v] if choice is None else choice)]

        def cost(choice: object) -> tuple[int, int, bool]:
            wrong = others(choice)
            return len(transit.intersection(wrong)), len(wrong), choice is not None

        best = min((None, True, False), key=cost)
        if best is not None:  # else each default is right
            self.overlay[key] = best
        for vni in others(best):
            if vni not in transit:
                self._own[vni][key] = found[vni]

    def _ports(self, survey: Survey, vnis: Vnis) -> None:
        found = {
            vni: survey.most(
                f"VNI {vni}: the tunnels' UDP port",
                vnis.words(vni, lambda d, _: d.number("vxlan-port") or _DSTPORT, "vxlan-port"),
                _DSTPORT,
            )
            for vni in vnis.by_vni
        }
        usual = Counter(found.values()).most_common(1)[0][0] if found else _DSTPORT
        if usual != _DSTPORT:
            self.overlay["dstport"] = usual
        for vni, port in found.items():
            if port != usual:
                self._own[vni]["dstport"] = port


def _switch(attribute: str, *, silent: bool) -> Callable[[Device, Device | None], bool]:
    def read(device: Device, _: Device | None) -> bool:
        found = device.first(attribute)
        return found.is_on if found else silent

    return read


def _usual(key: str, vnis: Vnis, vni: int, *, learns: bool) -> bool:
    """What the intent says of a VNI without a word."""
    if key == "arp_suppression":
        return not learns
    over_ipv6 = key == "multicast_flood" and vni not in vnis.l3
    return learns or (over_ipv6 and any(":" in text for text in vnis.gateways(vni)))
