"""What the documents name must exist: links, anchors, pictures, commands, options, pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import typer.main
import yaml
from typer.exceptions import TyperException

from cli.main import app
from cli.reference import reference_text
from tests.docs.documents import (
    DOCS,
    DOCUMENTS,
    ROOT,
    anchors,
    command_lines,
    links,
    mentions,
    name_of,
)
from tests.generated import generated, hold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def every(documents: list[Path]) -> Any:
    return pytest.mark.parametrize("document", documents, ids=name_of)


def test_there_are_documents() -> None:
    assert ROOT / "README.md" in DOCUMENTS
    assert len(DOCUMENTS) >= 20
    assert any(target.endswith(".png") for target in links(ROOT / "README.md"))


@every(DOCUMENTS)
def test_links_lead_somewhere(document: Path) -> None:
    for target in links(document):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = (document.parent / file).resolve() if file else document
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), f"{target}: {sorted(anchors(there))}"


def parse(words: list[str]) -> str:
    """Takes a command line apart as the application would, and names its command. Runs nothing."""
    command: Any = typer.main.get_command(app)
    context, rest = None, [word for word in words if word not in ("--help", "-h", "--version")]
    while True:
        known = getattr(command, "list_commands", None) is not None
        context = command.make_context(command.name, list(rest), parent=context)
        if not known:
            return str(context.command_path)
        rest = [*context._protected_args, *context.args]
        if not rest:
            return str(context.command_path)
        _, command, rest = command.resolve_command(context, rest)


@every([path for path in DOCUMENTS if command_lines(path) or mentions(path)])
def test_command_lines_are_understood(document: Path) -> None:
    for words in command_lines(document):
        assert parse(words), words
    for words in mentions(document):
        try:
            assert parse(words), words
        except TyperException as error:
            # A sentence may name a command without all that it needs, or a group of commands.
            if type(error).__name__ not in {"MissingParameter", "NoArgsIsHelpError"}:
                raise


def test_the_readme_shows_the_main_commands() -> None:
    shown = {parse(words) for words in command_lines(ROOT / "README.md")}
    assert {"evpn-fleet validate", "evpn-fleet plan", "evpn-fleet deploy"} <= shown


@pytest.mark.parametrize("wrong", ["audit --nix", "adit", "render", "lab fly", "audit --keep few"])
def test_a_wrong_command_line_is_noticed(wrong: str) -> None:
    with pytest.raises(TyperException):
        parse(wrong.split())


@generated
def test_the_command_line_page_is_current() -> None:
    hold(DOCS / "command-line.md", reference_text())


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, whose tags name functions of an extra that tests do without."""


_Loader.add_multi_constructor("", lambda *_: None)


def pages(entries: list[dict[str, str]]) -> Iterator[str]:
    for entry in entries:
        yield from entry.values()


def test_the_site_leads_to_every_page() -> None:
    nav = yaml.load((ROOT / "mkdocs.yml").read_text(), _Loader)["nav"]
    assert sorted([*(path.name for path in DOCS.glob("*.md")), "index.md"]) == sorted(pages(nav))


def test_the_symptoms_of_troubleshooting_are_said_somewhere() -> None:
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "run.py", *ROOT.glob("[a-z]*/**/*.py"))
        if "tests" not in path.parts
    )
    quoted = re.findall(
        r"`([^`]+)`",
        "".join(re.findall(r"^### (.*)$", (DOCS / "troubleshooting.md").read_text(), re.MULTILINE)),
    )
    assert len(quoted) > 10
    assert [symptom for symptom in quoted if symptom not in sources] == []
