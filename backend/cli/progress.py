"""How far a long walk over a chain has come: a bar for people, now and then a line for a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_SECONDS = 5.0

Show = Callable[[int, int], None]
"""(block, newest block)"""


@contextmanager
def blocks_progress(label: str = "blocks") -> Iterator[Show]:
    """Yield what is to be told of each step. It is shown on standard error, so that a report can be piped on."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console, label)
        return
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(label, total=None)
        yield lambda block, head: progress.update(task, completed=block, total=head)


class _Lines:
    def __init__(self, console: Console, label: str) -> None:
        self._console, self._label, self._told_at = console, label, time.monotonic()

    def __call__(self, block: int, head: int) -> None:
        if time.monotonic() - self._told_at >= _LINE_SECONDS:
            self._told_at = time.monotonic()
            self._console.print(f"{self._label} {block}/{head}", highlight=False)
