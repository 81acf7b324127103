"""The indicators of a day or a month, out of sums that are kept: the work does not grow with the lifts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import func, select

from backend.domain.complaint_rules import ComplaintKind
from backend.domain.days import begin_of, end_of
from backend.domain.indicators import closure, complaint_handling, coverage, recovery
from backend.domain.indicators.catalogue import OF_LIFTS
from backend.domain.indicators.complaint_handling import Handled
from backend.domain.indicators.formula import NOTHING, Formula, Ratio, Scope
from backend.domain.indicators.lift_counts import LiftCounts
from backend.domain.mass_balance import Row
from backend.domain.periods import Period, date_text
from backend.domain.tolerances import ToleranceRule
from backend.domain.types import Role, organisation_text
from backend.store.lift_tallies import BINS, DEVICES, NO_SITE, PLACED, unpacked
from backend.store.reading import Reader
from backend.store.reading.balance import BalanceReader
from backend.store.tables import (
    CollectionPoint,
    Complaint,
    HeardTally,
    KnownDevice,
    LiftTally,
    TallyPass,
    table_of,
)

_LIFTS, _HEARD, _PASSES = table_of(LiftTally), table_of(HeardTally), table_of(TallyPass)
_POINTS = table_of(CollectionPoint)
_COMPLAINTS, _DEVICES = table_of(Complaint), table_of(KnownDevice)
CITY_KEY = "city"
NO_DISTRICT = "-"
"""Key of the streets of which the directory names no district."""


@dataclass(frozen=True)
class Measured:
    """The values of one street, company, district, or of the city; `coverage` is what share of it is heard of."""

    scope: Scope
    key: str
    values: Mapping[Formula, Ratio]
    coverage: Ratio


class IndicatorReader:
    """Reads one period within one transaction. `now` is in Unix seconds."""

    def __init__(self, reader: Reader, period: Period, *, rules: Sequence[ToleranceRule], now: int) -> None:
        self._reader, self._connection, self.period = reader, reader.connection, period
        self._rules, self._now = rules, now

    def counted_to(self) -> int:
        """Return the newest segment whose lifts are counted; 0 while there is none."""
        return self._connection.execute(select(_PASSES.c.segment_id)).scalar_one_or_none() or 0

    def city(self) -> Measured:
        """Return the values of the whole city."""
        return self._measured(Scope.CITY, CITY_KEY, set(self._streets), None)

    def table(self, scope: Scope) -> list[Measured]:
        """Return the values of all streets, companies or districts."""
        if scope is Scope.CITY:
            return [self.city()]
        if scope is Scope.COMPANY:
            return [self._measured(scope, key, None, key) for key in self._companies]
        if scope is Scope.STREET:
            return [self._measured(scope, site, {site}, None) for site in sorted(self._streets)]
        return [self._measured(scope, key, sites, None) for key, sites in sorted(self.districts.items())]

    def find(self, scope: Scope, key: str) -> Measured | None:
        """Return one of them."""
        return next((one for one in self.table(scope) if one.key == key), None)

    def by_street(self, measured: Measured) -> list[Measured]:
        """Return the streets behind a value: those of the city, of a district, or where a company lifted."""
        if measured.scope is Scope.COMPANY:
            sites = {site for site, organisation, _ in self._counts if organisation == measured.key and site}
            return [self._measured(Scope.STREET, site, {site}, measured.key) for site in sorted(sites)]
        sites = self._sites_of(measured)
        return [self._measured(Scope.STREET, site, {site}, None) for site in sorted(sites)]

    def by_day(self, measured: Measured, formula: Formula) -> list[tuple[str, Ratio]]:
        """Return the days of the period with the value of each, for what is counted of lifts and of bins."""
        dates = [date_text(day) for day in self.period.days]
        sites = None if measured.scope is Scope.COMPANY else self._sites_of(measured)
        if formula in OF_LIFTS:
            where: list[Any] = [_LIFTS.c.period.in_(dates)]
            if measured.scope is Scope.COMPANY:
                where.append(_LIFTS.c.organisation == measured.key)
            elif measured.scope is not Scope.CITY:
                where.append(_LIFTS.c.site.in_(sorted(sites or ())))
            sums = [func.sum(_LIFTS.c[name]) for name in LiftCounts._fields]
            rows = self._connection.execute(select(_LIFTS.c.period, *sums).where(*where).group_by(_LIFTS.c.period))
            measure = OF_LIFTS[formula]
            return [(date, measure(LiftCounts(*map(int, counts)))) for date, *counts in sorted(map(tuple, rows))]
        if formula == coverage.FORMULA and sites is not None:
            heard = self._connection.execute(
                select(_HEARD.c.period, func.sum(_HEARD.c.heard))
                .where(_HEARD.c.period.in_(dates), _HEARD.c.kind == BINS, _HEARD.c.owner.in_(sorted(sites)))
                .group_by(_HEARD.c.period)
            ).all()
            return [
                (date, coverage.measure(heard=int(bins), registered=self._registered(sites, date)))
                for date, bins in sorted(map(tuple, heard))
            ]
        return []

    # --- of one ---------------------------------------------------------------------------------------------

    def _sites_of(self, measured: Measured) -> set[str]:
        if measured.scope is Scope.DISTRICT:
            return self.districts.get(measured.key, set())
        return set(self._streets) if measured.scope is Scope.CITY else {measured.key}

    def _measured(self, scope: Scope, key: str, sites: set[str] | None, organisation: str | None) -> Measured:
        counts = LiftCounts()
        for (_, company, _), some in self._chosen(sites, organisation, everything=scope is Scope.CITY):
            if organisation is None or company == organisation:
                counts = counts.plus(some)
        values = {formula: measure(counts) for formula, measure in OF_LIFTS.items()}
        if sites is not None:
            values[coverage.FORMULA] = self._bins_heard(sites)
        if scope in coverage.DEVICES.scopes:
            values[coverage.DEVICES] = self._devices_heard(None if scope is Scope.CITY else key)
        if scope in recovery.FORMULA.scopes:
            rows = self._rows(None if scope is Scope.CITY else key)
            values[recovery.FORMULA] = recovery.measure(rows, scope=scope)
            values[closure.FORMULA] = closure.measure(rows)
        values[complaint_handling.FORMULA] = self._complaints(sites, organisation, everything=scope is Scope.CITY)
        share = values[coverage.DEVICES] if scope is Scope.COMPANY else values.get(coverage.FORMULA, NOTHING)
        return Measured(scope, key, values, share)

    def _chosen(
        self, sites: set[str] | None, organisation: str | None, *, everything: bool
    ) -> Iterable[tuple[tuple[str, str, int], LiftCounts]]:
        if everything:
            return self._counts.items()
        if sites is None:
            return self._by_company.get(organisation or "", ())
        return [item for site in sites for item in self._by_site.get(site, ())]

    def _bins_heard(self, sites: Iterable[str]) -> Ratio:
        listed = list(sites)
        return coverage.over(
            coverage.measure(heard=self._heard.get(site, 0), registered=self._placed.get(site, 0))
            for site in listed
        )

    def _registered(self, sites: set[str], date: str) -> int:
        return sum(bins for (day, site), bins in self._placed_from.items() if site in sites and day <= date)

    def _devices_heard(self, organisation: str | None) -> Ratio:
        """A crew's device counts while its key does; one that is revoked counts where it was heard of."""
        ratio = Ratio(0, 0)
        for key in self._companies if organisation is None else [organisation]:
            heard = self._devices_of.get(key, set())
            registered = self._crews.get(key, set()) | heard
            ratio += coverage.measure(heard=len(heard), registered=len(registered))
        return ratio

    def _rows(self, organisation: str | None) -> list[Row]:
        return self._balance if organisation is None else self._balance_of.get(organisation, [])

    def _complaints(self, sites: set[str] | None, organisation: str | None, *, everything: bool) -> Ratio:
        """Of streets those about their bins, of a company those that it has in hand or closed."""
        by_site, by_owner = self._reported
        if everything:
            handled = [one for some in by_site.values() for one in some]
        elif sites is None:
            handled = by_owner.get(organisation or "", [])
        else:
            handled = [one for site in sites for one in by_site.get(site, ())]
        return complaint_handling.measure(handled, now=self._now)

    # --- read once ------------------------------------------------------------------------------------------

    @cached_property
    def _counts(self) -> dict[tuple[str, str, int], LiftCounts]:
        columns = [_LIFTS.c[name] for name in LiftCounts._fields]
        rows = self._connection.execute(
            select(_LIFTS.c.site, _LIFTS.c.organisation, _LIFTS.c.stream, *columns).where(
                _LIFTS.c.period == self.period.text
            )
        )
        return {(site, company, stream): LiftCounts(*counts) for site, company, stream, *counts in rows}

    @cached_property
    def _by_site(self) -> dict[str, list[Any]]:
        return self._grouped(0)

    @cached_property
    def _by_company(self) -> dict[str, list[Any]]:
        return self._grouped(1)

    def _grouped(self, part: int) -> dict[str, list[Any]]:
        grouped: dict[str, list[Any]] = defaultdict(list)
        for item in self._counts.items():
            grouped[str(item[0][part])].append(item)
        return grouped

    @cached_property
    def _heard(self) -> dict[str, int]:
        rows = self._connection.execute(
            select(_HEARD.c.owner, _HEARD.c.heard).where(
                _HEARD.c.period == self.period.text, _HEARD.c.kind == BINS, _HEARD.c.owner != NO_SITE
            )
        )
        return {row.owner: row.heard for row in rows}

    @cached_property
    def _devices_of(self) -> dict[str, set[int]]:
        rows = self._connection.execute(
            select(_HEARD.c.owner, _HEARD.c.packed).where(
                _HEARD.c.period == self.period.text, _HEARD.c.kind == DEVICES
            )
        )
        return {row.owner: set(unpacked(row.packed)) for row in rows}

    @cached_property
    def _placed_from(self) -> dict[tuple[str, str], int]:
        rows = self._connection.execute(
            select(_HEARD.c.period, _HEARD.c.owner, _HEARD.c.heard).where(_HEARD.c.kind == PLACED)
        )
        return {(row.period, row.owner): row.heard for row in rows}

    @cached_property
    def _placed(self) -> dict[str, int]:
        end = date_text(self.period.last_day)
        placed: dict[str, int] = defaultdict(int)
        for (day, site), bins in self._placed_from.items():
            if day <= end:
                placed[site] += bins
        return placed

    @cached_property
    def _streets(self) -> set[str]:
        return {site for site in (*self._placed, *self._heard) if site}

    @cached_property
    def _crews(self) -> dict[str, set[int]]:
        begins = begin_of(self.period.first_day)
        crews: dict[str, set[int]] = defaultdict(set)
        for row in self._connection.execute(
            select(_DEVICES.c.device, _DEVICES.c.organisation, _DEVICES.c.not_after).where(
                _DEVICES.c.role == int(Role.CREW), _DEVICES.c.is_revoked.is_(False)
            )
        ):
            if not row.not_after or row.not_after >= begins:
                crews[row.organisation].add(int(row.device, 16))
        return crews

    @cached_property
    def _companies(self) -> list[str]:
        return sorted({*self._crews, *self._by_company, *self._balance_of, *self._devices_of})

    @cached_property
    def _balance(self) -> list[Row]:
        books = BalanceReader(self._connection, self._rules)
        through = self.period.last_day if self.period.is_month else None
        return books.table(self.period.first_day, through=through)

    @cached_property
    def _balance_of(self) -> dict[str, list[Row]]:
        grouped: dict[str, list[Row]] = defaultdict(list)
        for row in self._balance:
            grouped[organisation_text(row.key.place.organisation)].append(row)
        return grouped

    @cached_property
    def _reported(self) -> tuple[dict[str, list[Handled]], dict[str, list[Handled]]]:
        """Complaints reported in the period, by street and by who has them; asked-for pick-ups are none."""
        begins = begin_of(self.period.first_day)
        ends = end_of(self.period.last_day)
        by_site: dict[str, list[Handled]] = defaultdict(list)
        by_owner: dict[str, list[Handled]] = defaultdict(list)
        for row in self._connection.execute(
            select(
                _COMPLAINTS.c.site, _COMPLAINTS.c.owner, _COMPLAINTS.c.reported_at, _COMPLAINTS.c.closed_at
            ).where(
                _COMPLAINTS.c.reported_at >= begins,
                _COMPLAINTS.c.reported_at < ends,
                _COMPLAINTS.c.kind < int(ComplaintKind.BULKY_PICKUP),
            )
        ):
            one = Handled(row.reported_at, row.closed_at)
            by_site[row.site].append(one)
            by_owner[row.owner].append(one)
        return by_site, by_owner

    @cached_property
    def districts(self) -> dict[str, set[str]]:
        """The streets of each district, by its name in the directory."""
        rows = self._connection.execute(
            select(_POINTS.c.site, func.min(_POINTS.c.district).label("district"))
            .where(_POINTS.c.site.is_not(None))
            .group_by(_POINTS.c.site)
        )
        named = {row.site: row.district or NO_DISTRICT for row in rows}
        districts: dict[str, set[str]] = defaultdict(set)
        for site in self._streets:
            districts[named.get(site, NO_DISTRICT)].add(site)
        return dict(districts)
