"""The API as an application: routes, problems, request ids, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from backend.api import (
    routes_balance,
    routes_books,
    routes_bundles,
    routes_cases,
    routes_continuity,
    routes_devices,
    routes_directory,
    routes_enrolments,
    routes_fate,
    routes_health,
    routes_hotline,
    routes_indicators,
    routes_inspections,
    routes_judgements,
    routes_mandates,
    routes_open_data,
    routes_operations,
    routes_problems,
    routes_radar,
    routes_renewals,
    routes_segments,
)
from backend.api.deps import Services
from backend.api.headers import SafeHeaders
from backend.api.limits import BodyLimit, BodyTooLarge
from backend.api.named_requests import NamedRequests
from backend.api.problems import ApiProblem, problem_of, respond
from backend.domain.errors import DomainError

_BY_STATUS = {400: "invalid-json", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}

ErrorPage = Callable[[Request, int], Response | None]
"""A page for a person's browser, or None where a program asks."""


def _no_page(_request: Request, _status: int) -> None:
    return None


def create_api(services: Services, *, max_body_bytes: int, error_page: ErrorPage = _no_page) -> FastAPI:
    """Return the application; `services` are the parts behind it."""
    app = FastAPI(
        title="Huanlian 环链",
        version="1",
        description="Waste custody as facts signed on the device and recorded on a chain.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.state.error_page = error_page
    versioned = APIRouter(prefix="/api/v1")
    for routes in (
        routes_segments,
        routes_devices,
        routes_enrolments,
        routes_renewals,
        routes_books,
        routes_directory,
        routes_bundles,
        routes_judgements,
        routes_mandates,
        routes_balance,
        routes_fate,
        routes_indicators,
        routes_radar,
        routes_cases,
        routes_hotline,
        routes_inspections,
    ):
        versioned.include_router(routes.router)
    versioned.include_router(routes_operations.public)
    versioned.include_router(routes_continuity.router)
    versioned.include_router(routes_open_data.router)
    app.include_router(versioned)
    app.include_router(routes_health.router)
    app.include_router(routes_operations.router)
    app.include_router(routes_problems.router)
    _answer_with_problems(app, error_page)
    app.add_middleware(NamedRequests, too_large=_too_large)
    app.add_middleware(BodyLimit, max_body_bytes=max_body_bytes)
    app.add_middleware(SafeHeaders)
    return app


def _too_large(request: Request, detail: str) -> Response:
    page: Response | None = request.app.state.error_page(request, 413)
    return page or respond(request, ApiProblem("too-large", detail))


def _answer_with_problems(app: FastAPI, error_page: ErrorPage) -> None:
    @app.exception_handler(DomainError)
    async def domain_error(request: Request, error: DomainError) -> JSONResponse:
        return respond(request, problem_of(error))

    @app.exception_handler(ApiProblem)
    async def api_problem(request: Request, problem: ApiProblem) -> JSONResponse:
        return respond(request, problem)

    @app.exception_handler(BodyTooLarge)
    async def too_large(request: Request, _error: BodyTooLarge) -> JSONResponse:
        return respond(request, ApiProblem("too-large", "The body is longer than allowed."))

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        found: list[dict[str, Any]] = list(error.errors())
        if any(item["type"] == "json_invalid" for item in found):
            return respond(request, ApiProblem("invalid-json", "The body could not be parsed."))
        errors = [
            {"pointer": _pointer(item["loc"]), "code": item["type"], "message": item["msg"]} for item in found
        ]
        return respond(request, ApiProblem("malformed-request", errors[0]["message"], errors=errors))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        page = error_page(request, error.status_code) if error.status_code == 404 else None
        if page is not None:
            return page
        slug = _BY_STATUS.get(error.status_code, "internal-error")
        answer = respond(request, ApiProblem(slug, str(error.detail)))
        answer.headers.update(error.headers or {})
        if error.status_code == 405:
            answer.headers["Allow"] = _allowed_methods(request)
        return answer


def _allowed_methods(request: Request) -> str:
    """Return the methods of all routes at an address; the router names those of the first only."""
    routes = iter_route_contexts(request.app.routes)
    found = (r.methods for r in routes if r.methods and r.path_regex.match(request.url.path))
    return ", ".join(sorted({method for methods in found for method in methods}))


def _pointer(location: tuple[int | str, ...]) -> str:
    """Return a JSON Pointer into the body, or the parameter's name."""
    parts = location[1:] if location and location[0] in ("body", "path", "query") else location
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in parts)
