"""Every request gets a name, in its answer and in the log, and its time in the metrics."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import Final

import structlog
from fastapi import Request, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.deps import services_of
from backend.api.limits import BodyTooLarge
from backend.api.problems import ApiProblem, respond

log = structlog.get_logger("api")

_SECRET_PARTS: Final = re.compile(r"(/enrolments/|/complaints/)[^/]+")


class NamedRequests:
    """Names requests, and answers where nothing behind it did; no body, code or query is logged.

    Directly on ASGI: a middleware of functions hands each answer over between two tasks, which costs a phone's
    upload more than checking its seal does.
    """

    def __init__(self, app: ASGIApp, *, too_large: Callable[[Request, str], Response]) -> None:
        self.app, self.too_large = app, too_large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back under the request's name."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status, request = time.perf_counter(), 0, Request(scope)
        request_id = request.state.request_id = secrets.token_hex(8)

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            if getattr(request.state, "body_is_too_large", False):
                await self.too_large(request, "The declared length is too large.")(scope, receive, named)
            else:
                await self.app(scope, receive, named)
        except BodyTooLarge as error:
            if status:
                raise
            await self.too_large(request, str(error.detail))(scope, receive, named)
        except Exception:
            log.exception("request failed", request_id=request_id)
            if status:  # half an answer is out: only the line can be cut
                raise
            problem = ApiProblem("internal-error", "It is logged under the request_id.")
            await respond(request, problem)(scope, receive, named)
        finally:
            # The route's pattern, not the address: that holds ids.
            route = getattr(scope.get("route"), "path", "none")
            seconds = time.perf_counter() - began
            services_of(request).metrics.answer_seconds.labels(request.method, route, status).observe(seconds)
            log.info(
                "request",
                request_id=request_id,
                method=request.method,
                path=_SECRET_PARTS.sub(r"\1…", request.url.path),
                status=status,
            )
