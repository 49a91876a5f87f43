"""The project's documents, read as Markdown: their links, their headings, their blocks of code."""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
DOCUMENTS = sorted(
    path for glob in ("*.md", "docs/*.md", "bench/*.md", "examples/*/*.md") for path in ROOT.glob(glob)
)  # fmt: skip
_RUN = re.compile(r"(?:^|[\s/])run\.py(?=\s)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its `title="…"` if it has one, its text, its first line."""

    language: str
    title: str
    text: str
    line: int


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def _tokens(path: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))


def _inline(path: Path) -> Iterator[Token]:
    for token in _tokens(path):
        yield from token.children or ()


def links(path: Path) -> list[str]:
    """What the document links to and the pictures it shows, as it is written there."""
    found = [token.attrGet("href") or token.attrGet("src") for token in _inline(path)]
    return [str(target) for target in found if target]


def anchors(path: Path) -> set[str]:
    """The anchors of the document's headings, where the forge and the site agree on them."""
    tokens = _tokens(path)
    found = set()
    for opening, content in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(part.content for part in content.children or ())
            words = re.sub(r"[^\w\s-]", "", text.lower()).strip()
            forge, site = words.replace(" ", "-"), re.sub(r"[-\s]+", "-", words)
            found |= {forge} & {site}
    return found


def blocks(path: Path) -> list[Block]:
    """The document's fenced blocks, in their order."""
    found = []
    for token in _tokens(path):
        if token.type == "fence":
            language, _, rest = token.info.partition(" ")
            title = re.search(r'title="([^"]*)"', rest)
            line = (token.map or [0])[0] + 1
            found.append(Block(language, title[1] if title else "", token.content, line))
    return found


def command_lines(path: Path) -> list[list[str]]:
    """The arguments of every `run.py …` in the document's blocks."""
    lines = [line for block in blocks(path) for line in _joined(block.text).splitlines()]
    return [words for line in lines for words in _arguments(line)]


def mentions(path: Path) -> list[list[str]]:
    """The arguments of every `run.py …` within the document's sentences and tables."""
    lines = [token.content for token in _inline(path) if token.type == "code_inline"]
    return [words for line in lines for words in _arguments(line)]


def _joined(text: str) -> str:
    return text.replace("\\\n", " ")


def _arguments(line: str) -> Iterator[list[str]]:
    for start in _RUN.finditer(line):
        lexer = shlex.shlex(line[start.end() :], posix=True, punctuation_chars=True)
        lexer.wordchars += "…,@:[]{}%"
        words: list[str] = []
        for word in lexer:
            if set(word) <= set("|&;<>()"):
                break
            words.append(word)
        # `run.py COMMAND …` and `run.py audit [OPTIONS]` speak of command lines in general.
        if words and not {"COMMAND", "[OPTIONS]", "…"} & set(words):
            yield words
