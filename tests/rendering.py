"""The managed files of a fabric, rendered without an inventory, for tests that compare with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.expected import RenderedNode
from overlay.outputs import FRR_FILE
from overlay.redaction import HIDDEN
from parsers import parse_frr_config
from tasks.files import files_of
from tasks.render import environment, managed_line

if TYPE_CHECKING:
    from overlay.expected import FabricIntent
    from tasks.secrets.passwords import Passwords


def render(intent: FabricIntent, passwords: Passwords = HIDDEN) -> dict[str, dict[str, str]]:
    """Each node's managed files by path, as `tasks.render` makes them."""
    return {
        name: {
            file.path: environment()
            .get_template(file.template)
            .render(node=node, managed=managed_line(node), passwords=passwords)
            for file in files_of(node)
        }
        for name, node in intent.nodes.items()
    }


def rendered_nodes(intent: FabricIntent) -> dict[str, RenderedNode]:
    """The same as an audit compares with them."""
    return {
        name: RenderedNode(files, parse_frr_config(files[FRR_FILE]))
        for name, files in render(intent).items()
    }
