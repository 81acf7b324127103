"""Days as Guangzhou has them: from midnight to midnight in Asia/Shanghai, numbered from 1970-01-01.

China keeps one time, without summer time, since 1991, so the zone is a fixed eight hours.
"""

from __future__ import annotations

from typing import Final

DAY_SECONDS: Final = 86_400
SHANGHAI_SECONDS: Final = 8 * 3600
"""How far its clocks are ahead of UTC."""


def day_of(instant: int) -> int:
    """Return the number of the day that holds an instant (Unix seconds)."""
    return (instant + SHANGHAI_SECONDS) // DAY_SECONDS


def begin_of(day: int) -> int:
    """Return the instant (Unix seconds) at which a day begins."""
    return day * DAY_SECONDS - SHANGHAI_SECONDS


def end_of(day: int) -> int:
    """Return the instant (Unix seconds) at which a day is over: the next one begins with it."""
    return begin_of(day + 1)
