"""One's own page: who one is here, where one is signed in, and how to end it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from backend.console.pages import Pages
from backend.console.who import Who, people_of, require, take_session
from backend.domain.people import IDLE_SECONDS, SESSION_SECONDS
from backend.domain.permissions import PERMISSIONS, RouteGroup, is_permitted
from backend.domain.types import organisation_text
from backend.store.people import PeopleStore

_Mine = Annotated[Who, Depends(require(RouteGroup.ACCOUNT))]


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the page and its buttons."""

    @router.get("/account")
    def account(request: Request, who: _Mine) -> HTMLResponse:
        with pages.deps.read() as reader:
            sessions = PeopleStore(reader.connection).sessions_of(who.person.id)
            organisation = reader.organisation(organisation_text(who.person.organisation))
        return pages.render(
            request,
            "account.html",
            sessions=[each for each in sessions if not each.is_over(pages.deps.now())],
            organisation=organisation,
            groups=[group for group in PERMISSIONS if is_permitted(who.person.role, group)],
            idle_hours=IDLE_SECONDS // 3600,
            session_hours=SESSION_SECONDS // 3600,
        )

    @router.post("/account/sessions/end")
    async def end(request: Request, who: _Mine) -> Response:
        session = (await request.form()).get("session")

        def work() -> Response:
            with people_of(pages.deps) as people:
                ended = isinstance(session, str) and people.end_session(session, person=who.person.id)
            if not ended:
                return pages.not_found(request)
            return _signed_out(request) if session == who.session.id else _back("/account")

        return await run_in_threadpool(work)

    @router.post("/account/sessions/end-all")
    def end_all(request: Request, who: _Mine) -> Response:
        with people_of(pages.deps) as people:
            people.end_sessions(who.person.id)
        return _signed_out(request)

    @router.post("/sign-out")
    def sign_out(request: Request, who: _Mine) -> Response:
        with people_of(pages.deps) as people:
            people.end_session(who.session.id, person=who.person.id)
        return _signed_out(request)


def _signed_out(request: Request) -> Response:
    answer = _back("/")
    take_session(request, answer)
    return answer


def _back(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, headers={"Cache-Control": "private, no-store"})
