"""Which days a page is of: what its address names, else the newest on which anything moved."""

from __future__ import annotations

from backend.domain.days import day_of
from backend.domain.periods import Period, date_text, read_period
from backend.store.reading.balance import BalanceReader


def day_named(text: str) -> int | None:
    """Return the number of a date's day; None where that is no day."""
    period = read_period(text)
    return None if period is None or period.is_month else period.first_day


def newest_day(books: BalanceReader, now: int) -> int:
    """Return the newest day on which anything moved; today in Asia/Shanghai while nothing has."""
    days = books.days()
    return day_of(now) if days is None else days.last


def asked_day(text: str, books: BalanceReader, now: int) -> int | None:
    """Return the day that a text names, the newest where it is empty; None where it names none."""
    return day_named(text) if text else newest_day(books, now)


def query_of(period: Period) -> str:
    """Return how an address of the balance names these days."""
    through = f"&through={date_text(period.last_day)}" if period.is_month else ""
    return f"day={date_text(period.first_day)}{through}"
