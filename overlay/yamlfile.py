"""YAML that people write: read safely, with the line of every key, and duplicate keys refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from overlay.errors import IntentError
from overlay.plainfile import read_plain
from overlay.problems import KeyPath, Problem

if TYPE_CHECKING:
    from pathlib import Path

# libyaml's loader is some ten times faster; PyYAML is also installed without it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed file: its data, and its node tree, in which positions are looked up on demand."""

    path: Path
    data: Any
    root: yaml.Node | None

    def position(self, key: KeyPath) -> tuple[int | None, int | None]:
        """Line and column (from 1) of the deepest part of `key` that the file has."""
        node = self.root
        mark = node.start_mark if node else None
        for part in key:
            found = _child(node, part)
            if found is None:
                break
            at, node = found
            mark = at.start_mark
        return (mark.line + 1, mark.column + 1) if mark and key else (None, None)


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def read_yaml(path: Path, purpose: str) -> YamlFile:
    """Reads `path`; `purpose` names the file's role in the error.

    Raises IntentError when it is absent, unreadable, no YAML (with line and column), or when a
    mapping has a key twice.
    """
    try:
        text = read_plain(path).decode("utf-8")
    except FileNotFoundError:
        raise IntentError(
            f"{path}: there is no such file; it should hold {purpose}",
            "name the inventory folder with --inventory DIR, or copy one from examples/",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise IntentError(
            f"{path}: cannot be read: {why}", "fix the file, then try again"
        ) from None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        repeated = list(_repeated(root, path))
        data = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(path, error) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise IntentError(f"{path}: not YAML: {error}", "fix the file, then try again") from None
    if repeated:
        raise IntentError(
            f"{path.name} has a key twice", "keep one of each", tuple(map(str, repeated))
        )
    return YamlFile(path, data, root)


def _syntax_error(path: Path, error: yaml.MarkedYAMLError) -> IntentError:
    mark = error.problem_mark or error.context_mark
    reason = " ".join(str(part) for part in (error.context, error.problem) if part)
    problem = Problem(
        path.name,
        "",
        f"YAML syntax: {reason}",
        "look at that line and the one above it: indentation, a missing colon, an open quote",
        mark.line + 1 if mark else None,
        mark.column + 1 if mark else None,
    )
    return IntentError(f"{path.name} is not YAML", "fix that line", (str(problem),))


def _repeated(root: yaml.Node | None, path: Path) -> Any:
    # Iterative, and each node once: aliases make a graph of it, and nesting may be deep.
    waiting: list[yaml.Node] = [root] if root else []
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            first: dict[str, int] = {}
            for key, value in node.value:
                waiting.append(value)
                if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                    continue
                line = key.start_mark.line + 1
                if key.value in first:
                    yield Problem(
                        path.name,
                        key.value,
                        f"this key is already in line {first[key.value]}",
                        "keep one of the two: YAML would silently drop the first",
                        line,
                        key.start_mark.column + 1,
                    )
                first.setdefault(key.value, line)
