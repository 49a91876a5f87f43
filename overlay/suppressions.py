"""`suppressions.yaml`: findings that somebody has accepted, why, and until when."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads it at run time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from overlay.problems import nearest
from overlay.values import Strict

if TYPE_CHECKING:
    from collections.abc import Collection

    from overlay.problems import Problems
    from overlay.yamlfile import YamlFile

SUPPRESSIONS_FILE = "suppressions.yaml"

_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Suppression(Strict):
    """One accepted kind of finding; all three globs must match."""

    check: _Words = Field(description="The checks: an id or a glob, such as `flood-*`.")
    host: _Words = Field(description="The nodes: a name or a glob.")
    object: _Words = Field("*", description="The objects, as named in the report: `vxlan2*`.")
    reason: _Words = Field(description="Why it is accepted.")
    owner: _Words = Field(description="Who is responsible for it.")
    expires: date = Field(description="The last day (UTC) on which it is valid.")

    def matches(self, check: str, host: str, subject: str) -> bool:
        """True if all three globs match; a text that holds glob characters also matches itself."""
        return _like(check, self.check) and _like(host, self.host) and _like(subject, self.object)


class Suppressions(Strict):
    """The accepted findings: the whole content of `suppressions.yaml`; it may be absent."""

    suppressions: tuple[Suppression, ...] = Field((), description="The accepted findings.")


def crosscheck_suppressions(
    found: Suppressions,
    file: YamlFile,
    problems: Problems,
    *,
    checks: Collection[str],
    hosts: Collection[str],
) -> None:
    """Adds a problem for each check or host that no glob can mean."""
    for number, item in enumerate(found.suppressions):
        for key, glob, known, noun in (
            ("check", item.check, checks, "check"),
            ("host", item.host, hosts, "host"),
        ):
            if not any(_like(name, glob) for name in known):
                close = nearest(glob, known)
                hint = f"did you mean `{close}`? " if close else ""
                listed = "`checks` lists them all" if key == "check" else "see hosts.yaml"
                problems.add(
                    file,
                    ("suppressions", number, key),
                    f"there is no {noun} `{glob}`",
                    hint + listed,
                )


def _like(text: str, glob: str) -> bool:
    return text == glob or fnmatchcase(text, glob)
