"""Files that people name or copy: read where they are regular ones, and of a file's size."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# A configuration file is some kilobytes; the frr.conf of a reflector with 4,000 clients has some
# ten thousand lines. FRR and ifupdown2 give up long before a line of this length.
LARGEST = 4_000_000
_MOST_LINES = 200_000
_LONGEST_LINE = 100_000

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def read_plain(path: Path, most: int = -1) -> bytes:
    """The bytes of a regular file, `most` of them at the most. Raises OSError as `check_plain`."""
    check_plain(path)
    with path.open("rb") as file:
        return file.read(most)


def check_plain(path: Path) -> None:
    """Raises OSError, whose `strerror` says what it is, for what is no regular file.

    It does not open it: who opens a FIFO waits for whoever writes into it.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        kind = next((words for test, words in _KINDS if test(mode)), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))


def is_there(path: Path) -> bool:
    """Whether anything has that name: a link that leads nowhere, too.

    Raises OSError where that cannot be told, as in a folder that may not be read.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def decoded(data: bytes) -> str:
    """The text of a file; bytes that are not UTF-8 stay visible."""
    return data.decode("utf-8", errors="backslashreplace")


def too_large(data: bytes) -> tuple[int, str] | None:
    """The line (from 1) that makes a file one of more than LARGEST bytes, and what is wrong there.

    Of such a file the first LARGEST + 1 bytes are enough.
    """
    if len(data) <= LARGEST:
        return None
    text = decoded(data)
    return strange(text) or (text.count("\n") + 1, f"it has more than {LARGEST} bytes")


def strange(text: str) -> tuple[int, str] | None:
    """The line that gives a text away as no configuration, and what is wrong with it."""
    if (at := text.find("\0")) >= 0:
        column = at - text.rfind("\n", 0, at)
        return text.count("\n", 0, at) + 1, f"it holds a NUL byte, in column {column}"
    lines = text.split("\n")
    if len(lines) > _MOST_LINES:
        return _MOST_LINES + 1, f"it has more than {_MOST_LINES} lines"
    if len(text) > _LONGEST_LINE:
        for number, line in enumerate(lines, start=1):
            if len(line) > _LONGEST_LINE:
                return number, f"a line of more than {_LONGEST_LINE} characters"
    return None
