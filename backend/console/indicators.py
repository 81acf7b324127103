"""The city's indicators, a league table that does not reward silence, and the way down to the facts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console.days import newest_day
from backend.console.district_names import district_name
from backend.console.pages import Pages
from backend.domain.indicators import contamination, coverage, sorting_accuracy, timeliness
from backend.domain.indicators.catalogue import FORMULAS, OF_LIFTS, find_formula
from backend.domain.indicators.complaint_handling import FORMULA as COMPLAINTS
from backend.domain.indicators.coverage import RANKED_FROM_PPM
from backend.domain.indicators.formula import Formula, Ratio, Scope
from backend.domain.indicators.league import Entrant, Standing, ranked
from backend.domain.indicators.lift_counts import is_timely
from backend.domain.periods import Period, date_text, read_period, shifted
from backend.domain.types import Grade
from backend.store.reading import Reader
from backend.store.reading.balance import BalanceReader
from backend.store.reading.indicators import CITY_KEY, NO_DISTRICT, IndicatorReader, Measured
from backend.store.reading.street_lifts import Declined, StreetLift, street_day
from backend.usecases.views import Name

_SITE, _PAGE_NUMBER = re.compile(r"[0-9a-f]{16}"), re.compile(r"[1-9][0-9]{0,4}")
_FACTS_A_PAGE: Final = 200
_RANKS_A_PAGE: Final = 100
_SCOPES: Final = (Scope.STREET, Scope.COMPANY, Scope.DISTRICT)


@dataclass(frozen=True)
class NamedValue:
    """A value with the name of whom it is of, and where its parts are listed."""

    name: Name
    key: str
    value: Ratio
    coverage: Ratio
    rank: int | None
    href: str


@dataclass(frozen=True)
class FactView:
    """A lift, and whether it is in the numerator; None where it is not even in the denominator."""

    lift: StreetLift
    counts: bool | None


@dataclass(frozen=True)
class _Listed:
    """What is behind a street's value."""

    lifts: list[FactView]
    declined: list[Declined]
    silent: list[str]


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the pages of indicators."""

    @router.get("/indicators")
    def indicators(request: Request) -> HTMLResponse:
        asked = request.query_params
        scope = _scope(asked.get("by", ""), Scope.STREET)
        with pages.deps.read() as reader:
            found = _reading(pages, request, reader)
            if found is None:
                return pages.not_found(request, about="day")
            period = found.period
            formula = find_formula(asked.get("rank", "")) or sorting_accuracy.FORMULA
            if scope not in formula.scopes:
                formula = sorting_accuracy.FORMULA
            city, names = found.city(), _Names(reader)
            standings = _standings(found.table(scope), formula)
            number, shown = _page_of(standings, asked.get("page", "1"))
            rows = [names.value(standing, formula, period, scope) for standing in shown]
        return pages.render(
            request,
            "indicators.html",
            city=[
                (formula, city.values[formula], _href(formula, period, Scope.CITY, CITY_KEY))
                for formula in FORMULAS
            ],
            rows=rows,
            scope=scope.value,
            scopes=[one.value for one in _SCOPES],
            formula=formula,
            choices=[one for one in FORMULAS if scope in one.scopes],
            ranked_from=RANKED_FROM_PPM // 10_000,
            page=number,
            pages=_pages(len(standings)),
            query=f"&by={scope.value}&rank={formula.formula_id}&period={period.text}#league",
            **_around(period),
        )

    @router.get("/indicators/{formula_id}")
    def indicator(request: Request, formula_id: str) -> HTMLResponse:
        formula, asked = find_formula(formula_id), request.query_params
        if formula is None:
            return pages.not_found(request)
        scope = _scope(asked.get("by", ""), Scope.CITY)
        key = CITY_KEY if scope is Scope.CITY else asked.get("of", "")
        with pages.deps.read() as reader:
            found = _reading(pages, request, reader)
            if found is None:
                return pages.not_found(request, about="day")
            period = found.period
            measured = found.find(scope, key) if scope in formula.scopes else None
            if measured is None:
                return pages.not_found(request)
            names = _Names(reader)
            streets, days = list[NamedValue](), list[tuple[str, Ratio, str]]()
            street_page, street_pages = 1, 1
            if Scope.STREET in formula.scopes and scope is not Scope.STREET:
                standings = [
                    standing
                    for standing in _standings(found.by_street(measured), formula)
                    if standing.entrant.value.denominator
                ]
                street_page, shown = _page_of(standings, asked.get("page", "1"))
                street_pages = _pages(len(standings))
                streets = [names.value(standing, formula, period, Scope.STREET) for standing in shown]
            if period.is_month:
                days = [
                    (day, value, _href(formula, day, scope, key)) for day, value in found.by_day(measured, formula)
                ]
            lifts = _facts(reader, formula, period, key) if scope is Scope.STREET else _Listed([], [], [])
            name = names.of(scope, key)
        number = int(asked.get("page", "1")) if _PAGE_NUMBER.fullmatch(asked.get("page", "1")) else 1
        start = (number - 1) * _FACTS_A_PAGE
        return pages.render(
            request,
            "indicator.html",
            formula=formula,
            name=name,
            scope=scope.value,
            key=key,
            value=measured.values[formula],
            coverage=measured.coverage,
            streets=streets,
            street_page=street_page,
            street_pages=street_pages,
            days=days,
            facts=lifts.lifts[start : start + _FACTS_A_PAGE],
            declined=lifts.declined,
            fact_count=len(lifts.lifts) + len(lifts.declined),
            silent=lifts.silent,
            page=number,
            pages=max(1, -(-len(lifts.lifts) // _FACTS_A_PAGE)),
            query=f"&by={scope.value}&of={key}&period={period.text}",
            balance_link=_balance_link(formula, period, measured),
            complaints_link="/complaints" if formula == COMPLAINTS else "",
            **_around(period),
        )


class _Names:
    """What those are called whom a value is of."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._sites = {site.site: site.name for site in reader.sites()}

    def of(self, scope: Scope, key: str) -> Name:
        if scope is Scope.CITY:
            return Name("全市", "the whole city")
        if scope is Scope.COMPANY:
            return self._reader.organisation(key).name
        if scope is Scope.DISTRICT:
            return Name("未注明区", "district not named") if key == NO_DISTRICT else district_name(key)
        return self._sites.get(key, Name(f"场所 {key}", f"site {key}"))

    def value(self, standing: Standing, formula: Formula, period: Period, scope: Scope) -> NamedValue:
        one = standing.entrant
        href = _href(formula, period, scope, one.key)
        return NamedValue(self.of(scope, one.key), one.key, one.value, one.coverage, standing.rank, href)


def _page_of(standings: list[Standing], text: str) -> tuple[int, list[Standing]]:
    """Return the page's number and what stands on it; a page that there is not is the first."""
    number = int(text) if _PAGE_NUMBER.fullmatch(text) else 1
    if number > _pages(len(standings)):
        number = 1
    return number, standings[(number - 1) * _RANKS_A_PAGE : number * _RANKS_A_PAGE]


def _pages(count: int) -> int:
    return max(1, -(-count // _RANKS_A_PAGE))


def _standings(measured: list[Measured], formula: Formula) -> list[Standing]:
    return ranked((Entrant(one.key, one.values[formula], one.coverage) for one in measured), formula)


def _href(formula: Formula, period: Period | str, scope: Scope, key: str) -> str:
    text = period if isinstance(period, str) else period.text
    of = "" if scope is Scope.CITY else f"&of={key}"
    return f"/indicators/{formula.formula_id}?by={scope.value}{of}&period={text}"


def _scope(text: str, otherwise: Scope) -> Scope:
    return Scope(text) if text in {scope.value for scope in Scope} else otherwise


def _reading(pages: Pages, request: Request, reader: Reader) -> IndicatorReader | None:
    """Return the period that the address names, else the month of the newest day; None where it names none."""
    text, now = request.query_params.get("period", ""), reader.present(pages.deps.now())
    if not text:
        text = date_text(newest_day(BalanceReader(reader.connection, ()), now))[:7]
    period = read_period(text)
    if period is None:
        return None
    return IndicatorReader(reader, period, rules=pages.deps.tolerances.rules, now=now)


def _facts(reader: Reader, formula: Formula, period: Period, site: str) -> _Listed:
    """Return the facts behind a street's value, what is bad first, and its silent bins."""
    if not _SITE.fullmatch(site) or (formula not in OF_LIFTS and formula != coverage.FORMULA):
        return _Listed([], [], [])
    found = street_day(reader.connection, site, period)
    facts = [FactView(lift, _counts(formula, lift)) for lift in found.lifts]
    listed = [fact for fact in facts if fact.counts is not None]
    listed.sort(key=lambda fact: fact.counts is not formula.less_is_better)
    declined = found.declined if formula == contamination.FORMULA else []
    return _Listed(listed, declined, found.silent if formula == coverage.FORMULA else [])


def _counts(formula: Formula, lift: StreetLift) -> bool | None:
    if formula == sorting_accuracy.FORMULA:
        return lift.grade == Grade.CLEAN if Grade.CLEAN <= lift.grade <= Grade.BADLY_MIXED else None
    if formula == contamination.FORMULA:
        return lift.is_wrong
    if formula == timeliness.FORMULA:
        return is_timely(occurred_at=lift.occurred_at, recorded_at=lift.recorded_at)
    return True


def _balance_link(formula: Formula, period: Period, measured: Measured) -> str:
    """Return where the rows of the mass balance are that a value adds up."""
    if Scope.STREET in formula.scopes or formula == coverage.DEVICES:
        return ""
    through = f"&through={date_text(period.last_day)}" if period.is_month else ""
    day = f"day={date_text(period.first_day)}{through}"
    if measured.scope is Scope.CITY:
        return f"/city?month={period.text}" if period.is_month else f"/balance?{day}"
    return f"/balance/{measured.key}?{day}"


def _around(period: Period) -> dict[str, Any]:
    return {"period": period, "before": shifted(period, -1), "after": shifted(period, 1)}
