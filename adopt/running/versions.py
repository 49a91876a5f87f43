"""Which FRR hosts run, where not every one can do what they are to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.values import version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adopt.hostfiles import Host


def oldest_frr(
    hosts: Iterable[Host], needed: str, what: str, say: Callable[[Host, str], None]
) -> str:
    """The oldest FRR of hosts, as `10.7`; one that names none has `needed`, which `what` takes.

    Of one that is too old `say` is told: no intent could be written with it, and what is there is
    there all the same.
    """
    versions = []
    for host in hosts:
        named = host.frr_version
        if named and version_of(named) < version_of(needed):
            say(
                host,
                f"its FRR is {named}, and {what} takes {needed}, which the intent says: until it "
                "is upgraded there may be no tunnels to it",
            )
            named = None
        versions.append(named or needed)
    oldest = version_of(min(versions, key=version_of, default=needed))
    return ".".join(map(str, oldest[:2]))  # its patches come and go
