"""Whether a deployed node is as it should be, asked from outside over a new connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.bgp_sessions import SESSION_COMMANDS, read_sessions
from tasks.files import FRR_CONF, is_ours
from tasks.frr.loading import FRR_RELOAD, FRR_RUNS_FILE
from tasks.ssh.remote_node import words_of
from tasks.ssh.script import Section
from tasks.steps import verify_sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from overlay.records import RawOutput
    from tasks.plan import NodePlan

# A deployment that changes the interfaces alone does not reload FRR, so what somebody typed into it
# is there before and after.
_ADVICE = {
    "frr-converged": (
        f"\nFRR does not run what {FRR_CONF.path} says. What somebody typed in at vtysh has to be "
        "removed there first; a VRF's BGP instance, which FRR does not give up while the VRF has "
        "an L3VNI, goes with `systemctl restart frr`. Then deploy again"
    )
}


def verification_sections(plan: NodePlan) -> list[Section]:
    """What is asked of the node: FRR runs its file, the kernel is as the interfaces file says.

    Of files that are not ours (after a rollback to before the first deployment) nothing is asked:
    they may never have held.
    """
    ours = tuple(change for change in plan.files if is_ours(change.after.text))
    sections = [Section("answers", ":"), *verify_sections(ours)]
    if any(change.file is FRR_CONF for change in ours):
        command = (
            f"{FRR_RUNS_FILE} && exit\n"
            f"said=$({FRR_RELOAD} --test --stdout {FRR_CONF.path} 2>&1) "
            '|| { echo "$said"; exit 1; }\n'
            "! echo \"$said\" | grep -A20 '^Lines To '"
        )
        sections.append(Section("frr-converged", command, timeout=60))
    sections += [Section(slug, command) for slug, command in SESSION_COMMANDS.items()]
    return sections


def what_fails(
    plan: NodePlan, outputs: Mapping[str, RawOutput], required: frozenset[str]
) -> str | None:
    """The first thing that does not hold, in words; None when all of it holds."""
    for section in verification_sections(plan):
        if section.slug in SESSION_COMMANDS:
            continue
        output = outputs.get(section.slug)
        if output is None:
            return f"{section.slug}: it was never run"
        if output.rc != 0:
            return f"{section.slug}: {words_of(output)}{_ADVICE.get(section.slug, '')}"
    sessions = read_sessions(outputs) or {}
    down = sorted(peer for peer in required if not sessions.get(peer))
    if down:
        return f"BGP sessions are not up: {', '.join(down[:10])}"
    return None
