"""A joined script run by a real shell, as the tests of scripts need it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tasks.ssh.script import Script, Section, build_script, sections_of, split_output

if TYPE_CHECKING:
    from overlay.records import RawOutput


def shell(script: Script) -> tuple[bytes, bytes]:
    """What a real shell prints for the script, fed as the SSH connection feeds it."""
    done = subprocess.run(
        ["/bin/sh", "-s"], input=script.text.encode(), capture_output=True, check=True, timeout=60
    )
    return done.stdout, done.stderr


def outputs(*sections: Section, cap: int = 1 << 20) -> dict[str, RawOutput]:
    """What each of them printed; the sections are read back from their script, too."""
    script = build_script(sections, cap=cap)
    assert sections_of(script.text) == (script.nonce, sections)
    return split_output(script, *shell(script))
