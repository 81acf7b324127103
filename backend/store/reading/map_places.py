"""Where points and streets are, and what a day says of each: no question grows with the lifts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, func, select

from backend.domain.days import begin_of, end_of
from backend.domain.extent import Extent, Position
from backend.domain.mass_flows import Flow
from backend.domain.periods import date_text
from backend.domain.types import bin_text
from backend.store.lift_tallies import BINS, NO_SITE, PLACED
from backend.store.quarter_tallies import QUARTER_SECONDS, QUARTERS, unpacked
from backend.store.tables import (
    BinLabel,
    CollectionPoint,
    Complaint,
    HeardTally,
    LiftTally,
    MassMove,
    PlacedBin,
    QuarterTally,
    RadarFinding,
    table_of,
)
from backend.usecases.views import Name

_POINTS, _BINS, _PLACED = table_of(CollectionPoint), table_of(BinLabel), table_of(PlacedBin)
_LIFTS, _HEARD, _QUARTERS = table_of(LiftTally), table_of(HeardTally), table_of(QuarterTally)
_FINDINGS, _COMPLAINTS, _MOVES = table_of(RadarFinding), table_of(Complaint), table_of(MassMove)
_FINDINGS_MAX = 1_000
_RECEIPTS = (int(Flow.TAKEN), int(Flow.UNATTESTED))


class StreetPlace(NamedTuple):
    """A street by its collection points; `extent` is None where no point says where it is."""

    site: str
    district: str
    points: int
    extent: Extent | None


@dataclass
class StreetDay:
    """What a day says of a street: the radar's findings of that day, and the complaints that are overdue now."""

    bins: int = 0
    heard: int = 0
    lifts: int = 0
    grams: int = 0
    findings: int = 0
    overdue: int = 0

    def plus(self, other: StreetDay) -> StreetDay:
        """Return both together."""
        mine, theirs = vars(self).values(), vars(other).values()
        return StreetDay(*(one + more for one, more in zip(mine, theirs, strict=True)))


@dataclass(frozen=True)
class PointPlace:
    """A collection point and the numbers of the bins that stand there, by stream."""

    code: str
    name: Name
    at: Position | None
    bins: dict[str, int] = field(default_factory=dict)


class MapReader:
    """Reads within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def streets(self) -> list[StreetPlace]:
        """Return all streets with collection points, by id; their points are added up where they lie."""
        lat, lng = _POINTS.c.lat, _POINTS.c.lng
        extremes = [each(of) for of in (lng, lat, lng + lat, lng - lat) for each in (func.min, func.max)]
        rows = self._connection.execute(
            select(_POINTS.c.site, func.min(_POINTS.c.district), func.count(), *extremes)
            .where(_POINTS.c.site.is_not(None))
            .group_by(_POINTS.c.site)
            .order_by(_POINTS.c.site)
        )
        return [
            StreetPlace(site, district or "", points, None if None in reach else Extent(*reach))
            for site, district, points, *reach in rows
        ]

    def district_of(self, site: str) -> str:
        """Return the district that a street's points name; empty where they name none."""
        query = select(func.min(_POINTS.c.district)).where(_POINTS.c.site == site)
        return self._connection.execute(query).scalar_one() or ""

    def points(self, site: str) -> list[PointPlace]:
        """Return a street's collection points with their bins."""
        rows = self._connection.execute(
            select(_POINTS, _BINS.c.number, _BINS.c.stream)
            .outerjoin(_BINS, _BINS.c.point_id == _POINTS.c.id)
            .where(_POINTS.c.site == site)
            .order_by(_POINTS.c.id, _BINS.c.stream, _BINS.c.number)
        )
        found: dict[int, PointPlace] = {}
        for row in rows:
            if row.id not in found:
                at = None if row.lat is None or row.lng is None else Position(row.lng, row.lat)
                found[row.id] = PointPlace(row.code, Name(row.name_zh, row.name_en or row.name_zh), at)
            if row.number is not None:
                found[row.id].bins[row.number] = row.stream
        return list(found.values())

    def days_of_streets(self, day: int, *, now: int) -> dict[str, StreetDay]:
        """Return what a day says of each street that anything is known of."""
        days: dict[str, StreetDay] = defaultdict(StreetDay)
        date = date_text(day)
        for site, bins in self._connection.execute(
            select(_HEARD.c.owner, func.sum(_HEARD.c.heard))
            .where(_HEARD.c.kind == PLACED, _HEARD.c.period <= date)
            .group_by(_HEARD.c.owner)
        ):
            days[site].bins = int(bins)
        for site, bins in self._connection.execute(
            select(_HEARD.c.owner, _HEARD.c.heard).where(_HEARD.c.kind == BINS, _HEARD.c.period == date)
        ):
            days[site].heard = bins
        for site, lifts, grams in self._connection.execute(
            select(_LIFTS.c.site, func.sum(_LIFTS.c.lifts), func.sum(_LIFTS.c.grams))
            .where(_LIFTS.c.period == date)
            .group_by(_LIFTS.c.site)
        ):
            days[site].lifts, days[site].grams = int(lifts), int(grams)
        for site, findings in self._findings(day).items():
            days[site].findings = findings
        for site, overdue in self._connection.execute(
            select(_COMPLAINTS.c.site, func.count()).where(*_overdue(now)).group_by(_COMPLAINTS.c.site)
        ):
            days[site].overdue = overdue
        days.pop(NO_SITE, None)
        return dict(days)

    def _findings(self, day: int) -> Counter[str]:
        rows = self._connection.execute(
            select(_FINDINGS.c.site, func.count())
            .where(_FINDINGS.c.site.is_not(None), *_found_on(day))
            .group_by(_FINDINGS.c.site)
        )
        return Counter({site: count for site, count in rows})

    def found_bins(self, site: str, day: int) -> Counter[str]:
        """Return how many of the radar's findings of a day are about each bin of a street."""
        rows = self._connection.execute(
            select(_FINDINGS.c.subjects).where(_FINDINGS.c.site == site, *_found_on(day)).limit(_FINDINGS_MAX)
        )
        return Counter(number for row in rows if (number := json.loads(row.subjects).get("bin")))

    def overdue_bins(self, site: str, *, now: int) -> Counter[str]:
        """Return how many complaints are overdue about each bin of a street."""
        rows = self._connection.execute(
            select(_COMPLAINTS.c.bin, func.count())
            .where(_COMPLAINTS.c.site == site, *_overdue(now))
            .group_by(_COMPLAINTS.c.bin)
        )
        return Counter({number: count for number, count in rows})

    def placed_bins(self, site: str, day: int) -> set[str]:
        """Return the bins of a street that the chain says stood there on a day."""
        end = end_of(day)
        rows = self._connection.execute(
            select(_PLACED.c.number).where(_PLACED.c.site == site, _PLACED.c.placed_from < end)
        )
        return {bin_text(number) for number in rows.scalars()}

    def quarters(self, day: int, sites: Iterable[str] | None = None) -> dict[str, Any]:
        """Return lifts and grams of a day by street, each of shape (2, 96)."""
        query = select(_QUARTERS.c.site, _QUARTERS.c.packed).where(_QUARTERS.c.day == day)
        if sites is not None:
            query = query.where(_QUARTERS.c.site.in_(sorted(sites)))
        rows = self._connection.execute(query).all()
        values = unpacked(row.packed for row in rows)
        return {row.site: values[at] for at, row in enumerate(rows)}

    def receipts(self, day: int) -> dict[tuple[str, str], Any]:
        """Return how many lots each (organisation, site) took over in each quarter of a day's hours."""
        quarter = (_MOVES.c.occurred_at - begin_of(day)) // QUARTER_SECONDS
        key = (_MOVES.c.organisation, _MOVES.c.site, quarter)
        rows = self._connection.execute(
            select(*key, func.count()).where(_MOVES.c.day == day, _MOVES.c.flow.in_(_RECEIPTS)).group_by(*key)
        )
        found: dict[tuple[str, str], Any] = {}
        for organisation, site, at, lots in rows:
            counts = found.setdefault((organisation, site), np.zeros(QUARTERS, dtype=np.int64))
            # A device's clock may be ahead of its block, which then says the day.
            counts[min(max(int(at), 0), QUARTERS - 1)] += lots
        return found


def _found_on(day: int) -> Sequence[Any]:
    return (
        _FINDINGS.c.at >= begin_of(day),
        _FINDINGS.c.at < end_of(day),
        _FINDINGS.c.follows_from.is_(None),
    )


def _overdue(now: int) -> Sequence[Any]:
    return (_COMPLAINTS.c.closed_at.is_(None), _COMPLAINTS.c.due_at < now)
