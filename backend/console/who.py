"""Who asks: the session behind a request, and the dependency that a page with power states its people by.

A page says `who: Annotated[Who, Depends(require(RouteGroup.COMPLAINTS))]`, and nothing else: nobody signed in is
sent to sign in, another role is refused, a form without the session's token is refused, and sensitive reads are
written down.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from backend.console.deps import ConsoleDeps
from backend.console.forms import read_form
from backend.domain.people import SEEN_EVERY_SECONDS, Person, Session, secret_digest
from backend.domain.permissions import PERMISSIONS, RouteGroup, is_permitted
from backend.store.people import PeopleStore
from backend.usecases.people import find_session, log_read

_LOG = logging.getLogger(__name__)
SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
FORM_FIELD_BYTES: Final = 16 * 1024
_FIELDS_MAX: Final = 100
_COOKIE: Final = "huanlian"
_LOGGED_TRIES: Final = 5
_NOT_ASKED_YET: Final = object()


@dataclass(frozen=True)
class Who:
    """Somebody who is signed in; `form_token` is what their forms carry as `token`."""

    person: Person
    session: Session
    form_token: str


class NobodySignedIn(Exception):
    """A page with power was asked for by nobody that we know."""


class NotPermitted(Exception):
    """Somebody who is signed in may not do this; `why` is `role`, `token` or `origin`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class require:
    """The dependency of a route in a group; gives the person, who may use it, or ends the request."""

    def __init__(self, group: RouteGroup) -> None:
        self.group = group

    async def __call__(self, request: Request) -> Who:
        """Return who asks.

        Raises:
            NobodySignedIn: there is no session.
            NotPermitted: their role is not in the group, or the form is not of this session.
        """
        deps: ConsoleDeps = request.state.console
        who = await run_in_threadpool(who_of, deps, request)
        if who is None:
            raise NobodySignedIn
        if not is_permitted(who.person.role, self.group):
            raise NotPermitted("role")
        if request.method not in SAFE_METHODS:
            if not secrets.compare_digest((await given_token(request)).encode(), who.form_token.encode()):
                raise NotPermitted("token")
        elif PERMISSIONS[self.group].is_read_logged:
            await run_in_threadpool(_log_read, deps, who.person, request.url.path)
        return who


def who_of(deps: ConsoleDeps, request: Request) -> Who | None:
    """Return who asks, once for each request; None where nobody is signed in."""
    known = getattr(request.state, "who", _NOT_ASKED_YET)
    if known is _NOT_ASKED_YET:
        known = request.state.who = _find(deps, request)
    return known if isinstance(known, Who) else None


def who_is_known(request: Request) -> Who | None:
    """Return who asks where that was found out already; asks no database."""
    known = getattr(request.state, "who", None)
    return known if isinstance(known, Who) else None


def cookie_name(request: Request) -> str:
    """Return the session cookie's name: over TLS one that no other host and no plain page can set."""
    return f"__Host-{_COOKIE}" if is_tls(request) else _COOKIE


def is_tls(request: Request) -> bool:
    """Say whether the browser speaks TLS with us."""
    return request.url.scheme == "https"


def give_session(request: Request, response: Response, token: str) -> None:
    """Put a new session's token into the browser."""
    response.set_cookie(
        cookie_name(request), token, path="/", httponly=True, samesite="lax", secure=is_tls(request)
    )


def take_session(request: Request, response: Response) -> None:
    """Take the session's token out of the browser."""
    response.delete_cookie(cookie_name(request), path="/", httponly=True, samesite="lax", secure=is_tls(request))


def end_presented_session(deps: ConsoleDeps, request: Request) -> None:
    """End the session that a browser brings to a sign-in: what it held before is of no use afterwards."""
    before = who_of(deps, request)
    if before is not None:
        with people_of(deps) as people:
            people.end_session(before.session.id, person=before.person.id)


@contextmanager
def people_of(deps: ConsoleDeps) -> Iterator[PeopleStore]:
    """Yield people in a writing transaction."""
    assert deps.write is not None, "these pages are only there where something can be written"
    with deps.write() as connection:
        yield PeopleStore(connection)


def sign_in_address(request: Request) -> str:
    """Return where to sign in, and come back to this page afterwards."""
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/sign-in" if request.method != "GET" else f"/sign-in?next={quote(back, safe='/')}"


def own_page(address: str) -> str:
    """Return an address to go on to if it is one of our own pages, else the first page.

    Only a path counts, with one slash first, without a backslash or control character, which browsers read as
    something else: no link can use our sign-in to lead somebody astray.
    """
    if not address.startswith("/") or address.startswith("//") or "\\" in address or not address.isprintable():
        return "/"
    parts = urlsplit(address)
    return "/" if parts.scheme or parts.netloc else address


def _find(deps: ConsoleDeps, request: Request) -> Who | None:
    token = request.cookies.get(cookie_name(request), "")
    if not token or deps.write is None:
        return None
    now = deps.now()
    with deps.read() as reader:
        session = find_session(PeopleStore(reader.connection), token, now=now, is_demo=deps.is_demo)
    if session is None:
        return None
    if now - session.seen_at >= SEEN_EVERY_SECONDS:
        try:
            with people_of(deps) as people:
                people.see_session(session.id, now)
        except SQLAlchemyError:  # a disk that is full now ends the session sooner, and shows the page all the same
            _LOG.warning("that a session was used could not be written down", exc_info=True)
    return Who(session.person, session, secret_digest("form", token))


async def given_token(request: Request) -> str:
    """Return the token of a form, or of a program's header."""
    header = request.headers.get("x-form-token")
    if header is not None:
        return header
    # Read once and kept by the request: the page's own `await request.form()` gives the same.
    fields = await read_form(request, files_max=1, fields_max=_FIELDS_MAX, field_bytes_max=FORM_FIELD_BYTES)
    if fields is None:
        return ""
    token = fields.get("token")
    return token if isinstance(token, str) else ""


def _log_read(deps: ConsoleDeps, person: Person, page: str) -> None:
    """Write down who reads what, before it is shown; once more when somebody else took the same number."""
    for tries_left in reversed(range(_LOGGED_TRIES)):
        try:
            with people_of(deps) as people:
                log_read(people, person, page, deps.now())
            return
        except IntegrityError:
            if not tries_left:
                raise
