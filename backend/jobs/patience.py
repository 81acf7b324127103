"""Work that nobody waits for lets go first what somebody waits for, though not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SECONDS_MAX: Final = 30.0
"""So late a figure may be while segments come in without a pause."""


def patiently(
    work: Callable[[], object],
    is_busy: Callable[[], bool],
    *,
    seconds_max: float = SECONDS_MAX,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[], None]:
    """Return work that skips its turn while uploads are being kept, unless its last one is too long ago."""
    last_at = clock()

    def run() -> None:
        nonlocal last_at
        if is_busy() and clock() - last_at < seconds_max:
            return
        work()
        last_at = clock()

    return run
