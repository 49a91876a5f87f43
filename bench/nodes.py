#!/usr/bin/env python3
"""Serves a snapshot as nodes over SSH: `nodes.py SNAPSHOT HOSTS.yaml HOST_KEY AUTHORIZED PORT`.

Each node has an address of its own on loopback. What is executed there runs in a real /bin/sh,
whose `bridge`, `ip`, `vtysh` and `sysctl` print what the snapshot holds: so the cost of our script
on the node is a real one. The files that a deployment writes are those below `files` of the
node's folder, and each belongs to whom it would there. Prints `ready` when all of them listen.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import asyncssh
import yaml

from tasks.commands import COMMANDS, CollectCommand

# A shell on a terminal of its own, for who logs in without a command.
_TERMINAL = ("script", "-qfec", "/bin/sh -i", "/dev/null")
_ANY_KEYS = "sysctl"  # it is asked for the keys of the node, which differ
_MANAGED = (b"/etc/network/", b"/etc/frr/", b"/etc/sysctl.d/")
# `stat -c FORMAT PATH` of a managed file, as a deployment leaves it: the benchmark is not root.
_STAT = """#!/bin/sh
case $3 in */frr/*) echo "640 frr frr";; *) echo "644 root root";; esac
"""


def write_programs(folder: Path) -> None:
    """The programs of a node, each a shell script that prints files of `$NODE`."""
    known: dict[str, list[str]] = defaultdict(list)
    for command in COMMANDS:
        if command.path is None:
            program, *words = shlex.split(command.command)
            pattern = "*" if program == _ANY_KEYS else shlex.quote(" ".join(words))
            known[program].append(f'{pattern}) exec cat "$NODE/{_file(command)}";;')
    for program, cases in known.items():
        path = folder / program
        path.write_text("\n".join(["#!/bin/sh", 'case "$*" in', *cases, "esac", "exit 127", ""]))
        path.chmod(0o755)
    (folder / "stat").write_text(_STAT)
    (folder / "stat").chmod(0o755)


def _of_node(script: bytes, node: Path) -> bytes:
    """The script, with the node's own files in place of this computer's."""
    for path in _MANAGED:
        script = script.replace(path, os.fsencode(f"{node}/files") + path)
    return script


def _file(command: CollectCommand) -> str:
    # Each output is there once: of a node that stands still the FDB is later the same.
    return f"{command.slug}.{command.suffix}"


def _read(hosts: str) -> dict[str, dict[str, str]]:
    return dict(yaml.safe_load(Path(hosts).read_text(encoding="utf-8")))


async def _serve(argv: list[str]) -> None:
    snapshot, hosts, host_key, authorized, port = argv
    addresses = _read(hosts)
    with tempfile.TemporaryDirectory(prefix="evpn-fleet-bench-") as folder:
        write_programs(Path(folder))
        for name, host in addresses.items():
            await _listen(
                str(host["hostname"]),
                int(port),
                Path(snapshot) / name,
                keys=(host_key, authorized),
                path=folder,
            )
        print("ready", flush=True)
        await asyncio.Event().wait()


async def _listen(address: str, port: int, node: Path, *, keys: tuple[str, str], path: str) -> None:
    env = {
        "PATH": f"{path}:{os.environ['PATH']}",
        "NODE": str(node),
        "HOME": "/nonexistent",
        "PS1": "node# ",
    }

    async def answer(process: asyncssh.SSHServerProcess[bytes]) -> None:
        with contextlib.suppress(asyncssh.Error, OSError):
            if not process.command:
                shell = await asyncio.create_subprocess_exec(
                    *_TERMINAL, env=env, stdin=-1, stdout=-1, stderr=-1
                )
                await process.redirect(shell.stdin, shell.stdout, shell.stderr)
                process.exit(await shell.wait())
                return
            # Not redirected: of a shell that ends at once what it printed would be lost.
            script = process.command.encode()
            if process.command == "/bin/sh -s":
                script = await process.stdin.read()
            shell = await asyncio.create_subprocess_exec(
                "/bin/sh", "-s", env=env, stdin=-1, stdout=-1, stderr=-1
            )
            printed, said = await shell.communicate(_of_node(script, node))
            process.stdout.write(printed)
            process.stderr.write(said)
            process.exit(shell.returncode or 0)

    await asyncssh.listen(
        address,
        port,
        server_host_keys=[keys[0]],
        authorized_client_keys=keys[1],
        process_factory=answer,
        encoding=None,
        line_editor=False,
        gss_host=None,
    )


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(sys.argv[1:]))
