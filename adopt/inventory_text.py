"""An inferred intent as the inventory folder that a person would have written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from adopt.hostfiles import INTERFACES
from adopt.survey import Remark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from adopt.difference import Statement
    from adopt.infer import Inferred
    from adopt.kept.interfaces import Kept
    from adopt.lint import Finding

_COMMENTS = {
    "underlay": "The network that carries the tunnels.",
    "overlay": "What all VXLAN devices and their bridges have in common.",
    "bgp": "The EVPN control plane.",
    "vrfs": "Tenants' routing tables.",
    "networks": "The layer-2 segments; without `nodes` every VTEP carries one.",
    "vips": "Addresses that move between nodes (VRRP).",
    "nodes": "The nodes.",
}
_GROUP = "fabric"
# Longer than any line: each entry stands on one.
_WIDTH = 10_000


def inventory_files(
    inferred: Inferred, reach: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, str]:
    """The files of the inventory folder by name. The same intent gives the same bytes.

    `reach` says by node how it is reached where that is known: keys of its entry in `hosts.yaml`.
    """
    hosts = []
    for name, node in inferred.fabric["nodes"].items():
        keys = {"hostname": node["address"]} | dict((reach or {}).get(name, {}))
        hosts.append(f"{_flow(name)}: {_flow(keys | {'groups': [_GROUP]})}")
    return {
        "fabric.yaml": _fabric(inferred),
        "hosts.yaml": "---\n" + "\n".join(hosts) + "\n",
        "groups.yaml": f"---\n{_GROUP}:\n  username: root\n  data:\n"
        "    # Host keys are checked: gather them with ssh-keyscan before the first connection.\n"
        "    known_hosts: ~/.ssh/known_hosts\n",
        "defaults.yaml": "---\ndata: {}\n",
    }


def with_kept(inferred: Inferred, kept: Mapping[str, Kept]) -> Inferred:
    """An intent that names what each node keeps, with a remark where it keeps nothing of a file."""
    nodes, managed = ({**it["nodes"]} for it in (inferred.fabric, inferred.managed))
    remarks = list(inferred.remarks)
    for host, found in kept.items():
        nodes[host] = nodes[host] | found.keys(host)
        if host in managed:
            managed[host] = managed[host] | found.keys(host, inline=True)
        if found.why:
            why = f"{found.why}: nothing of it is kept, and `plan` names what a deployment removes"
            remarks.append(Remark(host, INTERFACES, 0, why))
    return replace(
        inferred,
        fabric=inferred.fabric | {"nodes": nodes},
        managed=inferred.managed | {"nodes": managed},
        remarks=tuple(remarks),
    )


def kept_files(kept: Mapping[str, Kept]) -> dict[str, str]:
    """The files that such an intent names, by name."""
    return {name: text for host, it in kept.items() for name, text in it.files(host).items()}


def _fabric(inferred: Inferred) -> str:
    lines = ["# Inferred by `import` from what is there: read it before you use it."]
    lines += [f"# {remark}" for remark in inferred.remarks]
    for key, value in inferred.fabric.items():
        if isinstance(value, dict | list):
            lines += ["", *([f"# {_COMMENTS[key]}"] if key in _COMMENTS else [])]
            lines += _block(key, value)
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _block(key: str, value: dict[str, Any] | list[Any]) -> Iterator[str]:
    """A mapping or list with one entry a line."""
    if not value:
        yield f"{key}: []"
        return
    yield f"{key}:"
    if isinstance(value, list):
        yield from (f"  - {_flow(entry)}" for entry in value)
    else:
        yield from (f"  {_flow(name)}: {_flow(entry)}" for name, entry in value.items())


def _flow(value: Any) -> str:
    """A value on one line, quoted where YAML would read it as something else."""
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=_WIDTH, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


_NOT_SAID = (
    "No audit looks at them. In a file that a deployment writes they would go, so it stops there, "
    "as `plan` does; other files stay as they are (`scope:`).\n"
)


def report(
    inferred: Inferred,
    faults: Sequence[Finding],
    kept: Mapping[str, Kept],
    lost: Mapping[str, Sequence[Statement]],
    added: Mapping[str, Sequence[Statement]],
    comments: Mapping[str, Sequence[Statement]],
) -> str:
    """`import.md`: what a person must know of an import, in Markdown.

    `faults` are what lint says of the files, `kept` is what is kept of each host. `lost` and
    `added` are statements by host: those that the intent does not say, and those that it says
    beyond the files; `comments` are those that go where the intent writes a file.
    """
    return "\n".join(
        (
            "# What the import did not take over as it stands\n",
            "## What is wrong with the files themselves\n",
            "The intent was inferred from them as they are: correct these first, then import again."
            "\n\n" + _listing(f"{f.place}: {f.what}" for f in faults),
            "## Where hosts differ, or the intent says less than they do\n",
            _listing(map(str, inferred.remarks)),
            "## Lines that were not understood\n",
            _listing(map(str, inferred.unread)),
            _kept(kept),
            "## Statements that the intent does not say\n",
            _NOT_SAID,
            _by_statement(lost, lines=True),
            "## Statements that a deployment adds\n",
            "`plan` shows them in their places.\n",
            _by_statement(added, lines=False),
            "## Comments that a deployment removes\n",
            "Those of interfaces that are kept are kept with them.\n",
            _by_statement(comments, lines=True),
        )
    )


def _kept(kept: Mapping[str, Kept]) -> str:
    """What is kept, by file: the devices of an interfaces file, the statements of a frr.conf."""
    files = {
        name: words
        for host, it in kept.items()
        for name, words in it.contents(host).items()
        if words
    }
    return (
        "## What is kept beside the intent\n\n"
        "The intent names these files and settings. `plan` shows where they go: devices beside the "
        "fabric to a file of their own in /etc/network/interfaces.d, statements of FRR behind the "
        "derived ones.\n\n"
    ) + _listing(f"{name}: {word}" for name, words in files.items() for word in words)


def remarks_report(
    inferred: Inferred, kept: Mapping[str, Kept], lost: Mapping[str, Sequence[Statement]]
) -> str:
    """`import.md` of a cluster's SDN. `lost` are statements of nodes whose files were at hand."""
    parts = [
        "# What the import did not take over\n",
        "The intent does not say these, and no audit looks at them.\n",
        _listing(map(str, inferred.remarks)),
    ]
    if any(it.frr.size for it in kept.values()):
        parts.append(_kept(kept))
    if any(lost.values()):
        parts += [
            "## Statements that the intent does not say\n",
            "Of the nodes' own files, word by word. No audit takes them for intended.\n",
            _by_statement(lost, lines=True),
        ]
    return "\n".join(parts)


def _listing(entries: Iterable[str]) -> str:
    return "".join(f"- `{_plain(entry)}`\n" for entry in entries) or "Nothing.\n"


def _by_statement(statements: Mapping[str, Sequence[Statement]], *, lines: bool) -> str:
    """Each statement once, by file, with the hosts that have it and its line on each."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for host, entries in statements.items():
        for entry in entries:
            where = f"{host}:{entry.line}" if lines and entry.line else host
            found[entry.file][entry.shown].append(where)
    parts = []
    for file, by_text in sorted(found.items()):
        parts.append(f"### `{_plain(file)}`\n\n")
        for text, places in by_text.items():
            everywhere = not lines and len(places) == len(statements) > 1
            said = "every node" if everywhere else ", ".join(places)
            parts.append(f"- `{_plain(text)}` ({said})\n")
        parts.append("\n")
    return "".join(parts).removesuffix("\n") or "None.\n"


def _plain(text: str) -> str:
    """Text of a host inside a code span: it can end neither the span nor the line."""
    return text.replace("`", "'").replace("\n", " ")
