"""Which kernel nodes run on: the first candidate that boots on this computer, remembered for it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.kernels import sources
from lab.kernels.kernel import Kernel, prove

if TYPE_CHECKING:
    from collections.abc import Mapping

FORCED_BY = "EVPN_FLEET_LAB_KERNEL"
NONE = "none"

# What each is, in the order in which they are tried: the fastest first.
CANDIDATES = {
    "testing-seccomp": "Debian testing's, with seccomp in place of ptrace",
    "testing": "Debian testing's",
    "installed": "this Debian's own",
    "installed-xsave": "this Debian's own, with the remedy for a larger XSAVE area",
}

# What failed is tried again after this time, not at each command.
_ASK_AGAIN = 24 * 3600.0

Progress = Callable[[str], None]
Mirror = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Choice:
    """The kernel that was chosen, and why; ``tried`` has what each one before it said."""

    kernel: Kernel
    why: str
    tried: Mapping[str, str]


def choose(
    folder: Path, mirror: Mirror, progress: Progress, environ: Mapping[str, str] = os.environ
) -> Choice:
    """The first candidate that boots here.  LabError, with what each one said, if none does.

    ``folder`` caches fetched kernels and what was found; ``mirror`` names Debian's archive.  A
    candidate that was proven before, on this processor and this kernel, is not proven again.
    """
    names = _wanted(environ)
    memory = _Memory(folder / "proven.json", forgets=len(names) == 1)
    tried: dict[str, str] = {}
    for name in names:
        source = name.partition("-")[0]
        said = memory.failure(source)
        if said is None:
            try:
                kernel = _candidate(name, folder, mirror)
            except LabError as error:
                said = error.what
                if source == "testing":  # what this computer has itself is seen at once
                    memory.note(source, said)
            else:
                said = _verdict(kernel, memory, progress)
                if said is None:
                    return Choice(kernel, _why(name, names, tried), tried)
        tried[name] = said
    raise _none_boots(tried, forced=len(names) == 1)


def forced_off(environ: Mapping[str, str] = os.environ) -> str | None:
    """Why there is to be no lab at all, if the environment says so."""
    if environ.get(FORCED_BY) == NONE:
        return f"{FORCED_BY}={NONE} disables the lab"
    return None


def _wanted(environ: Mapping[str, str]) -> list[str]:
    forced = environ.get(FORCED_BY, "")
    if not forced:
        return list(CANDIDATES)
    if off := forced_off(environ):
        raise LabError(off, f"unset {FORCED_BY}, or name one of: {', '.join(CANDIDATES)}")
    if forced not in CANDIDATES:
        raise LabError(
            f"{FORCED_BY}={forced} does not name a kernel of the lab",
            f"choose one of: {', '.join([*CANDIDATES, NONE])}; or unset it",
        )
    return [forced]


def _candidate(name: str, folder: Path, mirror: Mirror) -> Kernel:
    if name == "installed":
        return sources.installed(name)
    if name == "installed-xsave":
        return sources.installed_with_xsave(name, folder)
    return sources.testing(name, folder, mirror, seccomp=name == "testing-seccomp")


def _verdict(kernel: Kernel, memory: _Memory, progress: Progress) -> str | None:
    """None if that kernel boots here, else what it said."""
    key = f"{_computer()} {kernel.identity}"
    if memory.is_proven(key):
        return None
    said = memory.failure(key)
    if said is None:
        progress(f"kernel {kernel.name} ({kernel.version}): trying whether it boots here")
        said = prove(kernel)
        memory.note(key, said)
    return said


def _why(name: str, names: list[str], tried: Mapping[str, str]) -> str:
    if len(names) == 1:
        return f"{CANDIDATES[name]}; {FORCED_BY} names it, and it boots here"
    before = "".join(f"; {other}: {said}" for other, said in tried.items())
    return f"{CANDIDATES[name]}; the first that boots here{before}"


def _none_boots(tried: Mapping[str, str], *, forced: bool) -> LabError:
    said = "".join(f"\n  {name} ({CANDIDATES[name]}): {text}" for name, text in tried.items())
    what = f"the kernel that {FORCED_BY} names does not boot" if forced else "no kernel boots"
    return LabError(
        f"{what} on this computer:{said}",
        f"unset {FORCED_BY} to try the others"
        if forced
        else "see the output of each; run it on another computer, or use the recordings (`demo`)",
    )


def _computer() -> str:
    """Twelve digits for this processor and this computer's kernel: what a boot hangs on."""
    wanted = ("vendor_id", "cpu family", "model", "model name", "flags")
    lines: list[str] = []
    for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
        if not line.strip():
            break  # the next processor is the same
        if line.partition(":")[0].strip() in wanted:
            lines.append(line)
    text = "\n".join([*lines, platform.release()])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class _Memory:
    """What was found on this computer, in one JSON file; a damaged one is as good as none.

    What boots is known for good.  A failure is known for a day: a mirror may come back, and a
    computer may have been too busy.  With ``forgets`` no failure is known at all.
    """

    def __init__(self, path: Path, *, forgets: bool) -> None:
        self._path = path
        self._forgets = forgets
        try:
            known = json.loads(path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            known = {}
        self._known: dict[str, Any] = known if isinstance(known, dict) else {}

    def is_proven(self, key: str) -> bool:
        entry = self._known.get(key)
        return isinstance(entry, dict) and entry.get("said", "") is None

    def failure(self, key: str) -> str | None:
        """What was said when that failed, if that is not long ago."""
        entry = self._known.get(key)
        if self._forgets or not isinstance(entry, dict) or entry.get("said") is None:
            return None
        recent = time.time() - float(entry.get("at", 0)) < _ASK_AGAIN
        return str(entry["said"]) if recent else None

    def note(self, key: str, said: str | None) -> None:
        self._known[key] = {"said": said, "at": time.time()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(self._known, indent=1, sort_keys=True))
        new.replace(self._path)
