"""Working time: which hours of which days count, on the clock of Asia/Shanghai.

A weekday works unless it is a public holiday, a weekend does not unless the State Council moved work onto it; both
lists are data, published each year. For a year that is not listed, weekdays work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from backend.domain.days import SHANGHAI_SECONDS

_SATURDAY: Final = 5


@dataclass(frozen=True)
class WorkCalendar:
    """`hours` are the spans of a working day, in seconds after its midnight, in order and apart."""

    hours: tuple[tuple[int, int], ...]
    holidays: frozenset[date]
    working_weekends: frozenset[date]

    def is_working_day(self, day: date) -> bool:
        """Say whether people work on a day."""
        return day in self.working_weekends or (day.weekday() < _SATURDAY and day not in self.holidays)

    def after(self, start: int, seconds: int) -> int:
        """Return the instant (Unix seconds) at which so much working time, more than none, has passed."""
        day, left = local_day(start), seconds
        while True:
            if self.is_working_day(day):
                for opens, closes in self.hours:
                    begins = max(start, midnight_of(day) + opens)
                    room = midnight_of(day) + closes - begins
                    if room >= left:
                        return begins + left
                    left -= max(room, 0)
            day += timedelta(days=1)


def local_day(instant: int) -> date:
    """Return the day that an instant (Unix seconds) lies in."""
    return (datetime.fromtimestamp(instant, UTC) + timedelta(seconds=SHANGHAI_SECONDS)).date()


def midnight_of(day: date) -> int:
    """Return the instant (Unix seconds) at which a day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - SHANGHAI_SECONDS
