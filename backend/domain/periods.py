"""Days and months of Asia/Shanghai as text, and which days they are."""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass

from backend.domain.days import day_of

_DAY, _MONTH = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_EPOCH = datetime.date(1970, 1, 1)


@dataclass(frozen=True)
class Period:
    """A day (2026-03-01) or a month (2026-03); days are numbers since 1970, both ends counted."""

    text: str
    first_day: int
    last_day: int

    @property
    def is_month(self) -> bool:
        """It is a month, not a day."""
        return len(self.text) == 7

    @property
    def days(self) -> range:
        """The days in it."""
        return range(self.first_day, self.last_day + 1)

    @property
    def month(self) -> str:
        """The month that it is, or is in."""
        return self.text[:7]


def date_text(day: int) -> str:
    """Return a day as its date."""
    return (_EPOCH + datetime.timedelta(days=day)).isoformat()


def month_of(at: int) -> str:
    """Return the month that holds an instant."""
    return date_text(day_of(at))[:7]


def read_period(text: str) -> Period | None:
    """Return the day or month that a text names; None where no calendar has it, or it is before 1970."""
    if not "1970" <= text[:4] < "9999":
        return None
    try:
        if _DAY.fullmatch(text):
            day = (datetime.date.fromisoformat(text) - _EPOCH).days
            return Period(text, day, day)
        found = _MONTH.fullmatch(text)
        if found is None:
            return None
        year, month = int(found[1]), int(found[2])
        first = (datetime.date(year, month, 1) - _EPOCH).days
        return Period(text, first, first + calendar.monthrange(year, month)[1] - 1)
    except ValueError:
        return None


def shifted(period: Period, steps: int) -> str:
    """Return the day or month so many after this one, as text."""
    if not period.is_month:
        return date_text(period.first_day + steps)
    number = int(period.text[:4]) * 12 + int(period.text[5:]) - 1 + steps
    return f"{number // 12:04}-{number % 12 + 1:02}"
