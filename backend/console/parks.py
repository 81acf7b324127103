"""The parks: what public sources say of them, and what the ledger says came in and came out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console.balance import Names, PlaceView, device_date
from backend.console.days import newest_day
from backend.console.formats import grouped, mass
from backend.console.pages import Pages
from backend.demo.city import ParkStatus
from backend.demo.parks import ParkRecord, load_decision
from backend.domain.mass_balance import Row
from backend.domain.mass_flows import Place
from backend.domain.periods import Period, date_text, read_period, shifted
from backend.domain.products import Product, Unit
from backend.domain.types import SiteKind, Stream, device_text, is_code
from backend.store.products import MADE
from backend.store.reading import Reader
from backend.store.reading.balance import Asked, BalanceReader
from backend.store.reading.parks import Inward, Made, ParkReader, is_weighed
from backend.usecases.views import Name

_SITE, _KEY = re.compile(r"[0-9a-f]{16}"), re.compile(r"[a-z0-9-]{1,40}")
_PAGE_NUMBER, _PRODUCT = re.compile(r"[1-9][0-9]{0,4}"), re.compile(r"[0-9]{1,5}")
_FATES: Final = {"": MADE, **{str(fate): fate for fate in range(1, 5)}}
_FACTS_A_PAGE: Final = 100
_RECEIPTS_SHOWN: Final = 12


@dataclass(frozen=True)
class ParkView:
    """A park: of the public list, of the ledger, or both. `key` is its part of an address."""

    key: str
    name: Name
    record: ParkRecord | None
    site: int | None

    @property
    def is_confirmed(self) -> bool:
        """A source names it; what the ledger alone knows of is confirmed by its registrar's seal."""
        return self.record is None or self.record.park.status is ParkStatus.SOURCED


@dataclass(frozen=True)
class Cell:
    """A figure of a table, with the address of its facts."""

    text: str
    href: str


@dataclass(frozen=True)
class Line:
    """A day, or the whole month, of a table."""

    period: str
    cells: list[Cell | None]


@dataclass(frozen=True)
class RedRow:
    """A row of the mass balance that does not close, with its place."""

    row: Row
    place: PlaceView


def parks_of(records: Sequence[ParkRecord], reader: Reader) -> list[ParkView]:
    """Return the parks of the public list, and then those that only the directory knows."""
    named = {int(site.site, 16): site for site in reader.sites() if site.kind == SiteKind.PARK}
    views = []
    for record in records:
        site = record.site if record.site in named else None
        views.append(ParkView(record.park.key, Name(record.park.name.zh, record.park.name.en), record, site))
    listed = {view.site for view in views}
    views += [ParkView(device_text(s), n.name, None, s) for s, n in sorted(named.items()) if s not in listed]
    return views


def product_name(code: int) -> Name:
    """Return what a product is called; 0 where the entry names none."""
    if is_code(Product, code):
        return Name(*Product(code).names)
    return Name("未注明", "not named") if not code else Name(f"产物 {code}", f"product {code}")


def amount_text(product: int, amount: int) -> str:
    """Return an amount in the unit of its product; masses as masses."""
    unit = Product(product).unit if is_code(Product, product) else Unit.GRAMS
    return mass(amount) if unit is Unit.GRAMS else f"{grouped(amount)}\N{NARROW NO-BREAK SPACE}{unit.value}"


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the pages of parks."""

    @router.get("/parks")
    def parks(request: Request) -> HTMLResponse:
        with pages.deps.read() as reader:
            period = _period(request, reader, None, pages.deps.now())
            if period is None:
                return pages.not_found(request, about="day")
            park_reader = ParkReader(reader.connection)
            views = parks_of(pages.deps.parks, reader)
            sums: dict[str, Any] = {}
            for view in views:
                if view.site is not None:
                    places = park_reader.places_of(view.site)
                    sums[view.key] = _sums(
                        view, period, park_reader.inward(places, period), park_reader.made(places, period)
                    )
        return pages.render(
            request, "parks.html", parks=views, sums=sums, decision=load_decision(), **_around(period)
        )

    @router.get("/parks/{key}")
    def park(request: Request, key: str) -> HTMLResponse:
        with pages.deps.read() as reader:
            view = _find(pages, reader, key)
            if view is None:
                return pages.not_found(request, about="park")
            park_reader = ParkReader(reader.connection)
            places = [] if view.site is None else park_reader.places_of(view.site)
            period = _period(request, reader, places, pages.deps.now())
            if period is None:
                return pages.not_found(request, about="day")
            inward, made = park_reader.inward(places, period), park_reader.made(places, period)
            books = BalanceReader(reader.connection, pages.deps.tolerances.rules)
            names = Names(reader, books)
            values: dict[str, Any] = {
                "places": [names.place(place) for place in places],
                "red": list(_red_rows(books, names, places, period)),
                "receipts": park_reader.receipts(places, period, limit=_RECEIPTS_SHOWN) if places else [],
                "receipt_count": sum(line.facts for line in inward),
            }
        made_now = [line for line in made if line.fate == MADE]
        left = [line for line in made if line.fate != MADE]
        return pages.render(
            request,
            "park.html",
            park=view,
            streams_in=sorted({line.stream for line in inward}),
            inward=_table(view, period, [((line.stream,), line.day, line.grams) for line in inward], _stream_cell),
            products_made=[product_name(key) for key in sorted({line.product for line in made_now})],
            made=_table(view, period, [((line.product,), line.day, line.amount) for line in made_now], _made_cell),
            left_keys=[(product_name(p), fate) for p, fate in sorted({(n.product, n.fate) for n in left})],
            left=_table(view, period, [((n.product, n.fate), n.day, n.amount) for n in left], _left_cell),
            date_of=device_date,
            is_weighed=is_weighed,
            **values,
            **_around(period),
        )

    @router.get("/parks/{key}/facts")
    def facts(request: Request, key: str) -> HTMLResponse:
        asked = request.query_params
        product, fate = asked.get("product", ""), asked.get("fate", "")
        if fate not in _FATES or (product and not _PRODUCT.fullmatch(product)):
            return pages.not_found(request)
        stream = asked.get("stream", "")
        chosen = int(stream) if stream in {str(int(s)) for s in Stream} else None
        number = int(asked.get("page", "1")) if _PAGE_NUMBER.fullmatch(asked.get("page", "1")) else 1
        start = (number - 1) * _FACTS_A_PAGE
        with pages.deps.read() as reader:
            view = _find(pages, reader, key)
            if view is None or view.site is None:
                return pages.not_found(request, about="park")
            park_reader = ParkReader(reader.connection)
            places = park_reader.places_of(view.site)
            period = _period(request, reader, places, pages.deps.now())
            if period is None:
                return pages.not_found(request, about="day")
            values: dict[str, Any] = {"moves": [], "items": []}
            if product:
                code, ended = int(product), _FATES[fate]
                count = park_reader.count_facts(places, period, product=code, fate=ended)
                values["items"] = park_reader.facts(
                    places, period, product=code, fate=ended, offset=start, limit=_FACTS_A_PAGE
                )
            else:
                count = park_reader.count_receipts(places, period, stream=chosen)
                values["moves"] = park_reader.receipts(
                    places, period, stream=chosen, offset=start, limit=_FACTS_A_PAGE
                )
        query = "".join(f"&{name}={asked[name]}" for name in ("product", "fate") if asked.get(name))
        query += f"&stream={chosen}" if chosen else ""
        return pages.render(
            request,
            "park_facts.html",
            park=view,
            product=product_name(int(product)) if product else None,
            fate=_FATES[fate],
            stream=chosen,
            count=count,
            page=number,
            pages=max(1, -(-count // _FACTS_A_PAGE)),
            query=f"&period={period.text}{query}",
            amount_text=amount_text,
            date_of=device_date,
            is_weighed=is_weighed,
            **values,
            **_around(period),
        )


def _find(pages: Pages, reader: Reader, key: str) -> ParkView | None:
    if not (_KEY.fullmatch(key) or _SITE.fullmatch(key)):
        return None
    views = parks_of(pages.deps.parks, reader)
    return next(
        (view for view in views if key == view.key or (view.site is not None and key == device_text(view.site))),
        None,
    )


def _period(request: Request, reader: Reader, places: Sequence[Place] | None, now: int) -> Period | None:
    """Return the day or month that the address names, else the month of what is newest there."""
    text = request.query_params.get("period", "")
    if text:
        return read_period(text)
    newest = ParkReader(reader.connection).newest_day(places) if places else None
    if newest is None:
        newest = newest_day(BalanceReader(reader.connection, ()), now)
    return read_period(date_text(newest)[:7])


def _around(period: Period) -> dict[str, Any]:
    return {
        "period": period,
        "before": shifted(period, -1),
        "after": shifted(period, 1),
        "last_day": date_text(period.last_day),
    }


def _red_rows(books: BalanceReader, names: Names, places: Sequence[Place], period: Period) -> Iterable[RedRow]:
    through = period.last_day if period.is_month else None
    for place in places:
        for row in books.table(period.first_day, Asked(place.organisation, place.site), through=through):
            if row.is_red:
                yield RedRow(row, names.place(row.key.place))


def _sums(view: ParkView, period: Period, inward: Sequence[Inward], made: Sequence[Made]) -> dict[str, list[Any]]:
    """Return a park's month in a few figures for the list of parks."""
    streams: dict[int, int] = defaultdict(int)
    for line in inward:
        streams[line.stream] += line.grams
    products: dict[int, int] = defaultdict(int)
    for one in made:
        if one.fate == MADE and one.product:
            products[one.product] += one.amount
    return {
        "inward": [
            (stream, _stream_cell(view, period.text, (stream,), grams))
            for stream, grams in sorted(streams.items())
        ],
        "made": [
            (product_name(code), _made_cell(view, period.text, (code,), amount))
            for code, amount in sorted(products.items())
        ],
    }


def _stream_cell(view: ParkView, period: str, key: tuple[int, ...], grams: int) -> Cell:
    return Cell(mass(grams), f"/parks/{view.key}/facts?period={period}&stream={key[0]}")


def _made_cell(view: ParkView, period: str, key: tuple[int, ...], amount: int) -> Cell:
    return Cell(amount_text(key[0], amount), f"/parks/{view.key}/facts?period={period}&product={key[0]}")


def _left_cell(view: ParkView, period: str, key: tuple[int, ...], amount: int) -> Cell:
    cell = _made_cell(view, period, key, amount)
    return Cell(cell.text, f"{cell.href}&fate={key[1]}")


def _table(
    view: ParkView, period: Period, amounts: Sequence[tuple[tuple[int, ...], int, int]], cell: Any
) -> list[Line]:
    """Return the period as one line, and its days below it where it is a month."""
    keys = sorted({key for key, _, _ in amounts})
    by_day: dict[str, dict[tuple[int, ...], int]] = defaultdict(lambda: defaultdict(int))
    for key, day, amount in amounts:
        by_day[period.text][key] += amount
        if period.is_month:
            by_day[date_text(day)][key] += amount
    periods = sorted(by_day, key=lambda text: (len(text), text))
    return [
        Line(text, [cell(view, text, key, by_day[text][key]) if key in by_day[text] else None for key in keys])
        for text in periods
    ]
