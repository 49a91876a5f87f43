"""One topology leaves its nodes to another: nothing of it stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.live.matrix import ROOT
from tests.live.test_topologies import assert_as_intended

if TYPE_CHECKING:
    from tests.live.conftest import Lab


def leave_to(lab: Lab, example: str = "l3-symmetric") -> None:
    """Deploys another example onto what is there; that alone is on its nodes then."""
    lab.use(ROOT / "examples" / example)
    lab.deploy()
    assert_as_intended(lab)
    lab.audit_clean()
