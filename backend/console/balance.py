"""The mass balance of a day: all sites in one table, and one site with the facts behind its figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console.days import asked_day, day_named
from backend.console.pages import Pages
from backend.domain.mass_balance import FATES, IN, OUT, Row
from backend.domain.mass_flows import Flow, Move, Place
from backend.domain.periods import date_text
from backend.domain.types import SiteKind, Stream, device_text, organisation_text
from backend.store.reading import Reader
from backend.store.reading.balance import Asked, BalanceReader
from backend.usecases.views import Name, OrganisationView

_PLACE = re.compile(r"[0-9a-f]{16}|[0-9a-f]{6}")
_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,4}")
_FACTS_A_PAGE: Final = 100
_FLOWS: Final = {flow.name.lower(): flow for flow in Flow if flow != Flow.OPENED}
_SHOWN_KINDS: Final = {SiteKind.STREET: "street", SiteKind.TRANSFER_STATION: "station", SiteKind.PARK: "park"}


@dataclass(frozen=True)
class PlaceView:
    """A site, or what an organisation holds without the chain saying where. `key` is its part of an address."""

    key: str
    name: Name | None
    organisation: OrganisationView
    picture: str
    is_known: bool


@dataclass(frozen=True)
class RowView:
    """A row with the place that it is of."""

    row: Row
    place: PlaceView


@dataclass(frozen=True)
class Sums:
    """Figures over all rows shown, in grams but for the counts."""

    rows: int
    red: int
    lifted: int
    ended: int
    lying: int
    late_facts: int
    late_in: int
    late_out: int


class Names:
    """What the places of a page are called; asked once a page."""

    def __init__(self, reader: Reader, balance: BalanceReader) -> None:
        self._reader, self._kinds = reader, balance.kinds()
        self._sites = {int(site.site, 16): site for site in reader.sites()}

    def place(self, place: Place) -> PlaceView:
        """Return a place as people know it."""
        organisation = self._reader.organisation(organisation_text(place.organisation))
        if not place.site:
            return PlaceView(organisation_text(place.organisation), None, organisation, "truck", False)
        named = self._sites.get(place.site)
        kind = self._kinds.get(place.site, 0 if named is None else named.kind)
        picture = _SHOWN_KINDS.get(SiteKind(kind), "plant") if kind in set(SiteKind) else "plant"
        name = (
            Name(*(f"{word} {device_text(place.site)}" for word in ("场所", "site")))
            if named is None
            else named.name
        )
        return PlaceView(device_text(place.site), name, organisation, picture, True)


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the pages of the mass balance."""

    @router.get("/balance")
    def balance(request: Request) -> HTMLResponse:
        with pages.deps.read() as reader:
            books = BalanceReader(reader.connection, pages.deps.tolerances.rules)
            day = asked_day(request.query_params.get("day", ""), books, pages.deps.now())
            if day is None:
                return pages.not_found(request, about="day")
            stream = _asked_stream(request)
            names = Names(reader, books)
            rows = [RowView(row, names.place(row.key.place)) for row in books.table(day, Asked(stream=stream))]
        places = {row.place.key: row.place for row in rows}
        chosen = request.query_params.get("site", "")
        if chosen in places:
            rows = [row for row in rows if row.place.key == chosen]
        rows.sort(key=lambda view: (not view.row.is_red, view.place.key, view.row.key.stream))
        return pages.render(
            request,
            "balance.html",
            rows=rows,
            sums=sums_of([view.row for view in rows]),
            places=list(places.values()),
            chosen=chosen if chosen in places else "",
            **_of_day(day, stream),
        )

    @router.get("/balance/{place}")
    def site(request: Request, place: str) -> HTMLResponse:
        if not _PLACE.fullmatch(place):
            return pages.not_found(request, about="site")
        asked_place = _place_of(place)
        with pages.deps.read() as reader:
            books = BalanceReader(reader.connection, pages.deps.tolerances.rules)
            day = asked_day(request.query_params.get("day", ""), books, pages.deps.now())
            through = _asked_through(request, day)
            if day is None:
                return pages.not_found(request, about="day")
            stream, flow = _asked_stream(request), _FLOWS.get(request.query_params.get("flow", ""))
            page = request.query_params.get("page", "1")
            number = int(page) if _PAGE_NUMBER.fullmatch(page) else 1
            asked = Asked(asked_place.organisation, asked_place.site, stream)
            rows = books.table(day, asked, through=through)
            view = Names(reader, books).place(asked_place)
            count = books.count_moves(day, asked, through=through, flow=flow)
            start = (number - 1) * _FACTS_A_PAGE
            facts = books.moves(day, asked, through=through, flow=flow, offset=start, limit=_FACTS_A_PAGE)
            odd = books.odd_moves(day, asked, through=through) if any(row.is_red for row in rows) else []
        return pages.render(
            request,
            "balance_site.html",
            place=view,
            rows=rows,
            facts=facts,
            odd=odd,
            count=count,
            flow=None if flow is None else flow.name.lower(),
            page=number,
            pages=max(1, -(-count // _FACTS_A_PAGE)),
            date_of=device_date,
            through=None if through is None else date_text(through),
            **_of_day(day, stream),
        )


def sums_of(rows: Sequence[Row]) -> Sums:
    """Return the figures above the table."""
    return Sums(
        rows=len(rows),
        red=sum(row.is_red for row in rows),
        lifted=sum(row.sum_of(Flow.LIFTED, Flow.UNATTESTED) for row in rows),
        ended=sum(row.sum_of(*FATES) for row in rows),
        lying=sum(row.closing for row in rows),
        late_facts=sum(row.late_facts for row in rows),
        late_in=sum(row.late.get(flow, 0) for row in rows for flow in IN),
        late_out=sum(row.late.get(flow, 0) for row in rows for flow in (*OUT, *FATES, Flow.LOSS)),
    )


def device_date(move: Move) -> bool:
    """Say whether a move's own clock shows a time that a calendar has."""
    return 0 < move.occurred_at < 1 << 36


def _place_of(text: str) -> Place:
    number = int(text, 16)
    return Place(number >> 40, number) if len(text) == 16 else Place(number, 0)


def _asked_through(request: Request, day: int | None) -> int | None:
    """Return the last of several days, where the address asks for more than one."""
    last = day_named(request.query_params.get("through", ""))
    return last if day is not None and last is not None and last > day else None


def _asked_stream(request: Request) -> int | None:
    asked = request.query_params.get("stream", "")
    return int(asked) if asked in {str(int(stream)) for stream in Stream} else None


def _of_day(day: int, stream: int | None) -> dict[str, Any]:
    return {
        "day": date_text(day),
        "yesterday": date_text(day - 1),
        "tomorrow": date_text(day + 1),
        "stream": stream,
        "inward": [flow.name.lower() for flow in IN],
        "outward": [flow.name.lower() for flow in (*OUT, *FATES, Flow.LOSS)],
        "Flow": Flow,
    }
