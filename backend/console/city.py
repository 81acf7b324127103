"""The city at a glance: what is in custody, what waits, where scales differ, and which way the grams went."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console import loads
from backend.console.balance import Names, PlaceView
from backend.console.days import asked_day, newest_day, query_of
from backend.console.formats import mass
from backend.console.language import Words, language_of
from backend.console.pages import Pages
from backend.console.parks import parks_of
from backend.console.pictures import slug_of
from backend.console.sankey import Band, Node, Picture, picture_of
from backend.domain.cases import CaseKind
from backend.domain.mass_balance import FATES, Row
from backend.domain.mass_flows import Flow, Place
from backend.domain.periods import Period, date_text, read_period
from backend.domain.types import lot_text
from backend.store.cases import CaseReading
from backend.store.reading import Reader
from backend.store.reading.balance import BalanceReader
from backend.store.reading.city import CityReader, Difference, Offer, Passage
from backend.store.reading.parks import ParkReader

_HOURS = re.compile(r"[1-9][0-9]{0,2}")
_LATE_HOURS: Final = 12
_LISTED: Final = 12
_STREETS_DRAWN: Final = 10
_LAYER_OF_PICTURE: Final = {"street": 0, "truck": 0, "station": 1, "park": 2, "plant": 3}
_ENDS: Final = (*FATES, Flow.LOSS)
_LAYER_OF_ENDS: Final = 4


@dataclass(frozen=True)
class OfferView:
    """A lot that waits to be taken, with the names of both sides."""

    offer: Offer
    giver: PlaceView
    taker: PlaceView | None
    is_late: bool


@dataclass(frozen=True)
class DifferenceView:
    """A handoff whose scales differ, with the names of both places."""

    found: Difference
    giver: PlaceView
    taker: PlaceView


@dataclass(frozen=True)
class FlowLine:
    """A band as a line of the table beneath the picture."""

    source: str
    target: str
    stream: int
    grams: int
    href: str


class FlowMap:
    """The nodes and bands of a period: places, and the ends that closed lots came to."""

    def __init__(self, words: Words, names: Names, period: Period) -> None:
        self._words, self._names, self._days = words, names, query_of(period)
        self.nodes: dict[str, Node] = {}
        self.bands: list[Band] = []
        self.lines: list[FlowLine] = []

    def add(self, passages: Sequence[Passage], rows: Iterable[Row]) -> None:
        """Draw what went from place to place, and what became of it."""
        for passage in passages:
            source, target = self._node(passage.source), self._node(passage.target)
            flow = passage.flow.name.lower()
            key = self._names.place(passage.target).key
            self._band(source, target, passage.stream, passage.grams, f"/balance/{key}", flow)
        for row in rows:
            for end in _ENDS:
                grams = row.flows.get(end, 0)
                if grams:
                    source, target = self._node(row.key.place), self._end(end)
                    key = self._names.place(row.key.place).key
                    self._band(source, target, row.key.stream, grams, f"/balance/{key}", end.name.lower())

    def _node(self, place: Place) -> Node:
        view = self._names.place(place)
        key = view.key
        if key not in self.nodes:
            layer = _LAYER_OF_PICTURE[view.picture]
            label = self._words.name(view.name or view.organisation.name)
            self.nodes[key] = Node(key, label, layer, f"/balance/{key}?{self._days}")
        return self.nodes[key]

    def _end(self, flow: Flow) -> Node:
        key = flow.name.lower()
        label = self._words(f"mass.flow.{key}")
        return self.nodes.setdefault(key, Node(key, label[:1].upper() + label[1:], _LAYER_OF_ENDS))

    def _band(self, source: Node, target: Node, stream: int, grams: int, path: str, flow: str) -> None:
        href = f"{path}?{self._days}&stream={stream}&flow={flow}#facts"
        title = f"{source.label} → {target.label}: {self._words(f'stream.{stream}')} {mass(grams)}"
        self.lines.append(FlowLine(source.label, target.label, stream, grams, href))
        if grams and source.key != target.key:
            self.bands.append(Band(source.key, target.key, slug_of(stream), grams, href, title))

    def drawn(self) -> tuple[list[Node], list[Band]]:
        """Return what fits into a picture: the heaviest streets, and all others as one."""
        outward: dict[str, int] = {}
        for band in self.bands:
            outward[band.source] = outward.get(band.source, 0) + band.grams
        streets = [node for node in self.nodes.values() if node.layer == 0]
        streets.sort(key=lambda node: -outward.get(node.key, 0))
        rest = {node.key for node in streets[_STREETS_DRAWN:]}
        if not rest:
            return list(self.nodes.values()), self.bands
        other = Node("others", self._words("city.other_streets", count=len(rest)), 0, f"/balance?{self._days}")
        merged: dict[tuple[str, str, str], int] = {}
        for band in self.bands:
            if band.source in rest:
                merged[band.target, band.group, band.href] = (
                    merged.get((band.target, band.group, band.href), 0) + band.grams
                )
        kept = [band for band in self.bands if band.source not in rest and band.target not in rest]
        kept += [
            Band(other.key, target, group, grams, href, f"{other.label}: {mass(grams)}")
            for (target, group, href), grams in merged.items()
        ]
        return [*(node for node in self.nodes.values() if node.key not in rest), other], kept


def pictures_of(flows: FlowMap) -> tuple[Picture, Picture]:
    """Return the flows lying for a desk, and upright for a phone."""
    nodes, bands = flows.drawn()
    lying = picture_of(nodes, bands, length=1100, breadth=430, gap=34, margin=120)
    upright = picture_of(nodes, bands, length=900, breadth=340, gap=26, is_upright=True, margin=34)
    return lying, upright


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the page of the whole city."""

    @router.get("/city")
    def city(request: Request) -> HTMLResponse:
        deps, words = pages.deps, Words(language_of(request))
        with deps.read() as reader:
            books = BalanceReader(reader.connection, deps.tolerances.rules)
            now = reader.present(deps.now())
            period = period_of(request.query_params, books, now)
            if period is None:
                return pages.not_found(request, about="day")
            state, names = CityReader(reader.connection, deps.tolerances.rules), Names(reader, books)
            through = period.last_day if period.is_month else None
            rows = books.table(period.first_day, through=through)
            flows = FlowMap(words, names, period)
            flows.add(state.passages(period.first_day, through), rows)
            hours = _hours(request)
            late_before = now - hours * 3600
            offers = [_offer_view(offer, names, late_before) for offer in state.offers(limit=_LISTED)]
            differences = [
                DifferenceView(found, names.place(found.giver), names.place(found.taken.place))
                for found in state.differences(period.first_day, through, limit=_LISTED)
            ]
            values: dict[str, Any] = {
                "held": state.held(),
                "offered": state.count_offers(),
                "late": state.count_offers(before=late_before),
                "waiting": state.count_waiting(),
                "waiting_lots": [lot_text(lot) for lot in state.waiting_lots()[:_LISTED]],
                "red_rows": [(row, names.place(row.key.place)) for row in rows if row.is_red][:_LISTED],
                "loads": _loads(pages, reader, period, newest_day(books, now)),
                "cases": _waiting_cases(reader, now),
                "known_at": reader.following().block_time,
            }
        lying, upright = pictures_of(flows)
        first = date_text(period.first_day)
        return pages.render(
            request,
            "city.html",
            period=period,
            days=query_of(period),
            day=first,
            month=first[:7],
            yesterday=date_text(period.first_day - 1),
            tomorrow=date_text(period.first_day + 1),
            hours=hours,
            red=sum(row.is_red for row in rows),
            rows=len(rows),
            beyond=sum(row.beyond for row in rows),
            offers=offers,
            differences=differences,
            lying=lying,
            upright=upright,
            lines=sorted(flows.lines, key=lambda line: -line.grams),
            **values,
        )


def period_of(asked: Mapping[str, str], books: BalanceReader, now: int) -> Period | None:
    """Return the day or the month that the address names, else the newest day; None where it names none."""
    month = asked.get("month", "")
    if month:
        period = read_period(month)
        return period if period is not None and period.is_month else None
    day = asked_day(asked.get("day", ""), books, now)
    return None if day is None else read_period(date_text(day))


def _loads(pages: Pages, reader: Reader, period: Period, newest: int) -> list[loads.Load]:
    parks = parks_of(pages.deps.parks, reader)
    return loads.loads_of(ParkReader(reader.connection), parks, period, newest_day=newest)


def _waiting_cases(reader: Reader, now: int) -> dict[str, tuple[int, int]]:
    """Return how many cases of each kind wait, and how many of them are overdue."""
    sums = {kind.value: (0, 0) for kind in CaseKind}
    for one in CaseReading(reader, now).counts():
        waiting, overdue = sums[one.kind.value]
        sums[one.kind.value] = waiting + one.waiting, overdue + one.overdue
    return sums


def _hours(request: Request) -> int:
    asked = request.query_params.get("hours", "")
    return int(asked) if _HOURS.fullmatch(asked) else _LATE_HOURS


def _offer_view(offer: Offer, names: Names, late_before: int) -> OfferView:
    giver = names.place(Place(int(offer.holder, 16) >> 40, 0))
    taker = None if offer.to is None else names.place(Place(int(offer.to, 16), 0))
    return OfferView(offer, giver, taker, offer.since < late_before)
