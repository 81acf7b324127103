"""What became of a bin's waste in a month: a bar with words on the bin's page, and a page of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console.pages import Pages
from backend.domain.fate import BinFate, End, Part
from backend.domain.periods import Period, date_text, read_period, shifted
from backend.domain.products import Product
from backend.domain.types import is_code
from backend.store.reading import Reader
from backend.store.reading.fate import Days, FateReader
from backend.usecases.views import Name

_BIN = re.compile(r"[0-9a-f]{10}")


@dataclass(frozen=True)
class PartView:
    """A part, the name of what it became, and where its piece of the bar lies, in thousandths of the bar."""

    part: Part
    name: Name | None
    start: float
    width: float


@dataclass(frozen=True)
class YieldView:
    """The bin's part of energy, gas or water."""

    name: Name
    amount: str
    unit: str


@dataclass(frozen=True)
class FateView:
    """A bin's month."""

    period: Period
    fate: BinFate
    parts: list[PartView]
    yields: list[YieldView]


def fate_view(reader: Reader, number: str, month: str = "") -> FateView | None:
    """Return a bin's month, by default that of its newest lift; None where it has none, or for no month."""
    fates, bin_number = FateReader(reader), int(number, 16)
    if not month:
        day = fates.newest_day(bin_number)
        if day is None:
            return None
        month = date_text(day)[:7]
    period = read_period(month)
    if period is None or not period.is_month:
        return None
    fate = fates.fate(bin_number, Days(period.first_day, period.last_day))
    return FateView(
        period, fate, list(_placed(fate)), [_yield_view(one.product, one.likely) for one in fate.yields]
    )


def _placed(fate: BinFate) -> list[PartView]:
    views, start = [], 0.0
    for part in fate.parts:
        width = part.share_ppm / 1000
        views.append(PartView(part, _name_of(part), round(start, 2), round(width, 2)))
        start += width
    return views


def _name_of(part: Part) -> Name | None:
    if part.end in (End.PRODUCT, End.RESIDUE) and is_code(Product, part.product):
        names = Product(part.product).names
        return Name(names.zh, names.en)
    return None


def _yield_view(product: int, millionths: int) -> YieldView:
    known = Product(product) if is_code(Product, product) else None
    name = Name(str(product), str(product)) if known is None else Name(known.names.zh, known.names.en)
    return YieldView(name, f"{millionths / 1_000_000:.2f}", "" if known is None else known.unit.value)


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the page of a bin's month."""

    @router.get("/bins/{number}/fate")
    def fate_page(request: Request, number: str) -> HTMLResponse:
        if not _BIN.fullmatch(number):
            return pages.not_found(request, about="bin")
        month = request.query_params.get("month", "")
        with pages.deps.read() as reader:
            found = reader.find_bin(number)
            if found is None:
                return pages.not_found(request, about="bin")
            view = fate_view(reader, number, month)
        if view is None and month:
            return pages.not_found(request, about="day")
        around = ("", "") if view is None else (shifted(view.period, -1), shifted(view.period, 1))
        return pages.render(request, "fate.html", bin=found, fate=view, before=around[0], after=around[1])
