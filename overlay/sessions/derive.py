"""From the session options that people write to those of each node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.sessions.intended import (
    OutsideOptions,
    PrefixLimit,
    RestartIntent,
    SecretSource,
    SessionsIntent,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from overlay.intent import Fabric, Node
    from overlay.sessions.keys import Limit, Restart, Secret


def descriptions_of(fabric: Fabric, named: Collection[str]) -> dict[str, str]:
    """How nodes are described by their neighbours, by address: those of `named` that are."""
    by_name = fabric.bgp is not None and fabric.bgp.session.descriptions
    found = {}
    for name, node in fabric.nodes.items():
        text = node.session.description or (name if by_name else None)
        if text and (address := str(node.address)) in named:
            found[address] = text
    return found


def sessions_of(fabric: Fabric, node: Node, descriptions: Mapping[str, str]) -> SessionsIntent:
    """What the node's sessions have in common; its own word wins over the fabric's."""
    common = fabric.bgp.session if fabric.bgp else None
    source = node.session.update_source
    restart = node.session.graceful_restart
    if common is not None:
        source = common.update_source if source is None else source
        restart = common.graceful_restart if restart is None else restart
    return SessionsIntent(
        password=_found_at(common.password if common else None),
        source=(str(node.address) if source is True else source) or None,
        restart=_restart(restart or None),
        descriptions=descriptions,
    )


def outside_options(router: Node) -> OutsideOptions:
    """What the sessions with a router outside have, at both ends."""
    return OutsideOptions(_found_at(router.session.password), _limit(router.session.maximum_prefix))


def _found_at(secret: Secret | None) -> SecretSource | None:
    return SecretSource(secret.env, secret.command) if secret else None


def _restart(restart: Restart | None) -> RestartIntent | None:
    return RestartIntent(restart.restart_time, restart.stale_time) if restart else None


def _limit(limit: Limit | None) -> PrefixLimit | None:
    return PrefixLimit(limit.prefixes, limit.warn_only, limit.restart) if limit else None
