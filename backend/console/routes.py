"""The pages and their addresses."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from backend.console import (
    account,
    alerts,
    balance,
    cases,
    city,
    city_map,
    complaint_desk,
    complaints,
    continuity,
    fate,
    indicators,
    inspections,
    lots,
    open_data,
    oversight,
    parks,
    places,
    radar,
    reads,
    sign_in,
    trends,
)
from backend.console.app_files import APP_SAFETY
from backend.console.assets import find_asset
from backend.console.deps import ConsoleDeps
from backend.console.forms import is_same_origin
from backend.console.journeys import Places, Portrait, draw
from backend.console.pages import Pages
from backend.console.who import SAFE_METHODS, NobodySignedIn, NotPermitted, sign_in_address
from backend.domain.custody_state import LotStatus

_LOG = logging.getLogger(__name__)
_STATIC_AGE_SECONDS: Final = 365 * 86_400
_NEWEST: Final = 24
_PICTURES: Final = 6
_GUARDS_ITSELF: Final = "/bins/{number}/complaint"
"""A form that was filled in is shown again with what was written, whatever was wrong with it."""
_DEVICE, _SEQ = re.compile(r"[0-9a-f]{16}"), re.compile(r"[1-9][0-9]{0,12}")


def create_console_router(deps: ConsoleDeps) -> APIRouter:
    """Return the routes of all pages; a fault in one of them shows a page too, not a program's text."""
    pages = Pages(deps)
    router = APIRouter(route_class=_route_class(pages), include_in_schema=False)
    places.add_routes(router, pages)
    lots.add_routes(router, pages)
    continuity.add_routes(router, pages)
    open_data.add_routes(router, pages)
    balance.add_routes(router, pages)
    city.add_routes(router, pages)
    city_map.add_routes(router, pages)
    trends.add_routes(router, pages)
    radar.add_routes(router, pages)
    cases.add_routes(router, pages)
    parks.add_routes(router, pages)
    fate.add_routes(router, pages)
    indicators.add_routes(router, pages)
    complaints.add_routes(router, pages)
    complaint_desk.add_routes(router, pages)
    sign_in.add_routes(router, pages)
    account.add_routes(router, pages)
    oversight.add_routes(router, pages)
    reads.add_routes(router, pages)
    inspections.add_routes(router, pages)
    alerts.add_routes(router, pages)
    _add_home(router, pages)
    _add_verify(router, pages)
    _add_console(router, pages)
    return router


def error_page(deps: ConsoleDeps, request: Request, status: int) -> HTMLResponse:
    """Return the page for an address that no route answers (404), a body that is too large (413), or a fault."""
    pages = Pages(deps)
    if status == 413:
        return pages.too_large(request)
    return pages.broken(request) if status >= 500 else pages.not_found(request)


def wants_page(request: Request) -> bool:
    """Say whether a person's browser asks, so that the answer should be a page."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def add_error_pages(app: FastAPI, deps: ConsoleDeps) -> None:
    """Show pages for errors outside the console's own routes; for an application without its own handlers."""

    async def answer(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return error_page(deps, request, status)

    app.add_exception_handler(404, answer)
    app.add_exception_handler(500, answer)


def _route_class(pages: Pages) -> type[APIRoute]:
    class ConsoleRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                request.state.console = pages.deps
                try:
                    _require_own_page(request, self.path)
                    return await handle(request)
                except NobodySignedIn:
                    return RedirectResponse(sign_in_address(request), 303, headers={"Cache-Control": "no-store"})
                except NotPermitted as why:
                    return pages.forbidden(request, why)
                except Exception as error:
                    if _is_too_large(error):
                        return pages.too_large(request)
                    # The route's pattern, not the address: that may hold a complainant's code.
                    _LOG.exception("the page %s failed", getattr(request.scope.get("route"), "path", "?"))
                    return pages.broken(request)

            return answer

    return ConsoleRoute


def _require_own_page(request: Request, route: str) -> None:
    """Let nothing be changed by a page of another site.

    Raises:
        NotPermitted: one of them sent this.
    """
    if request.method in SAFE_METHODS or route == _GUARDS_ITSELF:
        return
    if not is_same_origin(request, null_is_own=route.startswith("/complaints")):
        raise NotPermitted("origin")


def _is_too_large(error: Exception) -> bool:
    # A middleware's task group wraps what it passes on.
    if isinstance(error, ExceptionGroup):
        return any(_is_too_large(each) for each in error.exceptions)
    return isinstance(error, HTTPException) and error.status_code == 413


def _add_home(router: APIRouter, pages: Pages) -> None:
    @router.get("/")
    def home(request: Request) -> HTMLResponse:
        deps = pages.deps
        with deps.read() as reader:
            known = Places(reader)
            portraits: list[Portrait] = []
            for lot in reader.newest_lots(_NEWEST):
                # A merged lot is shown with the one it went into.
                if len(portraits) == _PICTURES or lot.status == LotStatus.MERGED:
                    continue
                journey = reader.find_journey(lot.lot)
                if journey is not None:
                    portraits.append(draw(reader, known, journey))
            ended = [p for p in portraits if p.is_ended]
            example = max(ended or portraits, key=lambda p: len(p.stops), default=None)
            return pages.render(
                request,
                "home.html",
                example=example,
                portraits=portraits,
                totals=sorted(reader.totals(deps.state()), key=lambda total: total.stream),
                following=reader.following(),
            )


def _add_verify(router: APIRouter, pages: Pages) -> None:
    @router.get("/verify")
    def how_to_verify(request: Request, device: str = "", seq: str = "") -> Response:
        device = re.sub(r"\s", "", device).lower()
        if device or seq:
            return verify(request, device, seq.strip())
        return pages.render(request, "how_to_verify.html")

    @router.get("/verifier.html")
    def verifier(request: Request) -> Response:
        """The page that verifies without this server: to be kept, not to be run from here."""
        built = pages.deps.app_dist / "verify.html"
        if not built.is_file():
            return pages.not_found(request)
        return FileResponse(built, media_type="text/html", filename="huanlian-verifier.html")

    @router.get("/trust.json")
    def trust() -> Response:
        content = json.dumps(pages.deps.trust(), indent=2) + "\n"
        headers = {"Content-Disposition": 'attachment; filename="trust.json"', "Cache-Control": "no-cache"}
        return Response(content, media_type="application/json", headers=headers)

    @router.get("/verify/{device}/{seq}")
    def verify(request: Request, device: str, seq: str) -> HTMLResponse:
        if not _DEVICE.fullmatch(device) or not _SEQ.fullmatch(seq):
            return pages.not_found(request, about="entry")
        with pages.deps.read() as reader:
            entry = reader.find_entry(device, int(seq))
        if entry is None:
            return pages.not_found(request, about="entry")
        is_fragment = request.headers.get("x-fragment") == "1"
        return pages.render(
            request,
            "_verification.html" if is_fragment else "verify.html",
            entry=entry,
            report=pages.deps.verify_entry(device, int(seq)),
        )


def _add_console(router: APIRouter, pages: Pages) -> None:
    @router.get("/devices")
    def devices(request: Request) -> HTMLResponse:
        with pages.deps.read() as reader:
            found = reader.devices()
            now = reader.following().block_time or 0
        organisations: dict[str, list[Any]] = {}
        for device in found:
            organisations.setdefault(device.organisation.organisation, []).append(device)
        return pages.render(request, "devices.html", organisations=organisations, now=now)

    @router.get("/console/registrar")
    def registrar(request: Request) -> Response:
        built = pages.deps.app_dist / "registrar.html"
        if not built.is_file():
            return pages.not_found(request, about="registrar")
        return FileResponse(built, media_type="text/html", headers={**APP_SAFETY, "Cache-Control": "no-cache"})

    @router.get("/console/static/{name}")
    def static(request: Request, name: str) -> Response:
        asset = find_asset(name)
        if asset is None:
            return pages.not_found(request)
        is_exact = request.query_params.get("v") == asset.digest
        age = f"public, max-age={_STATIC_AGE_SECONDS}, immutable" if is_exact else "no-cache"
        headers = {"Cache-Control": age, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
        # Static files only: a page that holds a code beside words of its visitor must not show its length.
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers |= {"Content-Encoding": "gzip", "ETag": f'"{asset.digest}-gzip"'}
            return Response(asset.gzipped, media_type=asset.media_type, headers=headers)
        headers["ETag"] = f'"{asset.digest}"'
        return Response(asset.content, media_type=asset.media_type, headers=headers)
