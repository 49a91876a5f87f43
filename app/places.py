"""Where the inventory is looked for, and where what is written goes, unless told otherwise.

From a checkout both are in the checkout, wherever it is called from. Installed, both are in the
working folder: nothing is ever read from or written to the folder of Python's packages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
"""The checkout, or the folder that the packages are installed in."""
INSTALLED: Final = not (ROOT / "run.py").is_file()
DEFAULT_INVENTORY: Final = Path("inventory") if INSTALLED else ROOT / "inventory"


def workspace(inventory: Path) -> Path:
    """The folder below which audits and records of deployments of an inventory are kept."""
    return Path.cwd() if INSTALLED else inventory.resolve().parent
