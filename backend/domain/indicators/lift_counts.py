"""What is counted of lifts: the numbers that several indicators are made of."""

from __future__ import annotations

from typing import NamedTuple

TIMELY_SECONDS = 12 * 3600
"""A shift may be without signal; half a day after it, a lift should be on the ledger."""


class LiftCounts(NamedTuple):
    """Applied lifts, and refusals to collect, of some bins in a period.

    `clean`, `some_mixing` and `badly_mixed` are as the crew graded them; `wrong` were of another stream than their
    lot or than their bin is registered for; `declined` are refusals because of what was in the bin; `timely` were
    on the ledger within 12 hours of the device's clock.
    """

    lifts: int = 0
    grams: int = 0
    clean: int = 0
    some_mixing: int = 0
    badly_mixed: int = 0
    wrong: int = 0
    declined: int = 0
    timely: int = 0
    delay_seconds: int = 0

    def plus(self, other: LiftCounts) -> LiftCounts:
        """Return both together."""
        return LiftCounts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def graded(self) -> int:
        """Lifts that the crew graded."""
        return self.clean + self.some_mixing + self.badly_mixed


def is_timely(*, occurred_at: int, recorded_at: int) -> bool:
    """Say whether a lift was on the ledger in time; a clock ahead of its block says nothing of it."""
    return 0 <= recorded_at - occurred_at <= TIMELY_SECONDS
