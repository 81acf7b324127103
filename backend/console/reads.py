"""Who read which page that shows more than the public sees: for regulators, and itself one of those pages."""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from backend.console.pages import Pages
from backend.console.who import require
from backend.domain.permissions import RouteGroup
from backend.domain.types import organisation_text
from backend.store.people import PeopleStore

_LINES_A_PAGE: Final = 100
_PAGE_NUMBER: Final = re.compile(r"[1-9][0-9]{0,5}")


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the page."""

    @router.get("/reads", dependencies=[Depends(require(RouteGroup.READS))])
    def reads(request: Request) -> HTMLResponse:
        asked = request.query_params.get("page", "1")
        page = int(asked) if _PAGE_NUMBER.fullmatch(asked) else 1
        with pages.deps.read() as reader:
            store = PeopleStore(reader.connection)
            # One line more than is shown: the oldest shown one is held against it.
            found, count = (
                store.reads(offset=(page - 1) * _LINES_A_PAGE, limit=_LINES_A_PAGE + 1),
                store.count_reads(),
            )
            names = {
                line.person.organisation: reader.organisation(organisation_text(line.person.organisation)).name
                for line in found
            }
        before = [line.read for line in found[1:]]
        follow = [line.read.follows(old) for line, old in zip(found, before, strict=False)]
        if 0 < len(found) <= _LINES_A_PAGE:
            follow.append(found[-1].read.follows(None))
        return pages.render(
            request,
            "reads.html",
            lines=list(zip(found[:_LINES_A_PAGE], follow, strict=True)),
            names=names,
            is_whole=all(follow),
            count=count,
            page=page,
            pages=max(1, -(-count // _LINES_A_PAGE)),
        )
