"""Runs on a node, by its own Python 3.9 or later: asks the fabric whether packets get through.

Its argument is JSON: `source` (the VTEP address), and for each VTEP its `address`, the `size` of
the IP packet that must pass, and `tunnels`: VNIs that both have, with the `device`, the `bridge`,
the `vlan` there (of one device for all VNIs), UDP `port`, and the `gateway` (with its `mac`, but
for an L3VNI) that answers ARP over there. It writes nothing, and prints one line for each question:

    path ADDRESS SIZE ok | lost | short LARGEST
    vxlan ADDRESS VNI ok | lost MAC | untried WORDS

A path is asked by pings that may not be fragmented. For VXLAN it sends a VXLAN packet to the VTEP,
with an ARP probe for the gateway (RFC 5227: it enters no neighbour table). The VTEP's answer goes
to MAC, through its own tunnel, if EVPN has told it that MAC is here: the L3VNI's bridge's, or that
of a guest.
"""

from __future__ import annotations

import ctypes
import json
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

SMALL = 512
FANOUT = 8
MOST_SECONDS = 9.0
BROADCAST = b"\xff" * 6
EVERYTHING = 0x0003
SO_ATTACH_FILTER = 26
# Of all that runs at once: a ping is a process.
_slots = threading.Semaphore(24)


def passes(address: str, size: int, count: int) -> bool:
    """Whether at least one of so many pings of that size comes back whole."""
    headers = 48 if ":" in address else 28
    argv = ["ping", "-n", "-q", "-c", str(count), "-i", "0.25", "-W", "1", "-M", "do"]
    with _slots:
        done = subprocess.run(
            [*argv, "-s", str(size - headers), address],
            capture_output=True,
            check=False,
        )
    return done.returncode == 0


def ask_path(address: str, size: int) -> str:
    if passes(address, size, 3):
        return f"path {address} {size} ok"
    if not passes(address, SMALL, 3):
        return f"path {address} {size} lost"
    return f"path {address} {size} short {largest(address, SMALL, size)}"


def largest(address: str, good: int, bad: int) -> int:
    """The largest size that passes, between one that does and one that does not: a few rounds."""
    while bad - good > 1:
        step = max(1, (bad - good) // (FANOUT + 1))
        sizes = list(range(good + step, bad, step))[:FANOUT]
        found: dict[int, bool] = {}

        def ask(size: int, found: dict[int, bool] = found) -> None:
            found[size] = passes(address, size, 2)

        run_all([(ask, (size,)) for size in sizes])
        for size in sizes:
            if not found[size]:
                bad = size
                break
            good = size
    return good


def run_all(jobs: list[tuple[Any, tuple[Any, ...]]]) -> None:
    threads = [threading.Thread(target=job, args=args, daemon=True) for job, args in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ask_tunnels(source: str, peers: list[dict[str, Any]], told: dict[str, list[str]]) -> None:
    """One after the other: nothing but its time tells whose answer it is."""
    until = time.monotonic() + MOST_SECONDS
    for peer in peers:
        answers = ask_vtep(source, peer, until)
        told[peer["address"]] = [f"vxlan {peer['address']} {vni} {said}" for vni, said in answers]


def ask_vtep(source: str, peer: dict[str, Any], until: float) -> list[tuple[int, str]]:
    """By the VRF's VNI, then by one with a guest here; what was lost, where nothing came back."""
    lost: list[tuple[int, str]] = []
    for tunnel in peer["tunnels"]:
        vni, of_network = tunnel["vni"], tunnel["mac"] is not None
        try:
            mac = guest_of(tunnel) if of_network else mac_of(tunnel["bridge"])
            if mac is None:
                continue
            if time.monotonic() > until:
                return lost or [(vni, "untried no time left")]
            if ask_tunnel(source, peer["address"], tunnel, mac):
                return [(vni, "ok")]
        except PermissionError:
            return [(vni, "untried it needs root")]
        except (OSError, ValueError) as error:
            return [*lost, (vni, f"untried {' '.join(str(error).split())}")]
        lost.append((vni, f"lost {mac}"))
        if of_network:
            break
    return lost


def ask_tunnel(source: str, address: str, tunnel: dict[str, Any], mac: str) -> bool:
    own = packed(mac)
    to = packed(tunnel["mac"]) if tunnel["mac"] else BROADCAST
    packet = question(own, to, tunnel["vni"], tunnel["gateway"])
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING)) as raw:
        only_arp(raw)
        raw.bind((tunnel["device"], EVERYTHING))
        with socket.socket(family, socket.SOCK_DGRAM) as udp:
            udp.bind((source, 0))
            for wait in (0.3, 0.4):
                udp.sendto(packet, (address, tunnel["port"]))
                if answered(raw, own, tunnel["gateway"], wait):
                    return True
    return False


def only_arp(raw: socket.socket) -> None:
    """Has the kernel keep all but ARP from us: `ldh [12]; jeq 0x806; ret 128; ret 0`."""
    program = [(0x28, 0, 0, 12), (0x15, 0, 1, 0x0806), (0x06, 0, 0, 128), (0x06, 0, 0, 0)]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    header = struct.pack("HL", len(program), ctypes.addressof(buffer))
    raw.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, header)


def mac_of(device: str) -> str:
    return Path(f"/sys/class/net/{device}/address").read_text(encoding="ascii").strip()


def guest_of(tunnel: dict[str, Any]) -> str | None:
    """A MAC that the bridge has learned on a port of its own, in that VLAN; None without."""
    shown = subprocess.run(
        ["bridge", "-j", "fdb", "show", "br", tunnel["bridge"]],
        capture_output=True,
        check=False,
    )
    learned = [
        entry["mac"]
        for entry in json.loads(shown.stdout or b"[]")
        if entry.get("master") == tunnel["bridge"]
        and tunnel["vlan"] in (None, entry.get("vlan"))
        and entry.get("ifname") not in (tunnel["device"], tunnel["bridge"])
        and entry.get("state") not in ("permanent", "static")
    ]
    return min(learned, default=None)


def packed(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def question(own: bytes, to: bytes, vni: int, ip: str) -> bytes:
    """A VXLAN header, and in it: who has `ip`, asked by nobody (0.0.0.0)."""
    header = b"\x08\0\0\0" + vni.to_bytes(3, "big") + b"\0"
    arp = b"\0\x01\x08\0\x06\x04\0\x01" + own + b"\0" * 4 + b"\0" * 6 + socket.inet_aton(ip)
    return header + to + own + b"\x08\x06" + arp


def answered(raw: socket.socket, own: bytes, ip: str, wait: float) -> bool:
    until = time.monotonic() + wait
    while (left := until - time.monotonic()) > 0:
        if not select.select([raw], [], [], left)[0]:
            return False
        frame = raw.recv(128)
        if (frame[:6], frame[20:22], frame[28:32]) == (own, b"\0\x02", socket.inet_aton(ip)):
            return True
    return False


def main(asked: dict[str, Any]) -> None:
    if shutil.which("ping") is None:
        sys.exit("ping is not there: install iputils-ping")
    peers = asked["peers"]
    paths: dict[str, str] = {}
    tunnels: dict[str, list[str]] = {}

    def path(peer: dict[str, Any]) -> None:
        paths[peer["address"]] = ask_path(peer["address"], peer["size"])

    jobs: list[tuple[Any, tuple[Any, ...]]] = [(path, (peer,)) for peer in peers]
    run_all([*jobs, (ask_tunnels, (asked["source"], peers, tunnels))])
    for peer in peers:
        sys.stdout.write("\n".join([paths[peer["address"]], *tunnels[peer["address"]], ""]))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
