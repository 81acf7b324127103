"""Forms that strangers send without signing in: whose page sent them, how often, and what a program fills in."""

from __future__ import annotations

import re
import secrets
from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from http import HTTPStatus
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

COOKIE: Final = "complaint_form"
_COOKIE_SECONDS: Final = 6 * 3600
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_ADDRESSES_MAX: Final = 10_000


async def read_form(request: Request, *, files_max: int, fields_max: int, field_bytes_max: int) -> FormData | None:
    """Return what a form holds; None for what is no form, or has fields without end.

    Raises:
        HTTPException: the body was longer than any may be; whoever limits bodies answers that.
    """
    try:
        return await request.form(max_files=files_max, max_fields=fields_max, max_part_size=field_bytes_max)
    except HTTPException as error:
        if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise
        return None


def form_token(request: Request) -> str:
    """Return the visitor's form token: the one they have, or 256 new random bits."""
    token = request.cookies.get(COOKIE, "")
    return token if _TOKEN.fullmatch(token) else secrets.token_urlsafe(32)


def give_token(request: Request, response: Response, token: str) -> None:
    """Put the token into a cookie that only forms of this site bring back."""
    is_https = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, token, max_age=_COOKIE_SECONDS, samesite="strict", httponly=True, secure=is_https, path="/bins"
    )


def is_own_form(request: Request, token: str) -> bool:
    """Say whether a page of ours sent this form: the browser says so, and the form knows the visitor's token."""
    cookie = request.cookies.get(COOKIE, "")
    return is_same_origin(request) and bool(_TOKEN.fullmatch(token)) and secrets.compare_digest(cookie, token)


def is_same_origin(request: Request, *, null_is_own: bool = False) -> bool:
    """Say whether no page of another site sent this.

    `null_is_own`: for forms on pages whose address is a secret. Those tell no site their address (no-referrer),
    and older browsers then write the origin as `null`.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    # Every browser names the origin of a POST; what names none is no browser that could be led astray.
    origin = request.headers.get("origin")
    if origin is None or (null_is_own and origin == "null"):
        return True
    return urlsplit(origin).netloc == request.headers.get("host")


class RateLimit:
    """So many a window for each address, in the memory of this process; addresses only as keyed hashes."""

    def __init__(self, *, count: int, window_seconds: int, now: Callable[[], int]) -> None:
        self._count, self._window_seconds, self._now = count, window_seconds, now
        self._key, self._lock = secrets.token_bytes(16), Lock()
        self._seen: dict[bytes, deque[int]] = {}

    def allows(self, address: str) -> bool:
        """Count one more from an address; say whether it was not too many."""
        name, now = blake2b(address.encode(), key=self._key, digest_size=16).digest(), self._now()
        with self._lock:
            times = self._seen.pop(name, deque())
            while times and times[0] <= now - self._window_seconds:
                times.popleft()
            self._seen[name] = times  # the newest is last, so the first is the one to forget
            if len(self._seen) > _ADDRESSES_MAX:
                del self._seen[next(iter(self._seen))]
            if len(times) >= self._count:
                return False
            times.append(now)
            return True
