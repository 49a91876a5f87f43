"""What a host's interfaces hold beside the fabric: found again in what was made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adopt.kept.interfaces import kept_of
from overlay.derive import derive
from overlay.intent import Fabric
from overlay.outputs import INTERFACES_FILE, KEPT_INTERFACES_FILE
from parsers.interfaces import parse_interfaces, passages_beside, statements_beyond, written
from tests.adopt.folders import EXAMPLES
from tests.rendering import render
from tests.tries import tries

if TYPE_CHECKING:
    from overlay.expected import FabricIntent

CONDONED = "bridge-ports-condone-regex ^(tap|veth|fwpr|fwln)[0-9]+"
# Stanzas of devices that are not the fabric's, and more on some that are.
BESIDE = (
    "# storage\nauto eno2\niface eno2 inet static\n\taddress 10.99.0.1\n\tnetmask 255.255.255.0\n",
    f"auto vmbr9\niface vmbr9\n    bridge-ports eno3\n    {CONDONED}\n# the last word\n",
    "allow-hotplug bond0\niface bond0 inet manual\n  bond-slaves eno4 \\\n    eno5\n",
    "iface eno1.30 inet manual\n",
    "source /etc/network/more/*.conf\n",
)
ADDED = (
    "iface vmbr0\n        address 10.1.0.1/24\n",
    "iface eno1\n        post-up ethtool -K eno1 gro off\n        post-up true\n",
    "iface lo\n        address 10.255.0.1/32\n",
)
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=tries(60))


def keeping(text: str) -> FabricIntent:
    keys = yaml.safe_load((EXAMPLES / "l3-symmetric" / "fabric.yaml").read_text())
    if text:
        keys["nodes"]["node1"]["interfaces_extra"] = text
    return derive(Fabric.model_validate(keys))


BARE = render(keeping(""))["node1"]


@CALM
@given(
    beside=st.lists(st.sampled_from(BESIDE), unique=True),
    added=st.lists(st.sampled_from(ADDED), unique=True),
)
def test_what_is_kept_is_found_again(beside: list[str], added: list[str]) -> None:
    text = "\n".join([*beside, *added])
    files = render(keeping(text))["node1"]
    assert (KEPT_INTERFACES_FILE in files) == bool(beside)

    found = kept_of("node1", files, BARE, "^(tap|veth|fwpr|fwln)[0-9]+")

    assert found.why == ""
    assert bool(found.text) == bool(beside or added)
    if found.text:
        assert render(keeping(found.text))["node1"] == files
    # And all of it stops a deployment that would remove it.
    gone = statements_beyond(files[INTERFACES_FILE], [BARE[INTERFACES_FILE]])
    assert {one.device for one in gone} == {said.split()[1] for said in added}


@CALM
@given(parts=st.lists(st.sampled_from([*BESIDE, *ADDED]), unique=True), data=st.data())
def test_nothing_of_a_text_is_lost_between_what_is_ours_and_what_is_not(
    parts: list[str], data: st.DataObject
) -> None:
    text = "\n".join(parts)
    names = sorted({stanza.name for stanza in parse_interfaces(text).stanzas})
    ours = set(data.draw(st.lists(st.sampled_from(names)))) if names else set()
    beside = parse_interfaces(written(passages_beside([text], ours)))
    told = parse_interfaces(text)
    assert [(s.name, s.options) for s in beside.stanzas] == [
        (s.name, s.options) for s in told.stanzas if s.name not in ours
    ]
    assert set(beside.auto) == set(told.auto) - ours
    assert beside.sources == told.sources
    assert beside.strange == ()
