#!/usr/bin/env python3
"""The same job as one first writes it with Netmiko: each command over a shell, all of it parsed.

`netmiko_whole.py HOSTS.yaml PORT KEY KNOWN_HOSTS AT_ONCE`: one connection a node from a pool of
threads; then our own parsers, one output after the other (TTP
is not thread-safe). Nothing is compared. Exits 1 when a node is lost.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import yaml
from floor import SLUGS
from netmiko import ConnectHandler

from parsers import NEEDED_SLUGS, parse
from parsers.readers import READERS
from tasks.commands import COMMANDS

_PATIENCE = 300


def main(argv: list[str]) -> int:
    hosts, port, key, known, at_once = argv
    commands = [(command.slug, command.command) for command in COMMANDS if command.slug in SLUGS]
    addresses = [str(host["hostname"]) for host in yaml.safe_load(Path(hosts).read_text()).values()]
    parsing = threading.Lock()

    def ask(address: str) -> int:
        with ConnectHandler(
            device_type="linux", host=address, port=int(port), username="root",
            use_keys=True, key_file=key, ssh_strict=True, alt_host_keys=True, alt_key_file=known,
            conn_timeout=_PATIENCE, banner_timeout=_PATIENCE, auth_timeout=_PATIENCE,
        ) as node:  # fmt: skip
            printed = {
                # Netmiko's own stripping takes a line of JSON without a line feed for the prompt.
                slug: str(
                    node.send_command(command, read_timeout=_PATIENCE, strip_prompt=False)
                ).rpartition(node.base_prompt)[0]
                for slug, command in commands
            }
        with parsing:
            for slug in NEEDED_SLUGS:
                parse(slug, printed[slug])
            for slug, text in printed.items():
                # The snapshot of a reflector has no outputs about VRFs.
                if slug in READERS and "No such file" not in text:
                    parse(slug, text)
        return sum(map(len, printed.values()))

    with ThreadPoolExecutor(int(at_once)) as pool:
        sizes = list(pool.map(ask, addresses))
    print(f"{sum(sizes)} bytes of {len(sizes)} nodes")
    return 0 if all(sizes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
