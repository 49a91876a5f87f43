"""Has an exit announce its VRFs' defaults with the VRFs' L3VNIs. Pure.

FRR may originate the type-5 default of `default-originate` before bgpd knows the VRF's L3VNI: its
label is VNI 0 then, and stays so (seen on 8.4; FRR's pull request 19896 of October 2025 ends it).
FRR 10 holds such a route inactive, and guests of other nodes do not reach the outside. Taken away
and given back, it has the VNI; not in one breath, since bgpd then tells its peers nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.files import DAEMONS, FRR_CONF, INTERFACES, KEPT_INTERFACES, OVERLAY_INTERFACES
from tasks.ssh.script import Section

if TYPE_CHECKING:
    from tasks.plan import FileChange

_CONCERNED = frozenset({FRR_CONF, DAEMONS, INTERFACES, OVERLAY_INTERFACES, KEPT_INTERFACES})
_ORIGINATES = "default-originate"
# What frr.conf says, a line each: AS number, VRF, L3VNI, family, and a route target of the VRF, by
# hand or as FRR makes it.
_WANTED = r"""
/^vrf / { vrf = $2 }
/^ vni / { vni[vrf] = $2 }
/^router bgp / { as = $3; vrf = $5 }
/^ +route-target export / && vrf != "" { target[vrf] = $3 }
/^ +default-originate / { said[++n] = $2; by[n] = as; of[n] = vrf }
END { for (i = 1; i <= n; i++) {
    vrf = of[i]; own = by[i] % 65536 ":" vni[vrf]
    print by[i], vrf, vni[vrf], said[i], (vrf in target) ? target[vrf] : own } }
"""
# The node's own defaults whose label is VNI 0: their route targets, each with the family.
_UNLABELLED = r"""
/^ *Route \[5\]/ { zero = / VNI 0$/ && /:\[(0\.0\.0\.0|::)\] /; own = 0
    family = /:\[::\] / ? "ipv6" : "ipv4" }
/sourced, local/ { own = 1 }
/Extended Community:/ && zero && own {
    for (i = 1; i <= NF; i++) if ($i ~ /^RT:/) { sub(/^RT:/, "", $i); print $i, family } }
"""
_COMMAND = f"""
wanted=$(awk '{_WANTED}' {FRR_CONF.path}) || exit
[ -n "$wanted" ] || exit 0
unlabelled() {{
  vtysh -c 'show bgp l2vpn evpn route detail type prefix' | awk '{_UNLABELLED}'
}}
say() {{
  vtysh -c 'configure terminal' -c "router bgp $as vrf $vrf" -c 'address-family l2vpn evpn' -c "$1"
}}
# bgpd hears of an L3VNI a moment after the interfaces are up.
echo "$wanted" | while read -r as vrf vni family target; do
  for second in 1 2 3 4 5 6 7 8 9 10; do
    ! vtysh -c "show bgp l2vpn evpn vni $vni" | grep -q 'Type: L3' || break
    sleep 1
  done
done
for round in 1 2 3; do
  zero=$(unlabelled)
  [ -n "$zero" ] || exit 0
  again() {{
    echo "$wanted" | while read -r as vrf vni family target; do
      ! echo "$zero" | grep -qxF "$target $family" || say "$1{_ORIGINATES} $family"
    done
  }}
  again 'no '; sleep 3; again ''; sleep 1
done
zero=$(unlabelled)
[ -z "$zero" ] || {{
  echo "defaults announced with VNI 0, not their L3VNI; route target:" $zero >&2; exit 1
}}
"""


def announce_sections(changes: tuple[FileChange, ...]) -> list[Section]:
    """What an exit needs when its files are in force; nothing on a node that is none.

    Whether a node is an exit whose frr.conf stays as it is, only the node knows.
    """
    made = [change for change in changes if change.after.text is not None]
    conf = next((change for change in changes if change.file is FRR_CONF), None)
    if not any(change.file in _CONCERNED for change in made):
        return []
    if conf is not None and _ORIGINATES not in (conf.after.text or ""):
        return []
    return [Section("announce", _COMMAND, timeout=90, stop=True)]
