"""What each of some days says of the city, out of sums that are kept: rows by day and place, never by lift."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from backend.domain.indicators import coverage, sorting_accuracy, timeliness
from backend.domain.indicators.formula import NOTHING, Ratio
from backend.domain.indicators.lift_counts import LiftCounts
from backend.domain.mass_flows import Flow
from backend.domain.periods import date_text
from backend.store.lift_tallies import BINS, NO_SITE, PLACED
from backend.store.tables import HeardTally, LiftTally, MassDay, table_of

_DAYS, _LIFTS, _HEARD = table_of(MassDay), table_of(LiftTally), table_of(HeardTally)
_COUNTED = ("lifts", "clean", "some_mixing", "badly_mixed", "timely")


@dataclass(frozen=True)
class TrendDay:
    """A day of the city: grams lifted by stream, and three indicators as the fractions that they are."""

    day: int
    grams: Mapping[int, int] = field(default_factory=dict)
    accuracy: Ratio = NOTHING
    timeliness: Ratio = NOTHING
    coverage: Ratio = NOTHING


def trend_of(connection: Connection, first: int, last: int) -> list[TrendDay]:
    """Return these days, both ends counted; of a day without facts nothing is said."""
    grams: dict[int, dict[int, int]] = defaultdict(dict)
    for day, stream, mass in connection.execute(
        select(_DAYS.c.day, _DAYS.c.stream, func.sum(_DAYS.c.grams))
        .where(_DAYS.c.day.between(first, last), _DAYS.c.flow == int(Flow.LIFTED))
        .group_by(_DAYS.c.day, _DAYS.c.stream)
    ):
        grams[day][stream] = int(mass)
    dates = {date_text(day): day for day in range(first, last + 1)}
    counts: dict[int, LiftCounts] = {}
    for date, *sums in connection.execute(
        select(_LIFTS.c.period, *(func.sum(_LIFTS.c[name]) for name in _COUNTED))
        .where(_LIFTS.c.period.in_(list(dates)))
        .group_by(_LIFTS.c.period)
    ):
        counts[dates[date]] = LiftCounts(**dict(zip(_COUNTED, map(int, sums), strict=True)))
    heard: dict[int, int] = {}
    for date, bins in connection.execute(
        select(_HEARD.c.period, func.sum(_HEARD.c.heard))
        .where(_HEARD.c.kind == BINS, _HEARD.c.period.in_(list(dates)), _HEARD.c.owner != NO_SITE)
        .group_by(_HEARD.c.period)
    ):
        heard[dates[date]] = int(bins)
    placed = {
        date: int(bins)
        for date, bins in connection.execute(
            select(_HEARD.c.period, func.sum(_HEARD.c.heard))
            .where(_HEARD.c.kind == PLACED)
            .group_by(_HEARD.c.period)
        )
    }
    days = []
    for date, day in dates.items():
        known = counts.get(day)
        registered = sum(bins for since, bins in placed.items() if since <= date)
        is_heard = known is not None and registered
        days.append(
            TrendDay(
                day,
                grams.get(day, {}),
                NOTHING if known is None else sorting_accuracy.measure(known),
                NOTHING if known is None else timeliness.measure(known),
                coverage.measure(heard=heard.get(day, 0), registered=registered) if is_heard else NOTHING,
            )
        )
    return days
