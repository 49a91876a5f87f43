"""The files that evpn-fleet owns on a node: where each lies, who owns it, how it is checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from overlay import outputs

if TYPE_CHECKING:
    from overlay.expected import NodeIntent

# Where we keep our own things on a node.
STATE = "/var/lib/evpn-fleet"
BACKUPS = f"{STATE}/backups"
# In the first line of every file that we render, behind its comment sign.
MARK = "Written by evpn-fleet"


def is_ours(text: str | None) -> bool:
    """True for a text that we rendered, whatever was done to it since."""
    return text is not None and MARK in text.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class ManagedFile:
    """One file on a node.

    `validate` is a shell command that checks the staged copy (`{file}`) on the node before it
    is put in place: exit status 0 accepts it, what it prints says why not. `{beside}` is a copy of
    the folder that `interfaces` sources, as it will be, `{remade}` options of grep that leave out
    what ifupdown2 says of devices that are taken away before.
    """

    path: str
    template: str
    owner: str
    group: str
    mode: int
    validate: str
    is_frr: bool = False

    @property
    def name(self) -> str:
        """A name for the staged copy, unique among the managed files."""
        return self.path.strip("/").replace("/", "_")

    @property
    def meta(self) -> str:
        """Its mode, owner and group as one text, as `stat -c '%a %U %G'` prints them."""
        return f"{self.mode:o} {self.owner} {self.group}"


# What `interfaces` sources.
SOURCED = "/etc/network/interfaces.d"

INTERFACES = ManagedFile(
    outputs.INTERFACES_FILE,
    "interfaces.j2",
    "root",
    "root",
    0o644,
    # ifupdown2 exits 0 on an unknown attribute and only warns: its words count, not its status.
    # Two of its warnings are left out: a bridge does not take its port's MTU by itself, and one
    # without ports is `bridge-ports none`, which it acts on all the same.
    f"sed 's#^\\(source \\){SOURCED}/#\\1{{beside}}/#' {{file}} > {{file}}.checked; "
    "! ifup --syntax-check --all --interfaces {file}.checked 2>&1 | "
    "grep -v -e 'bridge inherits mtu' -e 'bridge-ports: invalid value \"none\"'{remade} | grep .",
)
# What is ours of the interfaces in the overlay scope: one file beside those of other people.
OVERLAY_INTERFACES = replace(INTERFACES, path=outputs.OVERLAY_INTERFACES_FILE)
# What is kept of the interfaces in the whole scope: devices that the intent does not derive.
KEPT_INTERFACES = replace(
    INTERFACES, path=outputs.KEPT_INTERFACES_FILE, template="interfaces-kept.j2"
)
FRR_CONF = ManagedFile(
    outputs.FRR_FILE,
    "frr.conf.j2",
    "frr",
    "frr",
    0o640,
    "vtysh --dryrun --inputfile {file}",
    is_frr=True,
)
DAEMONS = ManagedFile(
    outputs.DAEMONS_FILE, "daemons.j2", "frr", "frr", 0o640, "sh -n {file}", is_frr=True
)
SYSCTL = ManagedFile(
    outputs.SYSCTL_FILE,
    "sysctl.conf.j2",
    "root",
    "root",
    0o644,
    "! grep -vE '^(#.*|[[:alnum:]_./-]+ = [[:alnum:]_.:,/+-]+( [[:alnum:]_.:,/+-]+)*)?$' {file}",
)
# The kernel is asked, too: it may lack what translates addresses.
SNAT = ManagedFile(
    outputs.SNAT_FILE,
    "snat.nft.j2",
    "root",
    "root",
    0o644,
    "command -v nft >/dev/null || {{ echo 'nft is not there: apt install nftables'; exit 1; }}; "
    "nft --check --file {file}",
)

MANAGED_FILES = (DAEMONS, FRR_CONF, SYSCTL, INTERFACES, OVERLAY_INTERFACES, KEPT_INTERFACES, SNAT)
# What is on a node only where the intent has a use for it.
OPTIONAL_FILES = (KEPT_INTERFACES, SNAT)
_BY_PATH = {file.path: file for file in MANAGED_FILES}


def interfaces_file(node: NodeIntent) -> ManagedFile:
    """The file that a node's interfaces are written to, by its managed scope."""
    return _BY_PATH[outputs.interfaces_path(node)]


def files_of(node: NodeIntent) -> tuple[ManagedFile, ...]:
    """The managed files of a node, in the order in which they are put in place."""
    return tuple(_BY_PATH[path] for path in outputs.managed_paths(node))
