"""Lots: the list, and one lot's journey."""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console.journeys import Places, draw
from backend.console.judgements import judge_for_page
from backend.console.pages import Pages
from backend.domain.cases import SubjectKind
from backend.domain.mixing import streams_in
from backend.domain.types import Stream
from backend.store.cases import CaseReading

_LOT = re.compile(r"[0-9a-f]{24}")
_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,5}")
_LOTS_A_PAGE: Final = 24
_LIFTS_A_PAGE: Final = 50
_STEPS_SHOWN: Final = 80


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the pages of lots."""

    @router.get("/lots")
    def lot_list(request: Request) -> HTMLResponse:
        asked = request.query_params.get("stream", "")
        stream = int(asked) if asked in {str(int(s)) for s in Stream} else None
        page = _page(request)
        with pages.deps.read() as reader:
            known = Places(reader)
            found = reader.lots_page(offset=(page - 1) * _LOTS_A_PAGE, limit=_LOTS_A_PAGE, stream=stream)
            count = reader.count_lots(stream)
            pictures = {lot.lot: known.picture_of(lot.holder_organisation.organisation) for lot in found}
        return pages.render(
            request,
            "lots.html",
            lots=found,
            pictures=pictures,
            stream=stream,
            page=page,
            pages=_pages(count, _LOTS_A_PAGE),
            count=count,
        )

    @router.get("/lots/{lot}")
    def lot_page(request: Request, lot: str) -> HTMLResponse:
        if not _LOT.fullmatch(lot):
            return pages.not_found(request, about="lot")
        page = _page(request)
        with pages.deps.read() as reader:
            journey = reader.find_journey(lot)
            if journey is None:
                return pages.not_found(request, about="lot")
            sources = [*journey.came_from, lot]
            portrait = draw(reader, Places(reader), journey)
            lifts = reader.lifts_in_lots(sources, offset=(page - 1) * _LIFTS_A_PAGE, limit=_LIFTS_A_PAGE)
            count = reader.count_lifts_in_lots(sources)
            judged = judge_for_page(pages.deps, reader, lot, journey.became)
            cases = CaseReading(reader, reader.present(pages.deps.now())).of_subject(SubjectKind.LOT, lot)
        shows_all = "all" in request.query_params
        return pages.render(
            request,
            "lot.html",
            journey=journey,
            portrait=portrait,
            judged=judged,
            cases=cases,
            mixed_with=streams_in(portrait.lot.mixture),
            shown=portrait.steps if shows_all else portrait.steps[:_STEPS_SHOWN],
            lifts=lifts,
            lift_count=count,
            page=page,
            pages=_pages(count, _LIFTS_A_PAGE),
        )


def _page(request: Request) -> int:
    asked = request.query_params.get("page", "1")
    return int(asked) if _PAGE_NUMBER.fullmatch(asked) else 1


def _pages(count: int, size: int) -> int:
    return max(1, -(-count // size))
