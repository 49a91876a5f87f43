"""Names chosen by globs: the same as `fnmatchcase` of each, and no more work than needed."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overlay import names as globs
from overlay.names import Names

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = st.text(alphabet="ab1-*?[]!", max_size=6)
PLAIN = st.text(alphabet="ab1-", min_size=1, max_size=4)


@given(st.lists(PLAIN, max_size=12, unique=True), st.lists(WORDS, max_size=4))
def test_they_are_those_that_fnmatch_would_choose(names: Sequence[str], wanted: Sequence[str]):
    chosen = Names(names).chosen(tuple(wanted))
    assert chosen == tuple(n for n in names if any(fnmatchcase(n, glob) for glob in wanted))


@pytest.mark.parametrize("nodes", [100, 1000])
def test_a_glob_is_held_against_its_own_group_only(monkeypatch, nodes):
    asked = []
    monkeypatch.setattr(
        globs, "fnmatchcase", lambda name, glob: asked.append(name) or fnmatchcase(name, glob)
    )
    names = Names(f"g{i // 20:02d}n{i % 20:02d}" for i in range(nodes))
    for group in range(nodes // 20):
        for _ in range(10):  # VNIs
            assert len(names.chosen((f"g{group:02d}*",))) == 20
        assert len(names.chosen(tuple(f"g{group:02d}n{i:02d}" for i in range(20)))) == 20
    assert len(asked) == nodes
