"""Translated addresses at an exit: the kernel's table of ours against the intent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_snat
from drift.evidence import lines
from drift.model import CRITICAL, About, Check
from drift.plane import Plane
from overlay.outputs import NAT
from overlay.snat.intended import CHAIN, HOOK, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drift.model import RawFinding
    from drift.view import HostView
    from overlay.records import NatRule

SNAT = Check(
    "snat",
    CRITICAL,
    "guests' addresses are not translated as intended",
    "An exit has the nftables rules that translate its guests' addresses, in their order, and no "
    "others in that table.",
    "Guests do not reach the outside, which has no route back to them, or show it an address that "
    "is not meant for it.",
    (NAT,),
    applies=with_snat,
    confirm=f"nft list table inet {TABLE}",
    remedy="`nft --file /etc/network/evpn-fleet-snat.nft` loads them again. If they go once more, "
    "something flushes all of nftables: Debian's /etc/nftables.conf begins with `flush ruleset`; "
    'let it end with `include "/etc/network/evpn-fleet-snat.nft"`.',
)


def examine_translation(view: HostView) -> Iterator[RawFinding]:
    """The chain as a whole: what is wrong in a table of so few rules is one fact."""
    intended = view.node.snat
    if intended is None:
        return
    chains = view.state.nat_chains or {}
    chain = chains.get(CHAIN)
    wanted = intended.rules
    if chain is None:
        yield SNAT.found(
            view.host,
            f"table inet {TABLE}",
            "missing",
            _said(wanted),
            None,
            what="rules",
            about=About(),
        )
        return
    if chain.hook != HOOK:
        yield _changed(view, "hook", HOOK, chain.hook or None, ())
    missing = [rule for rule in wanted if rule not in chain.rules]
    strange = [rule for rule in chain.rules if rule not in wanted]
    if missing or strange:
        yield _changed(view, "rules", _said(missing), _said(strange), strange)
    elif chain.rules != wanted:
        yield _changed(view, "order of rules", _said(wanted), _said(chain.rules), chain.rules)


def _changed(
    view: HostView, attribute: str, wanted: object, found: object, shown: Iterable[NatRule]
) -> RawFinding:
    return SNAT.found(
        view.host,
        f"table inet {TABLE}",
        "changed",
        wanted,
        found,
        attribute=attribute,
        evidence=lines(NAT, [rule.text for rule in shown]),
        about=About(),
    )


def _said(rules: Iterable[NatRule]) -> str | None:
    """Rules in their order, which a list in a finding would not keep."""
    return "; ".join(map(_in_words, rules)) or None


def _in_words(rule: NatRule) -> str:
    """A rule in one line, much as nftables writes it."""
    parts = (
        ("to device", rule.devices),
        ("from", rule.sources),
        ("to", rule.targets),
        ("with", rule.more),
    )
    said = [f"{word} {', '.join(of)}" for word, of in parts if of]
    verdict = f"{rule.verdict} to {rule.address}" if rule.address else rule.verdict
    return f"{' '.join(said)}: {verdict}" if said else verdict


PLANE = Plane(examine_translation, (SNAT,))
