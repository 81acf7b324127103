"""Reads a request's JSON strictly: see `domain/strict_json.py` for what a lenient reader lets through."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from json import JSONDecodeError
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from backend.api.limits import BodyTooLarge
from backend.domain.strict_json import InvalidJson, read_json


class StrictRequest(Request):
    """A request whose body means one thing only, or nothing."""

    async def body(self) -> bytes:
        """Return the body; FastAPI passes on an HTTPException only."""
        try:
            return await super().body()
        except (BodyTooLarge, ExceptionGroup) as error:
            # A middleware's task group wraps what it passes on.
            if isinstance(error, ExceptionGroup) and error.subgroup(BodyTooLarge) is None:
                raise
            raise HTTPException(413, "The body is longer than allowed.") from error

    async def json(self) -> Any:
        """Return the body's value."""
        try:
            return read_json(await self.body())
        except InvalidJson as error:
            raise JSONDecodeError(str(error), "", 0) from error


class StrictRoute(APIRoute):
    """A route that reads its body strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly
