"""The largest body that is read at all."""

from __future__ import annotations

import re
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PHOTO_BODY_BYTES: Final = 11 * 1024 * 1024
"""A photo as a phone takes it, and the form around it."""
_WITH_PHOTO: Final = re.compile(r"/bins/[^/]+/complaint")


class BodyTooLarge(HTTPException):
    """More bytes came than one request may bring."""

    def __init__(self) -> None:
        super().__init__(413, "The body is longer than allowed.")


class BodyLimit:
    """Stops reading a body as soon as it is too large; the bytes are never gathered."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self.app, self.max_body_bytes = app, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting what it brings."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = self.max_body_bytes
        if scope["method"] == "POST" and _WITH_PHOTO.fullmatch(scope["path"]):
            most = max(most, PHOTO_BODY_BYTES)
        scope.setdefault("state", {})["body_is_too_large"] = _declared(scope) > most
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise BodyTooLarge
            return message

        await self.app(scope, counted, send)


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
