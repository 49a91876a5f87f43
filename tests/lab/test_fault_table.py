"""docs/faults.md says what the lab's tests prove."""

from __future__ import annotations

from tests.live.matrix import ROOT, table


def test_the_table_of_faults_is_that_of_the_catalogue() -> None:
    """Write it anew with: python -c "from tests.live.matrix import table; print(table(), end='')"."""
    assert (ROOT / "docs" / "faults.md").read_text() == table()
