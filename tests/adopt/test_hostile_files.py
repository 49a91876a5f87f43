"""Files that nobody would write: whatever they say, lint and import end in a result or an error.

Real files, with words, lines and parts of lines taken away, doubled, moved, or made nonsense.
"""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from adopt.hostfiles import FRR_CONF, INTERFACES, read_hosts
from adopt.infer import infer
from adopt.lint import lint
from overlay.errors import FleetError
from overlay.loading import load_inventory
from tests.adopt.folders import EXAMPLES
from tests.rendering import render
from tests.tries import tries
from tests.work import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

Files = dict[str, dict[str, str]]
CALM = settings(max_examples=tries(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
NONSENSE = (
    "\0", "\r", "\t", "é", "\u202e", "9" * 30, "9" * 5000, "-1", "0", "²", "٣", "%", "${", "[1-5]", "\\",
    "10.0.0.0/33", "::", "fe80::1%eth0", "1e9", "source *", "iface", "auto", "router bgp", "net 49",
    "router", "interface", "address-family", "neighbor", "no", "exit", "a" * 300, "ip ospf area",
    "bgp listen range", "route-target import", "ip prefix-list x permit", "ospf router-id",
)  # fmt: skip


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, int, int]:
    """An example, a seed for what is changed in it, and how often."""
    names = [path.parent.name for path in sorted(EXAMPLES.glob("*/fabric.yaml"))]
    seed = draw(st.integers(0, 2**32))
    return draw(st.sampled_from(names)), seed, draw(st.integers(1, 6))


def rendered(example: str) -> Files:
    files = render(load_inventory(EXAMPLES / example).intent)
    return {name: dict(texts) for name, texts in files.items()}


def mutate(text: str, random: Random) -> str:
    lines = text.split("\n")
    at = random.randrange(len(lines))
    words = lines[at].split(" ")
    place = random.randrange(len(words))
    change = random.randrange(8)
    if change == 0:
        lines[at] = lines[at][: random.randrange(len(lines[at]) + 1)]
    elif change == 1:
        words[place] = random.choice(NONSENSE)
        lines[at] = " ".join(words)
    elif change == 2:
        del words[place]
        lines[at] = " ".join(words)
    elif change == 3:
        lines.insert(at, random.choice(lines))
    elif change == 4:
        lines[at] += " " + random.choice(NONSENSE)
    elif change == 5:
        lines[at] = " " * random.randrange(3) + " ".join(random.choices(NONSENSE, k=3))
    elif change == 6:
        del lines[at]
    else:
        lines = lines[:at]
    return "\n".join(lines)


def judge(files: Mapping[str, Mapping[str, str]]) -> None:
    """Lints and imports; what is refused is refused with an error that names something."""
    hosts = read_hosts(files)
    for finding in lint(hosts, strict=True):
        assert str(finding)
    with suppress(FleetError, ValidationError):
        infer(hosts, "x")


@CALM
@given(changes())
@example(("l2-evpn", 292, 3))
def test_any_file_ends_in_a_result_or_an_error(change: tuple[str, int, int]) -> None:
    example, seed, times = change
    random = Random(seed)
    files = rendered(example)
    for _ in range(times):
        texts = files[random.choice(sorted(files))]
        path = random.choice([INTERFACES, FRR_CONF])
        if path in texts:
            texts[path] = mutate(texts[path], random)
    judge(files)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (FRR_CONF, "router openfabric x\n net 49.0001.00\nexit\n"),
        (FRR_CONF, "router ospf\n ospf router-id\nexit\n"),
        (FRR_CONF, "interface\n ip ospf area 0\nexit\nrouter ospf\nexit\n"),
        (FRR_CONF, "router\nexit\n"),
        (FRR_CONF, "router bgp 1234\n no\n address-family\nexit\n"),
        (FRR_CONF, "vrf vrf1\n vni ²\nexit-vrf\n"),
        (FRR_CONF, f"router bgp {'9' * 5000}\n bgp router-id 1.1.1.1\nexit\n"),
        (INTERFACES, "iface vxlan2\n vxlan-id ²\n mtu 99999999999999999999\n"),
        (INTERFACES, "source interfaces\nsource /etc/network/interfaces\nsource *\nsource\n"),
    ],
)
def test_statements_that_stopped_an_import_once(path: str, line: str) -> None:
    files = rendered("l3-symmetric")
    files["node1"][path] += line
    judge(files)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (INTERFACES, "iface vmbr9 inet static\n address 10.9.{n}.1/24\n"),
        (INTERFACES, "auto vxlan{n}\niface vxlan{n}\n vxlan-id {n}\n mtu 1500\n"),
        (INTERFACES, "source /etc/network/interfaces.d/{n}\n"),
        (FRR_CONF, "router bgp 1234\n neighbor 10.9.{n}.1 remote-as 7\nexit\n"),
        (FRR_CONF, "ip prefix-list p{n} permit 10.0.0.0/8\n"),
    ],
)
def test_the_work_grows_with_the_file_and_no_faster(path: str, line: str) -> None:
    def calls(size: int) -> int:
        files = rendered("l2-evpn")
        files["node1"][path] += "".join(line.replace("{n}", str(n + 10)) for n in range(size))
        with counted() as work:
            judge(files)
        return work.calls

    few, many = calls(250), calls(2000)
    assert many < 12 * few, (few, many)  # were it quadratic: 64 times
