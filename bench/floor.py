#!/usr/bin/env python3
"""The floor: asyncssh runs the bare commands on all nodes and drops what they print.

`floor.py HOSTS.yaml PORT KEY KNOWN_HOSTS AT_ONCE [plan]`: one connection and one joined exec a
node, no limits, no frames, no parsing; with `plan` what that reads. Exits 1 when a node is lost.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import asyncssh
import yaml

from tasks.commands import COMMANDS
from tasks.files import DAEMONS, FRR_CONF, INTERFACES, SYSCTL

# Those of an EVPN node with routed VNIs; a `sysctl` without keys prints them all the same here.
SLUGS = frozenset(
    {
        *("bridge_fdb", "ip_link", "bgp_l2vpn_evpn", "evpn_summary", "evpn_vni"),
        *("evpn_duplicate_macs", "evpn_duplicate_addresses", "ip_address", "ip_route"),
        *("ip6_route", "ip_rule", "ip6_rule", "ip_neigh"),
        *("sysctl", "running_config", "bridge_fdb_later"),
    }
)


def _read(hosts: str) -> dict[str, dict[str, str]]:
    return dict(yaml.safe_load(Path(hosts).read_text(encoding="utf-8")))


def _collecting() -> str:
    return "\n".join(command.command for command in COMMANDS if command.slug in SLUGS)


def _reading() -> str:
    paths = [file.path for file in (DAEMONS, FRR_CONF, SYSCTL, INTERFACES)]
    read = [f"stat -c '%a %U %G' {path}; cat {path}; sha256sum < {path}" for path in paths]
    return "\n".join([*read, "vtysh -c 'show running-config'"])


async def main(argv: list[str]) -> int:
    hosts, port, key, known, at_once, *what = argv
    script = _reading() if what else _collecting()
    addresses = [host["hostname"] for host in _read(hosts).values()]
    room = asyncio.Semaphore(int(at_once))
    trusted = asyncssh.read_known_hosts(known)

    async def ask(address: str) -> int:
        async with (
            room,
            asyncssh.connect(
                address, int(port), username="root", client_keys=[key], known_hosts=trusted,
                config=None,
            ) as node,
        ):  # fmt: skip
            done = await node.run(script, encoding=None, check=True)
            return len(done.stdout or b"")

    sizes = await asyncio.gather(*map(ask, addresses))
    print(f"{sum(sizes)} bytes of {len(sizes)} nodes")
    return 0 if all(sizes) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
