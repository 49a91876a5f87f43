"""What nodes of Debian testing run where it cannot be had or does not boot: a stable release.

Testing changes from day to day, and nothing that it breaks may stop a lab of stable releases.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab import node as nodes
from lab.image import Progress, ensure_images, testing_wish
from lab.spec import STAND_IN, TESTING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.errors import LabError
    from lab.paths import LabPaths
    from lab.spec import Node


def to_be_had(paths: LabPaths, wanted: Iterable[Node], progress: Progress) -> list[Node]:
    """Those nodes, of releases whose images are there now."""
    wanted = list(wanted)
    why = ensure_images(paths, (node.release for node in wanted), progress)
    if why is None:
        return wanted
    names = ", ".join(node.name for node in wanted if node.release == TESTING)
    progress(f"Debian testing ({TESTING}) cannot be used; {names} will run {STAND_IN}: {why}")
    return [replace(n, release=STAND_IN) if n.release == TESTING else n for n in wanted]


def as_started(paths: LabPaths, node: Node) -> Node:
    """The node with the release that it has a disk of, which may be a stand-in."""
    if node.release == TESTING and nodes.read_record(paths, node.name).get("release") == STAND_IN:
        return replace(node, release=STAND_IN)
    return node


def without_testing(
    paths: LabPaths, failed: Mapping[Node, LabError], progress: Progress
) -> list[Node]:
    """Stand-ins for nodes of Debian testing that did not come up, their disks deleted.

    Raises the LabError of any other node, and of these where testing is required.
    """
    for node, error in failed.items():
        if node.release != TESTING or testing_wish() == "require":
            raise error
    for node, error in failed.items():
        progress(
            f"Debian testing ({TESTING}) cannot be used; {node.name} will run {STAND_IN}: {error}"
        )
        nodes.forget_node(paths, node.name)
    if failed:
        ensure_images(paths, [STAND_IN], progress)
    return [replace(node, release=STAND_IN) for node in failed]
