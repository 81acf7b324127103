"""The last thirty days as lines, each point with the way to its day's facts, and the same as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console.days import asked_day
from backend.console.formats import mass
from backend.console.language import Words, language_of
from backend.console.pages import Pages
from backend.console.pictures import slug_of
from backend.console.trend_lines import Chart, Line, Point, chart_of
from backend.domain.indicators.formula import Ratio
from backend.domain.periods import date_text
from backend.domain.types import Stream
from backend.store.reading.balance import BalanceReader
from backend.store.reading.trends import TrendDay, trend_of

DAYS: Final = 30
_TONNE_GRAMS: Final = 1_000_000


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the page."""

    @router.get("/city/trends")
    def trends(request: Request) -> HTMLResponse:
        deps, words = pages.deps, Words(language_of(request))
        with deps.read() as reader:
            books, now = BalanceReader(reader.connection, ()), reader.present(deps.now())
            last = asked_day(request.query_params.get("day", ""), books, now)
            if last is None or last < DAYS:
                return pages.not_found(request, about="day")
            days = trend_of(reader.connection, last - DAYS + 1, last)
        return pages.render(
            request,
            "city_trends.html",
            charts=charts_of(days, words),
            days=[day for day in reversed(days) if day.grams or day.accuracy.denominator],
            streams_seen=sorted({stream for day in days for stream in day.grams}),
            first=date_text(last - DAYS + 1),
            day=date_text(last),
            before=date_text(last - DAYS),
            after=date_text(last + DAYS),
            address_of=address_of,
            date_of=date_text,
            share_of=share_of,
            late_of=late_of,
        )


def address_of(what: str, day: int) -> str:
    """Return where the facts of a day are behind a point of a line."""
    if what == "mass":
        return f"/balance?day={date_text(day)}"
    formula = {"accuracy": "sorting-accuracy", "late": "timeliness", "coverage": "coverage"}[what]
    return f"/indicators/{formula}?by=city&period={date_text(day)}"


def share_of(value: Ratio) -> str:
    """Return a share as people read it, or a dash where there is nothing to say."""
    if value.ppm is None:
        return "\N{EM DASH}"
    return f"{value.numerator / value.denominator:.1%}".replace("%", "\N{NARROW NO-BREAK SPACE}%")


def late_of(day: TrendDay) -> Ratio:
    """Return the lifts that came to the ledger later than in time, of all lifts."""
    counted = day.timeliness
    return Ratio(counted.denominator - counted.numerator, counted.denominator)


def charts_of(days: Sequence[TrendDay], words: Words) -> list[Chart]:
    """Return the four charts."""
    tonnes = [
        Line(
            slug_of(stream),
            words(f"stream.{int(stream)}"),
            [
                Point(
                    day.day,
                    day.grams[stream] / _TONNE_GRAMS,
                    f"{date_text(day.day)}: {words(f'stream.{int(stream)}')} {mass(day.grams[stream])}",
                    address_of("mass", day.day),
                )
                if stream in day.grams
                else None
                for day in days
            ],
        )
        for stream in Stream
        if any(stream in day.grams for day in days)
    ]

    def shares(what: str, of: Callable[[TrendDay], Ratio]) -> list[Line]:
        label = words(f"trends.{what}")
        points = [
            Point(
                day.day,
                100 * of(day).numerator / of(day).denominator,
                f"{date_text(day.day)}: {label} {share_of(of(day))}",
                address_of(what, day.day),
            )
            if of(day).denominator
            else None
            for day in days
        ]
        return [Line(what, label, points)]

    first, count = days[0].day, len(days)
    return [
        chart_of("mass", tonnes, first, count, unit="t", most=None),
        chart_of("accuracy", shares("accuracy", lambda day: day.accuracy), first, count, unit="%", most=100),
        chart_of("late", shares("late", late_of), first, count, unit="%", most=None),
        chart_of("coverage", shares("coverage", lambda day: day.coverage), first, count, unit="%", most=100),
    ]
