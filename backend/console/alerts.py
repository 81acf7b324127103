"""The page with what was raised, and whether those who asked for it were told."""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console.pages import Pages
from backend.store.alerts import AlertStore

_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,5}")
_ALERTS_A_PAGE: Final = 30


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the page."""

    @router.get("/alerts")
    def alerts(request: Request) -> HTMLResponse:
        asked = request.query_params.get("page", "1")
        page = int(asked) if _PAGE_NUMBER.fullmatch(asked) else 1
        with pages.deps.read() as reader:
            # One more than is shown tells whether there is another page.
            lines = AlertStore(reader.connection).newest(
                limit=_ALERTS_A_PAGE + 1, offset=(page - 1) * _ALERTS_A_PAGE
            )
            sites = {site.site: site for site in reader.sites()}
            named = {line.alert.about.get(key, "") for line in lines for key in ("owner", "organisation")} - {""}
            organisations = {one: reader.organisation(one) for one in named}
        return pages.render(
            request,
            "alerts.html",
            lines=lines[:_ALERTS_A_PAGE],
            sites=sites,
            organisations=organisations,
            page=page,
            pages=page + (len(lines) > _ALERTS_A_PAGE),
        )
