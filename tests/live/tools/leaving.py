"""One topology leaves its nodes to another: nothing of it stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.live.matrix import ROOT
from tests.live.test_topologies import assert_as_intended

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Lab

EXAMPLES = ROOT / "examples"


def leave_to(lab: Lab, inventory: Path = EXAMPLES / "l3-symmetric") -> None:
    """Deploys another topology onto what is there; that alone is on its nodes then."""
    lab.use(inventory)
    lab.deploy()
    assert_as_intended(lab)
    lab.audit_clean()
