"""One level of the city's map: the whole city by district, a district by street, or a street by point."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np

from backend.console.district_names import district_name
from backend.console.language import Words
from backend.console.map_sites import Flow, SitePlace, Sites
from backend.domain.days import begin_of
from backend.domain.extent import Extent, Position, extent_of, joined
from backend.domain.indicators.coverage import RANKED_FROM_PPM
from backend.domain.indicators.formula import MILLION
from backend.domain.periods import Period, date_text, read_period
from backend.store.quarter_tallies import QUARTER_SECONDS, QUARTERS
from backend.store.reading import Reader
from backend.store.reading.indicators import NO_DISTRICT
from backend.store.reading.map_places import MapReader, PointPlace, StreetDay, StreetPlace
from backend.store.reading.street_lifts import StreetLift, street_day
from backend.usecases.views import Name

_MARGIN: Final = {"district": 0.0022, "street": 0.0007}
NOWHERE: Final = np.zeros((2, QUARTERS), dtype=np.int64)


@dataclass(frozen=True)
class MapPlace:
    """A district, a street or a point. `at` is None where nothing says where it is; `quarters` is (2, 96)."""

    kind: str
    key: str
    name: str
    href: str
    at: Position | None
    outline: Sequence[Position]
    day: StreetDay
    points: int
    quarters: Any
    links: Mapping[str, str]
    bins: Sequence[tuple[str, int, bool]] = ()
    """Of a point: (number, stream, whether it was lifted that day)."""

    @property
    def red(self) -> int:
        """How much of it accuses somebody: findings of that day, and complaints overdue."""
        return self.day.findings + self.day.overdue

    @property
    def tone(self) -> str:
        """Its colour: red, good, behind (less heard of than is ranked), silent, plain where nothing stands."""
        if self.red:
            return "red"
        if not self.day.bins:
            return "plain"
        if not self.day.heard:
            return "silent"
        return "good" if self.day.heard * MILLION >= self.day.bins * RANKED_FROM_PPM else "behind"


@dataclass(frozen=True)
class Level:
    """What one page of the map shows."""

    kind: str
    key: str
    name: str
    period: Period
    places: Sequence[MapPlace]
    crumbs: Sequence[tuple[str, str]]
    sites: Sequence[SitePlace] = ()
    flows: Sequence[Flow] = ()
    hull: Sequence[Position] = ()
    """Around the points of a street; it leads nowhere."""
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def day(self) -> StreetDay:
        """All of it together."""
        whole = StreetDay()
        for place in self.places:
            whole = whole.plus(place.day)
        return whole

    @property
    def quarters(self) -> Any:
        """Lifts and grams of the day, of shape (2, 96)."""
        return sum((place.quarters for place in self.places), NOWHERE)

    @property
    def receipts(self) -> Any:
        """Lots taken over in each quarter."""
        return sum((site.quarters for site in self.sites), np.zeros(QUARTERS, dtype=np.int64))

    @property
    def reach(self) -> Extent | None:
        """How far the picture has to reach."""
        corners = [corner for place in self.places for corner in place.outline]
        corners += [place.at for place in self.places if place.at]
        if self.kind == "city":
            # Parks that nothing went to would make a city small.
            corners += [site.at for site in self.sites if site.grams or not site.is_rough]
        return extent_of(corners)

    def address(self, path: str = "/city/map", **more: str) -> str:
        """Return the address of this level on a path."""
        return f"{path}?{urlencode({**self.query, 'day': self.period.text, **more})}"

    @property
    def facts(self) -> str:
        """Where the day's lifts of this level are listed."""
        return _indicator("timeliness", self.kind, self.key, self.period.text)


class Levels:
    """Builds a day's levels within one transaction. `now` is in Unix seconds."""

    def __init__(self, reader: Reader, words: Words, day: int, *, now: int) -> None:
        period = read_period(date_text(day))
        assert period is not None
        self.reader, self.words, self.period, self.day, self._now = reader, words, period, day, now
        self.map = MapReader(reader.connection)
        self._names = {site.site: site.name for site in reader.sites()}

    def city(self, sites: Sites) -> Level:
        """Return the city by district."""
        days, quarters = self.map.days_of_streets(self.day, now=self._now), self.map.quarters(self.day)
        districts: dict[str, list[StreetPlace]] = {}
        for street in self._all(days):
            districts.setdefault(street.district or NO_DISTRICT, []).append(street)
        places, origins = [], dict[str, tuple[str, Position]]()
        for key, streets in sorted(districts.items()):
            day = StreetDay()
            for street in streets:
                day = day.plus(days.get(street.site, StreetDay()))
            extent = joined(street.extent for street in streets if street.extent)
            if extent is not None:
                origins.update((street.site, (key, extent.centre)) for street in streets)
            counts = sum((quarters[s.site] for s in streets if s.site in quarters), NOWHERE)
            points = sum(street.points for street in streets)
            places.append(self._place("district", key, self._district(key), extent, day, points, counts))
        name = self.words("map.city")
        return Level("city", "", name, self.period, places, (), sites.shown, sites.flows(origins))

    def district(self, key: str, sites: Sites) -> Level | None:
        """Return a district by street; None where no street is of it."""
        days = self.map.days_of_streets(self.day, now=self._now)
        streets = [street for street in self._all(days) if (street.district or NO_DISTRICT) == key]
        if not streets:
            return None
        quarters = self.map.quarters(self.day, [street.site for street in streets])
        places = [
            self._place(
                "street",
                street.site,
                self._street(street.site),
                street.extent,
                days.get(street.site, StreetDay()),
                street.points,
                quarters.get(street.site, NOWHERE),
            )
            for street in streets
        ]
        origins = {street.site: (street.site, street.extent.centre) for street in streets if street.extent}
        return Level(
            "district",
            key,
            self._district(key),
            self.period,
            places,
            self._crumbs(),
            sites.shown,
            sites.flows(origins),
            query={"district": key},
        )

    def street(self, site: str) -> Level | None:
        """Return a street by collection point; None where no point is of it."""
        points = self.map.points(site)
        if not points:
            return None
        district = self.map.district_of(site) or NO_DISTRICT
        found = street_day(self.reader.connection, site, self.period)
        placed = self.map.placed_bins(site, self.day)
        red = self.map.found_bins(site, self.day), self.map.overdue_bins(site, now=self._now)
        by_bin: dict[str, list[StreetLift]] = {}
        for lift in found.lifts:
            by_bin.setdefault(lift.bin, []).append(lift)
        places = [self._point(number, point, by_bin, placed, *red) for number, point in enumerate(points, 1)]
        crumbs = [*self._crumbs(), (self._district(district), self._address(district=district))]
        extent = extent_of(place.at for place in places if place.at)
        hull = () if extent is None else extent.outline(margin=_MARGIN["street"])
        name = self._street(site)
        return Level("street", site, name, self.period, places, crumbs, hull=hull, query={"street": site})

    def _all(self, days: Mapping[str, StreetDay]) -> list[StreetPlace]:
        """Return all streets; those that only the chain knows of are nowhere, and still there."""
        known = self.map.streets()
        listed = {street.site for street in known}
        return [*known, *(StreetPlace(site, "", 0, None) for site in sorted(days) if site not in listed)]

    def _place(
        self, kind: str, key: str, name: str, extent: Extent | None, day: StreetDay, points: int, quarters: Any
    ) -> MapPlace:
        date = self.period.text
        links = {
            "lifts": _indicator("timeliness", kind, key, date),
            "grams": _indicator("timeliness", kind, key, date),
            "heard": _indicator("coverage", kind, key, date),
            "findings": f"/radar?site={key}" if kind == "street" else self._address(district=key) + "#places",
            "overdue": "/complaints",
        }
        return MapPlace(
            kind,
            key,
            name,
            self._address(**{kind: key}),
            None if extent is None else extent.centre,
            () if extent is None else extent.outline(margin=_MARGIN[kind]),
            day,
            points,
            quarters,
            links,
        )

    def _point(
        self,
        number: int,
        point: PointPlace,
        by_bin: Mapping[str, Sequence[StreetLift]],
        placed: Collection[str],
        found: Mapping[str, int],
        overdue: Mapping[str, int],
    ) -> MapPlace:
        lifts = [lift for one in point.bins for lift in by_bin.get(one, ())]
        known = [one for one in point.bins if one in placed]
        day = StreetDay(
            bins=len(known),
            heard=sum(one in by_bin for one in known),
            lifts=len(lifts),
            grams=sum(lift.grams for lift in lifts),
            findings=sum(found.get(one, 0) for one in point.bins),
            overdue=sum(overdue.get(one, 0) for one in point.bins),
        )
        quarters = np.zeros((2, QUARTERS), dtype=np.int64)
        for lift in lifts:
            at = quarter_of(lift.occurred_at or lift.recorded_at, self.day)
            quarters[:, at] += (1, lift.grams)
        bins = [(one, stream, one in by_bin) for one, stream in point.bins.items()]
        href = f"/bins/{bins[0][0]}" if len(bins) == 1 else f"#point-{number}"
        links = {"findings": f"/radar?bin={bins[0][0]}" if bins else "/radar", "overdue": "/complaints"}
        name = self.words.name(point.name)
        return MapPlace("point", str(number), name, href, point.at, (), day, 1, quarters, links, bins)

    def _crumbs(self) -> list[tuple[str, str]]:
        return [(self.words("map.city"), self._address())]

    def _address(self, **query: str) -> str:
        return f"/city/map?{urlencode({**query, 'day': self.period.text})}"

    def _district(self, key: str) -> str:
        return self.words("map.no_district") if key == NO_DISTRICT else self.words.name(district_name(key))

    def _street(self, site: str) -> str:
        return self.words.name(self._names.get(site, Name(f"场所 {site}", f"site {site}")))


def quarter_of(at: int, day: int) -> int:
    """Return which quarter of a day an instant is in; what a clock puts outside is in its first or last."""
    return min(max((at - begin_of(day)) // QUARTER_SECONDS, 0), QUARTERS - 1)


def _indicator(formula: str, kind: str, key: str, date: str) -> str:
    of = {} if kind == "city" else {"of": key}
    return f"/indicators/{formula}?{urlencode({'by': kind, **of, 'period': date})}"
