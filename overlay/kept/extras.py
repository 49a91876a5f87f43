"""What a node holds beside what is derived: statements and settings that people keep by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from overlay.values import Asn, Strict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from overlay.problems import KeyPath

DAEMONS = (
    "babeld", "bfdd", "bgpd", "eigrpd", "fabricd", "isisd", "ldpd", "nhrpd", "ospf6d", "ospfd",
    "pathd", "pbrd", "pim6d", "pimd", "ripd", "ripngd", "sharpd", "vrrpd",
)  # fmt: skip
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What a shell that reads the file takes as it stands.
_PLAIN = re.compile(r"[A-Za-z0-9_.:,/@%+= -]+")
_SYSCTL_KEY = re.compile(r"[a-z]+(\.[A-Za-z0-9_/-]+)+")
_SYSCTL_VALUE = re.compile(r"[A-Za-z0-9_.:,/+-]+( [A-Za-z0-9_.:,/+-]+)*")
_FILE = re.compile(r"(?!/)(?!.*\.\.)[\w./-]+")


def _daemon_value(value: object) -> str:
    if isinstance(value, bool):
        if not value:
            raise ValueError("a daemon is only switched on here: omit what is off")
        return "yes"
    text = " ".join(str(value).split())
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"{text!r} is not true or plain words, such as '-A 127.0.0.1 -M rpki'")
    return text


def _daemon_settings(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a setting in /etc/frr/daemons")
        if text == "yes" and name not in DAEMONS:
            raise ValueError(f"{name!r} is not a daemon of FRR: {', '.join(DAEMONS)}")
        if text != "yes" and name in DAEMONS:
            raise ValueError(f"{name!r} is a daemon: write `{name}: true`")
    return value


def _sysctl_value(value: object) -> str:
    text = " ".join(str(value).split())
    if isinstance(value, bool) or not _SYSCTL_VALUE.fullmatch(text):
        raise ValueError(f"{value!r} is not a kernel setting's value: write a number or words")
    return text


def _sysctl_settings(value: dict[str, str]) -> dict[str, str]:
    for key in value:
        if not _SYSCTL_KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not a kernel setting, such as net.ipv4.tcp_mtu_probing")
    return value


def _file_name(value: str) -> str:
    if not _FILE.fullmatch(value):
        raise ValueError(f"{value!r} is not a file beside the intent, such as ospf.conf")
    return value


_DaemonValue = Annotated[
    str, BeforeValidator(_daemon_value, json_schema_input_type=bool | int | str)
]
_SysctlValue = Annotated[str, BeforeValidator(_sysctl_value, json_schema_input_type=int | str)]


class Extras(Strict):
    """What is kept beside what the intent derives; of fabric, groups and node all of it counts."""

    frr_extra: str | None = Field(
        None,
        description="Further statements of frr.conf, as `show running-config` prints them; "
        "written behind the derived ones, in the order fabric, groups, node.",
    )
    frr_extra_file: Annotated[str, AfterValidator(_file_name)] | None = Field(
        None, description="The same from a file, whose path is relative to the intent's folder."
    )
    interfaces_extra: str | None = Field(
        None,
        description="Further stanzas of /etc/network/interfaces, in the whole scope. Devices that "
        "are not ours go into a file of their own, /etc/network/interfaces.d/evpn-fleet-kept; what "
        "is said of a device of ours is added to its stanza.",
    )
    interfaces_extra_file: Annotated[str, AfterValidator(_file_name)] | None = Field(
        None, description="The same from a file, whose path is relative to the intent's folder."
    )
    daemons_extra: Annotated[dict[str, _DaemonValue], AfterValidator(_daemon_settings)] = Field(
        default_factory=dict,
        description="Further settings of /etc/frr/daemons: `ospfd: true` switches a daemon on, "
        "`ospfd_options: -A 127.0.0.1` says how it is started. A node's own entry wins.",
    )
    sysctl_extra: Annotated[dict[str, _SysctlValue], AfterValidator(_sysctl_settings)] = Field(
        default_factory=dict,
        description="Further kernel settings, such as `net.ipv4.tcp_mtu_probing: 1`. A node's own "
        "entry wins; a derived setting wins over all of them.",
    )


class Group(Extras):
    """Nodes that keep something in common beside what is derived."""

    nodes: tuple[str, ...] = Field(min_length=1, description="Its nodes, as globs.")
    asn: Asn | None = Field(
        None, description="AS number of its nodes that have none of their own; default bgp.asn."
    )

    def holds(self, name: str) -> bool:
        """Whether a node of that name is in the group."""
        return any(fnmatchcase(name, glob) for glob in self.nodes)


@dataclass(frozen=True, slots=True)
class NodeExtras:
    """What one node keeps: texts for frr.conf and interfaces, and settings as (key, value)."""

    frr: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    daemons: tuple[tuple[str, str], ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()


def sources(
    fabric: Extras, groups: Mapping[str, Group], nodes: Mapping[str, Extras]
) -> Iterator[tuple[KeyPath, Extras]]:
    """Whatever may keep something, with its key, in the order in which a node takes it."""
    yield (), fabric
    for name, group in groups.items():
        yield ("groups", name), group
    for name, node in nodes.items():
        yield ("nodes", name), node


def extras_of(
    name: str, fabric: Extras, groups: Mapping[str, Group], node: Extras, *, interfaces: bool = True
) -> NodeExtras:
    """What the node keeps: the fabric's, then that of its groups, then its own.

    `interfaces` is False where the interfaces that are kept lie in a file that is not ours.
    """
    told = [fabric, *(group for group in groups.values() if group.holds(name)), node]
    daemons: dict[str, str] = {}
    sysctls: dict[str, str] = {}
    for extras in told:
        daemons |= extras.daemons_extra
        sysctls |= extras.sysctl_extra
    return NodeExtras(
        frr=tuple(extras.frr_extra for extras in told if extras.frr_extra),
        interfaces=tuple(
            extras.interfaces_extra for extras in told if interfaces and extras.interfaces_extra
        ),
        daemons=tuple(sorted(daemons.items())),
        sysctls=tuple(sorted(sysctls.items())),
    )
