"""The page with the open data of a day, and what share of the city it speaks of."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console.pages import Pages
from backend.domain.set_facts import date_of

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the page; without a day it shows the newest on which something was recorded."""

    @router.get("/open-data")
    def open_data(request: Request, day: str = "") -> HTMLResponse:
        if day and not _DATE.fullmatch(day):
            return pages.not_found(request)
        days = list(pages.deps.open_days())
        chosen = day or (days[0].date if days else date_of(pages.deps.now()))
        try:
            found = pages.deps.open_day(chosen)
        except ValueError:
            return pages.not_found(request)
        coverage = found.coverage
        return pages.render(
            request,
            "open_data.html",
            days=days,
            day=chosen,
            data=found.data,
            coverage=coverage,
            shares=(("points", *coverage.points), ("bins", *coverage.bins), ("devices", *coverage.devices)),
            anchors=found.anchors,
        )
