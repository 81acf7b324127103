"""Streets, their bins, and the page behind a bin's label."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console.fate import fate_view
from backend.console.journeys import Places, Portrait, draw
from backend.console.pages import Pages
from backend.domain.errors import DomainError
from backend.domain.label import ForeignPrefix, human_readable, serial_digest, serial_of
from backend.store.reading import Reader
from backend.usecases.views import BinTrace, LiftView, Name, StreetRow

_SITE, _BIN = re.compile(r"[0-9a-f]{16}"), re.compile(r"[0-9a-f]{10}")
_LIFTS_SHOWN: Final = 30
_LIFTS_FOR_RESIDENTS: Final = 8
FRESH_SECONDS: Final = 26 * 3600
"""A bin lifted within a day, and two hours for a round that runs late, counts as lifted today."""


@dataclass(frozen=True)
class PointCard:
    """A collection point with its bins."""

    code: str
    name: Name | None
    rows: tuple[StreetRow, ...]


@dataclass(frozen=True)
class TracedLift:
    """A lift with what became of its lot."""

    lift: LiftView
    portrait: Portrait | None


@dataclass(frozen=True)
class Fact:
    """What a source says of a site."""

    name: Name
    source: str
    source_date: str
    reliability: str


def facts_of(text: str) -> list[Fact]:
    """Return the facts of a site; what has no text or no source is left out."""
    try:
        listed = json.loads(text)
    except ValueError:
        return []
    facts = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return [
        Fact(
            Name(str(fact.get("zh") or ""), str(fact.get("en") or "")),
            str(fact["source"]),
            str(fact.get("source_date") or ""),
            str(fact.get("reliability") or ""),
        )
        for fact in facts
        if fact.get("source") and (fact.get("zh") or fact.get("en"))
    ]


def points_of(rows: Sequence[StreetRow]) -> list[PointCard]:
    """Return a street's bins by collection point."""
    points: dict[str, list[StreetRow]] = {}
    for row in rows:
        points.setdefault(row.point_code, []).append(row)
    cards = [PointCard(code, rows[0].bin.point, tuple(rows)) for code, rows in points.items()]
    return sorted(cards, key=lambda card: _natural(card.code))


def _natural(code: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"([0-9]+)", code) if part]


def traced(reader: Reader, trace: BinTrace) -> list[TracedLift]:
    """Return a bin's lifts, each with the picture of its lot."""
    known = Places(reader)
    portraits = {lot: draw(reader, known, journey, street=False) for lot, journey in trace.journeys.items()}
    return [TracedLift(lift, portraits.get(lift.lot or "")) for lift in trace.lifts]


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the pages of places."""

    @router.get("/streets")
    def streets(request: Request) -> HTMLResponse:
        with pages.deps.read() as reader:
            with_bins = reader.streets()
            names = {summary.site.site for summary in with_bins}
            others = [site for site in reader.sites() if site.site not in names]
            organisations = {o.organisation: o for o in reader.organisations()}
        return pages.render(
            request,
            "streets.html",
            streets=with_bins,
            others=[(site, facts_of(site.facts)) for site in others],
            organisations=organisations,
        )

    @router.get("/streets/{site}")
    def street(request: Request, site: str) -> HTMLResponse:
        if not _SITE.fullmatch(site):
            return pages.not_found(request, about="street")
        with pages.deps.read() as reader:
            view = reader.find_site(site)
            if view is None:
                return pages.not_found(request, about="street")
            rows = reader.street(site)
            now = reader.following().block_time or 0
        fresh = [row for row in rows if row.last_lift and row.last_lift.entry.occurred_at > now - FRESH_SECONDS]
        return pages.render(
            request,
            "street.html",
            site=view,
            points=points_of(rows),
            bins=len(rows),
            fresh=len(fresh),
            fresh_from=now - FRESH_SECONDS,
        )

    @router.get("/bins/{number}")
    def bin_page(request: Request, number: str) -> HTMLResponse:
        if not _BIN.fullmatch(number):
            return pages.not_found(request, about="bin")
        with pages.deps.read() as reader:
            trace = reader.find_bin_trace(number, limit=_LIFTS_SHOWN)
            if trace is None:
                return pages.not_found(request, about="bin")
            return pages.render(
                request,
                "bin.html",
                bin=trace.bin,
                lifts=traced(reader, trace),
                fate=fate_view(reader, number),
            )

    @router.get("/8004/{giai}")
    def label(request: Request, giai: str) -> HTMLResponse:
        try:
            serial = serial_of(giai)
        except ForeignPrefix:
            return pages.render(request, "label_unknown.html", status=404, why="foreign", label=giai)
        except DomainError:
            return pages.render(request, "label_unknown.html", status=404, why="damaged", label=giai)
        with pages.deps.read() as reader:
            found = reader.find_bin_by_digest(serial_digest(serial).hex())
            trace = found and reader.find_bin_trace(found.number, limit=_LIFTS_FOR_RESIDENTS)
            if not trace:
                return pages.render(
                    request, "label_unknown.html", status=404, why="unknown", label=human_readable(serial)
                )
            return pages.render(
                request,
                "label.html",
                bin=trace.bin,
                lifts=traced(reader, trace),
                label=human_readable(serial),
            )
