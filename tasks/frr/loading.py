"""How FRR comes to run what its files say, and how one tells that it does."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from tasks.files import DAEMONS, FRR_CONF, is_ours
from tasks.ssh.script import Section

if TYPE_CHECKING:
    from tasks.plan import FileChange

# systemd refuses a fourth start within three minutes, whoever asked for the others.
FRR_START = "systemctl reset-failed frr; systemctl restart frr"
FRR_RELOAD = "/usr/lib/frr/frr-reload.py"
# Its log holds what it loads, passwords too, and so does a file in /run while it does: of the one
# nothing but errors, of the other nothing for anybody but root.
_RELOADED = f"(umask 077; {FRR_RELOAD} --reload --log-level error {FRR_CONF.path})"
# What frr-reload.py takes away it names in the arguments of a command, where everybody on the node
# can read them. So the passwords that change are loaded before it, from a file of root's.
_HAS_PASSWORD = re.compile(r"^ neighbor \S+ password ", re.MULTILINE)
CHANGED_PASSWORDS = """\
FNR == 1 { source++ }
/^router bgp / { block = $0 }
/^ neighbor [^ ]+ password / && source == 1 { wanted[block, $2] = $0 }
/^ neighbor [^ ]+ password / && source == 2 { running[block, $2] = $0 }
END {
  for (key in running) {
    split(key, part, SUBSEP)
    line = (key in wanted) ? wanted[key] : " no neighbor " part[2] " password"
    if (line != running[key]) print part[1] "\\n" line "\\nexit"
  }
}"""
# Whether FRR runs its file, by what frr-reload.py goes by: each line with those it stands under, in
# whatever order, for FRR has an order of its own, and without VRFs that hold no line. That settles
# it for less than half of what frr-reload.py costs a node, which is asked where they differ.
_STATEMENTS = """\
!NF || /^ *(!|exit(-[a-z-]+)?$|end$)/ { next }
/^(Building configuration|Current configuration:|frr version )/ { next }
{
  match($0, /^ */)
  above[RLENGTH] = $0
  if (/^vrf [^ ]+$/) next
  for (depth = 0; depth < RLENGTH; depth++) if (depth in above) printf "%s|", above[depth]
  print
}"""
FRR_RUNS_FILE = (
    f"statements() {{ awk {shlex.quote(_STATEMENTS)} | sort -u; }}\n"
    "[ \"$(vtysh -c 'show running-config' 2>/dev/null | statements)\" = "
    f'"$(statements < {FRR_CONF.path})" ]'
)
_VRF_INSTANCE = re.compile(r"^router bgp (\d+) vrf (\S+)$", re.MULTILINE)
_AS = re.compile(r"^router bgp (\d+)$", re.MULTILINE)


def frr_sections(changes: tuple[FileChange, ...]) -> list[Section]:
    """Has FRR run what its files say, once they are in place; empty when none of them changes."""
    by_path = {change.file.path: change for change in changes if change.file.is_frr}
    if not by_path:
        return []
    conf = by_path.get(FRR_CONF.path)
    restart = _starts_other_daemons(by_path.get(DAEMONS.path)) or _starts_again(conf)
    if conf is not None and not is_ours(conf.after.text):
        # Of a file that we did not write FRR may never say that it runs just that: a fresh start
        # is the one way to be sure.
        return [Section("frr-restart", FRR_START, timeout=180, stop=True)]
    texts = (conf.before.text, conf.after.text) if conf is not None and not restart else ()
    first = [_passwords()] if any(_HAS_PASSWORD.search(text or "") for text in texts) else []
    return [*first, _frr_section(restart=restart)]


def _passwords() -> Section:
    """Has FRR take the passwords of its file for neighbours that have another one, or no more."""
    command = (
        "systemctl --quiet is-active frr || exit 0\numask 077\nnew=$(mktemp -p /run)\n"
        f"vtysh -c 'show running-config' | awk {shlex.quote(CHANGED_PASSWORDS)} {FRR_CONF.path} - "
        '> "$new"\n[ ! -s "$new" ] || vtysh -f "$new" >/dev/null 2>&1\nrm -f "$new"'
    )
    return Section("frr-passwords", command, timeout=60)


def _starts_other_daemons(change: FileChange | None) -> bool:
    """True when the change of the daemons file is more than one of its comments."""
    if change is None:
        return False

    def settings(text: str | None) -> set[str]:
        return {line.strip() for line in (text or "").splitlines() if not line.startswith("#")}

    return settings(change.before.text) != settings(change.after.text)


def _starts_again(change: FileChange | None) -> bool:
    """True for what a running FRR does not do, or not well.

    A bgpd is of one AS until it ends. And it keeps the instance of a VRF while the VRF has an
    L3VNI: to take that away for a moment makes zebra of FRR 8.4 a layer 2 VNI of it, and the router
    MACs of the other VTEPs are lost when it comes back.
    """
    if change is None:
        return False
    before, after = change.before.text or "", change.after.text or ""
    of_before, of_after = _AS.search(before), _AS.search(after)
    if of_before and of_after and of_before[1] != of_after[1]:
        return True
    return bool(set(_VRF_INSTANCE.findall(before)) - set(_VRF_INSTANCE.findall(after)))


def _frr_section(*, restart: bool) -> Section:
    """Loads frr.conf, and looks again until FRR runs what it says.

    A reload can end with exit status 0 without having converged: FRR refuses to remove a VRF's
    instance while its L3VNI is there, for one, and takes it out in the next round.
    """
    # Somebody may have typed in a VRF's instance, which a running FRR does not give up either.
    strange = (
        "vtysh -c 'show running-config' | grep '^router bgp .* vrf ' "
        f"| grep -qvxF -f {FRR_CONF.path}"
    )
    # Not `systemctl reload`: it hides frr-reload's words, and a stopped FRR must be started.
    load = (
        FRR_START
        if restart
        else f"if systemctl --quiet is-active frr && ! {strange}; "
        f"then {_RELOADED}; else {FRR_START}; fi"
    )
    command = (
        f"{load}\n{FRR_RUNS_FILE} && exit\nfor round in 1 2 3; do\n"
        f"  said=$({FRR_RELOAD} --test --stdout {FRR_CONF.path} 2>&1) || exit\n"
        "  echo \"$said\" | grep -q '^Lines To ' || exit 0\n"
        f"  {_RELOADED}\n"
        'done\necho "FRR still runs something else:"; echo "$said" | grep -v INFO; exit 1'
    )
    return Section("frr-restart" if restart else "frr-reload", command, timeout=180, stop=True)
