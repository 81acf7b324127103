"""The page that tells of our own outages."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console.pages import Pages
from backend.usecases.continuity import Continuity, OutageKind, Period

_LISTED: Final = 100


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the page; a period that it does not know is the last 30 days."""

    @router.get("/continuity")
    def continuity(request: Request, period: str = "") -> HTMLResponse:
        chosen = Period(period) if period in set(Period) else Period.LAST_30_DAYS
        found = pages.deps.continuity(chosen)
        return pages.render(
            request,
            "continuity.html",
            period=chosen,
            periods=list(Period),
            kinds=list(OutageKind),
            found=found,
            outages=found.outages[:_LISTED],
            backlogs=found.backlogs[:_LISTED],
            strips={kind: strip_of(found, kind) for kind in OutageKind},
        )


def strip_of(found: Continuity, kind: OutageKind) -> list[tuple[str, str]]:
    """Return where outages lie on a strip as long as the period, as (start, width) in per cent.

    One too short to be seen is drawn wide enough to be.
    """
    length = max(found.to_at - found.from_at, 1)
    pieces = []
    for outage in found.outages:
        if outage.kind is kind:
            start = 100 * (outage.from_at - found.from_at) / length
            width = max(100 * outage.seconds / length, 0.4)
            pieces.append((f"{min(start, 100 - width):.2f}", f"{width:.2f}"))
    return pieces
