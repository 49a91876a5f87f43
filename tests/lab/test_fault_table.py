"""docs/faults.md says what the lab's tests prove."""

from __future__ import annotations

from tests.generated import generated, hold
from tests.live.matrix import ROOT, table


@generated
def test_the_table_of_faults_is_that_of_the_catalogue() -> None:
    hold(ROOT / "docs" / "faults.md", table())
