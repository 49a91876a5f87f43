"""How the lab's tests deploy, and what they ask of a node before and afterwards."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from lab.ssh import run_on
from tests.live.matrix import ROOT
from tests.live.tools.command_line import run_command_line
from tests.live.tools.probes import on

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.live.conftest import Lab

EXAMPLE = ROOT / "examples" / "l3-symmetric"
MANAGED = (
    "/etc/network/interfaces /etc/frr/frr.conf /etc/frr/daemons /etc/sysctl.d/90-evpn-fleet.conf"
)
NEW_NETWORK = "\n  - vni: 5\n    vrf: vrf1\n    gateways: [10.0.5.254/24]\n"
SWITCH = "--confirm-within", "40"
# The node's own words about where a deployment of it is.
ARMED = "[ -L /var/lib/evpn-fleet/pending ]"
APPLYING = "systemctl --quiet is-active 'evpn-fleet-apply-*'"
APPLIED = "systemctl list-timers --no-legend 'evpn-fleet-undo-*-confirm.timer' | grep -q ."


def variant(tmp_path: Path, edit: Callable[[str], str], name: str = "inventory") -> Path:
    """A copy of the example whose intent is edited."""
    folder = tmp_path / name
    shutil.copytree(EXAMPLE, folder)
    intent = folder / "fabric.yaml"
    text = edit(intent.read_text())
    assert text != intent.read_text()
    intent.write_text(text)
    return folder


def with_new_network(text: str) -> str:
    return text.replace("networks:\n", f"networks:{NEW_NETWORK}", 1)


def deploying(inventory: Path, *arguments: str) -> subprocess.Popen[str]:
    """A deployment under way, in a process that can be interrupted and killed."""
    argv = [sys.executable, ROOT / "run.py", "--inventory", inventory, "deploy", "--yes"]
    return subprocess.Popen(
        [*argv, *SWITCH, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def deploy(inventory: Path, *arguments: str) -> tuple[int, str]:
    argv = ["--inventory", inventory, "deploy", "--yes", *SWITCH, *arguments]
    done = run_command_line(argv, timeout=300, together=True)
    return done.returncode, done.stdout


def outcome(said: str, node: str) -> str:
    found = re.search(rf"^{node} +(\S+)", said, re.MULTILINE)
    assert found, said[-3000:]
    return found[1]


def fingerprint(lab: Lab, node: str) -> str:
    """The managed files, and what of them the kernel and FRR hold."""
    return on(
        lab,
        node,
        f"sha256sum {MANAGED}; ip -br link show type vxlan | cut -d ' ' -f 1 | sort; "
        "vtysh -c 'show running-config' | grep -v '^frr version'",
    )


def undecided(lab: Lab, node: str) -> str:
    """What a deployment that is not decided leaves on a node."""
    return on(
        lab,
        node,
        "ls -d /var/lib/evpn-fleet/pending /run/evpn-fleet.lock /tmp/evpn-fleet.* 2>/dev/null; "
        "systemctl list-timers --no-legend 'evpn-fleet-undo-*'; "
        "systemctl list-units --no-legend --state=active 'evpn-fleet-apply-*'; :",
    )


def is_back(lab: Lab, node: str, before: str) -> Callable[[], bool]:
    def probe() -> bool:
        try:
            return undecided(lab, node) == "" and fingerprint(lab, node) == before
        except Exception:  # noqa: BLE001 - a node that boots, or restarts FRR, is not back yet
            return False

    return probe


def until(lab: Lab, node: str, condition: str) -> None:
    """Waits on the node itself: a poll from here would be too late."""
    wait = f'timeout 90 sh -c "until {condition}; do sleep 0.05; done"'
    assert run_on(lab.spec.node(node), wait, timeout=120).rc == 0, condition
