"""Progress over many hosts: a bar on a terminal, plain lines otherwise, nothing when quiet."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.context import Context


@contextlib.contextmanager
def host_progress(context: Context, what: str, total: int) -> Iterator[Callable[[str, str], None]]:
    """Yields `tick(host, state)`, to be called once per host that is done, from any thread."""
    if context.quiet:
        yield lambda _host, _state: None
        return
    if not context.err.is_terminal:
        yield _plain(context, what, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=context.err, transient=True) as bar:
        task = bar.add_task(what, total=total)

        def tick(host: str, state: str) -> None:
            bar.update(task, advance=1, description=f"{what} {escape(host)}: {escape(state)}")

        yield tick


def _plain(context: Context, what: str, total: int) -> Callable[[str, str], None]:
    lock = threading.Lock()
    # A log with a line for each of thousands of hosts helps nobody; its tenths do.
    step = max(1, total // 10) if total > 20 else 1
    count = 0

    def tick(host: str, state: str) -> None:
        nonlocal count
        with lock:
            count += 1
            if count % step == 0 or count == total:
                context.say(f"{what} {count}/{total} {host}: {state}")

    return tick
