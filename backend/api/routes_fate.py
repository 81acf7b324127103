"""What became of a bin's waste in a month."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from backend.api.deps import UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.schemas import BinText
from backend.domain.fate import MILLION, VERSION, BinFate, Part
from backend.domain.periods import Period, date_text, read_period
from backend.domain.products import Product
from backend.domain.types import device_text, is_code, lot_text
from backend.store.reading import Reader
from backend.store.reading.fate import Days, FateReader

router = APIRouter(tags=["books"])
MonthText = Annotated[str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}$", description="a month in Asia/Shanghai")]


@router.get("/bins/{number}/fate", responses=openapi_responses("unknown-bin", "malformed-request"))
def show_fate(number: BinText, services: UseServices, month: MonthText = None) -> dict[str, Any]:
    """Return the shares of a bin's month: products, residue, energy, losses, and what is on its way.

    Without a month it is that of the bin's newest lift.
    """
    with services.database.transaction(writes=False) as connection:
        reader = Reader(connection)
        if reader.find_bin(number) is None:
            raise ApiProblem("unknown-bin", f"No bin {number}.")
        fates = FateReader(reader)
        asked = _month(month, fates.newest_day(int(number, 16)))
        found = None if asked is None else fates.fate(int(number, 16), Days(asked.first_day, asked.last_day))
    empty = BinFate(0, 0, (), ())
    return {"version": VERSION, "bin": number, "month": asked and asked.text, **fate_shape(found or empty)}


def _month(text: str | None, newest_day: int | None) -> Period | None:
    if text is None:
        return None if newest_day is None else read_period(date_text(newest_day)[:7])
    period = read_period(text)
    if period is None:
        found = [{"pointer": "/month", "code": "no-such-month", "message": f"{text} is no month."}]
        raise ApiProblem("malformed-request", f"{text} is no month.", errors=found)
    return period


def fate_shape(fate: BinFate) -> dict[str, Any]:
    """Return a fate as programs read it; grams are rounded down, shares are millionths and sum to one million."""
    return {
        "lifts": fate.lifts,
        "grams": fate.grams,
        "parts": [_part_shape(part) for part in fate.parts],
        "yields": [
            {
                "product": _product_name(one.product),
                "amount_millionths": one.likely,
                "unit": Product(one.product).unit.value if is_code(Product, one.product) else None,
            }
            for one in fate.yields
        ],
    }


def _part_shape(part: Part) -> dict[str, Any]:
    return {
        "end": part.end.value,
        "product": _product_name(part.product),
        "grams": part.likely // MILLION,
        "grams_min": part.low // MILLION,
        "grams_max": -(-part.high // MILLION),
        "share_ppm": part.share_ppm,
        "share_min_ppm": part.low_ppm,
        "share_max_ppm": part.high_ppm,
        "facts": [{"device": device_text(fact.device), "seq": fact.seq} for fact in part.facts],
        "lots": [lot_text(lot) for lot in part.lots],
    }


def _product_name(code: int) -> str | None:
    if not code:
        return None
    return Product(code).name.lower() if is_code(Product, code) else str(code)
