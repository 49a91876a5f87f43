"""The answers of `--probe`: one record for each line, and a line that is none is refused."""

from __future__ import annotations

import pytest

from overlay.errors import ParseError
from overlay.host_records import Probe
from parsers import parse


def test_each_answer_is_a_record() -> None:
    text = """\
path 192.168.0.2 1550 ok
vxlan 192.168.0.2 4000 lost 5e:e6:49:f0:e1:45
path fd00::3 1570 short 1500
path 192.168.0.4 1550 lost
vxlan 192.168.0.4 2 untried it needs root
"""
    lines = text.splitlines()
    assert parse("probe", text) == (
        Probe("192.168.0.2", "ok", size=1550, text=lines[0]),
        Probe("192.168.0.2", "lost", vni=4000, mac="5e:e6:49:f0:e1:45", text=lines[1]),
        Probe("fd00::3", "short", size=1570, passed=1500, text=lines[2]),
        Probe("192.168.0.4", "lost", size=1550, text=lines[3]),
        Probe("192.168.0.4", "untried", vni=2, why="it needs root", text=lines[4]),
    )


@pytest.mark.parametrize(
    "line", ["path 192.168.0.2 1550", "Traceback (most recent call last):", "path x y ok"]
)
def test_a_line_that_is_no_answer_is_refused(line: str) -> None:
    with pytest.raises(ParseError, match="1 lines are no answers"):
        parse("probe", f"path 192.168.0.2 1550 ok\n{line}\n")
