"""Pages to sign in: by passkey, by the identity provider, by an invitation, or by a button in a demonstration."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import IntegrityError

from backend.console import language
from backend.console.demo_people import DEMO_PEOPLE
from backend.console.forms import RateLimit
from backend.console.pages import Pages
from backend.console.who import (
    NotPermitted,
    end_presented_session,
    give_session,
    given_token,
    is_tls,
    own_page,
    people_of,
)
from backend.domain.errors import DomainError
from backend.domain.people import INVITATION_SECONDS, Person, secret_digest
from backend.domain.people_errors import BadPasskey, IdentityTaken, PeopleError, UnknownAttempt, UnknownIdentity
from backend.domain.sign_in_passkey import PasskeyAnswer, relying_party_of
from backend.domain.strict_json import InvalidJson, read_json
from backend.exchange.oidc import OidcProvider, ProviderAway
from backend.usecases.people import (
    Begun,
    SignedIn,
    accept_with_passkey,
    begin_attempt,
    enter_demo,
    open_invitation,
    sign_in_with_identity,
    sign_in_with_passkey,
    take_attempt,
)

_BROWSER: Final = "sign-in"
_BROWSER_SECONDS: Final = 3600
ASKED_A_WINDOW: Final = 120
WINDOW_SECONDS: Final = 600
"""From one address: a passkey takes two questions, and a whole office may be behind one address."""
_BODY_BYTES_MAX: Final = 64 * 1024
_NOT_KEPT: Final = {"Cache-Control": "private, no-store"}
_BACK: Final = "/sign-in/oidc/back"


class _TooOften(PeopleError):
    slug = "too-often"


class _NoAnswer(PeopleError):
    slug = "no-answer"


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the pages; without a database to write to nobody can sign in."""
    if pages.deps.write is None:
        return
    door = _Door(pages)
    _add_pages(router, door)
    _add_passkeys(router, door)
    _add_invitations(router, door)
    if pages.deps.identity_provider is not None:
        _add_identities(router, door, pages.deps.identity_provider)
    if pages.deps.is_demo:
        _add_demo(router, door)


class _Door:
    """What all ways in share: how often may be asked, which browser asks, and what it gets."""

    def __init__(self, pages: Pages) -> None:
        self.pages, self.deps = pages, pages.deps
        self._limit = RateLimit(count=ASKED_A_WINDOW, window_seconds=WINDOW_SECONDS, now=pages.deps.now)

    def require_patience(self, request: Request) -> None:
        """Count one more question.

        Raises:
            _TooOften: it is one too many.
        """
        if not self._limit.allows(request.client.host if request.client else ""):
            raise _TooOften

    async def fields(self, request: Request) -> dict[str, str]:
        """Return what a page of ours sends as JSON.

        Raises:
            _TooOften: it is asked too often.
            NotPermitted: the page does not hold this browser's token.
            _NoAnswer: it is not what our page sends.
        """
        self.require_patience(request)
        body = await request.body()
        try:
            said = read_json(body) if len(body) <= _BODY_BYTES_MAX else None
        except InvalidJson as error:
            raise _NoAnswer from error
        if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
            raise _NoAnswer
        self.require_token(request, said.get("token", ""))
        return said

    def require_token(self, request: Request, token: str) -> None:
        """Let only a form go on that was shown to this browser.

        Raises:
            NotPermitted: it was not.
        """
        browser = self.browser_of(request)
        if not browser or not secrets.compare_digest(token.encode(), _form_token(browser).encode()):
            raise NotPermitted("token")

    def browser_of(self, request: Request) -> str:
        """Return the secret of this browser, by which its answer is known as its own."""
        return request.cookies.get(_browser_cookie(request), "")

    def show(self, request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page with this browser's token in it."""
        browser = self.browser_of(request) or secrets.token_urlsafe(32)
        page = self.pages.render(
            request, template, status=status, headers=_NOT_KEPT, token=_form_token(browser), **values
        )
        page.set_cookie(
            _browser_cookie(request),
            browser,
            max_age=_BROWSER_SECONDS,
            path="/",
            httponly=True,
            samesite="lax",
            secure=is_tls(request),
        )
        return page

    def sign_in_page(
        self, request: Request, *, status: int = 200, wrong: str = "", next_page: str | None = None
    ) -> HTMLResponse:
        """Return the page with all ways in."""
        asked = request.query_params.get("next", "/") if next_page is None else next_page
        return self.show(
            request,
            "sign_in.html",
            status=status,
            wrong=wrong,
            next=own_page(asked),
            has_provider=self.deps.identity_provider is not None,
            demo_people=DEMO_PEOPLE if self.deps.is_demo else (),
        )

    def welcome(self, request: Request, response: Response, work: Callable[[], SignedIn]) -> Response:
        """Sign somebody in, and give the response to their browser the new session; an older one is ended."""
        signed_in = work()
        end_presented_session(self.deps, request)
        give_session(request, response, signed_in.token)
        response.headers.update(_NOT_KEPT)
        return response

    async def answer(self, request: Request, work: Callable[[dict[str, str]], Response]) -> Response:
        """Answer a page's script; what is wrong is said in its reader's words."""
        try:
            said = await self.fields(request)
            return await run_in_threadpool(work, said)
        except (PeopleError, ProviderAway, NotPermitted) as error:
            return _refusal(request, error)
        except IntegrityError:  # two browsers brought the same key at the same time
            return _refusal(request, IdentityTaken())


def _add_pages(router: APIRouter, door: _Door) -> None:
    @router.get("/sign-in")
    def sign_in(request: Request) -> HTMLResponse:
        return door.sign_in_page(request)

    @router.get("/invitation")
    def invitation(request: Request) -> HTMLResponse:
        """The secret is behind the address's `#`, which no browser sends: the page's script asks with it."""
        return door.show(
            request,
            "invitation.html",
            has_provider=door.deps.identity_provider is not None,
            hours=INVITATION_SECONDS // 3600,
        )


def _add_passkeys(router: APIRouter, door: _Door) -> None:
    @router.post("/sign-in/question")
    async def question(request: Request) -> Response:
        def work(_said: dict[str, str]) -> Response:
            with people_of(door.deps) as people:
                begun = begin_attempt(people, browser=door.browser_of(request), now=door.deps.now())
            return JSONResponse({**_asked(request, begun)}, headers=_NOT_KEPT)

        return await door.answer(request, work)

    @router.post("/sign-in/passkey")
    async def passkey(request: Request) -> Response:
        def work(said: dict[str, str]) -> Response:
            challenge = _take(door, request, said)

            def sign() -> SignedIn:
                with people_of(door.deps) as people:
                    return sign_in_with_passkey(
                        people,
                        challenge=challenge,
                        origin=_origin(request),
                        credential_id=_bytes(said, "credential_id"),
                        answer=PasskeyAnswer(
                            _bytes(said, "client_data"),
                            _bytes(said, "authenticator_data"),
                            _bytes(said, "signature"),
                        ),
                        now=door.deps.now(),
                    )

            return door.welcome(request, JSONResponse({"next": own_page(said.get("next", "/"))}), sign)

        return await door.answer(request, work)


def _add_invitations(router: APIRouter, door: _Door) -> None:
    @router.post("/invitation/question")
    async def question(request: Request) -> Response:
        def work(said: dict[str, str]) -> Response:
            now, secret = door.deps.now(), said.get("secret", "")
            with people_of(door.deps) as people:
                person = open_invitation(people, secret, now)
                begun = begin_attempt(people, browser=door.browser_of(request), now=now, invitation_secret=secret)
            shown = _introduced(door, request, person)
            return JSONResponse({**_asked(request, begun), **shown}, headers=_NOT_KEPT)

        return await door.answer(request, work)

    @router.post("/invitation/passkey")
    async def passkey(request: Request) -> Response:
        def work(said: dict[str, str]) -> Response:
            challenge = _bytes(said, "challenge")
            now = door.deps.now()
            with people_of(door.deps) as people:
                attempt = take_attempt(people, challenge, browser=door.browser_of(request), now=now)

            def sign() -> SignedIn:
                with people_of(door.deps) as people:
                    return accept_with_passkey(
                        people,
                        attempt,
                        challenge=challenge,
                        origin=_origin(request),
                        client_data=_bytes(said, "client_data"),
                        authenticator_data=_bytes(said, "authenticator_data"),
                        now=now,
                    )

            return door.welcome(request, JSONResponse({"next": "/account"}), sign)

        return await door.answer(request, work)


def _add_identities(router: APIRouter, door: _Door, provider: OidcProvider) -> None:
    def address(request: Request, begun: Begun) -> str:
        return provider.address(
            state=begun.challenge.hex(),
            nonce=begun.nonce,
            verifier=begun.verifier,
            redirect=_origin(request) + _BACK,
        )

    @router.post("/invitation/identity")
    async def accept(request: Request) -> Response:
        def work(said: dict[str, str]) -> Response:
            now, secret = door.deps.now(), said.get("secret", "")
            with people_of(door.deps) as people:
                open_invitation(people, secret, now)
                begun = begin_attempt(
                    people,
                    browser=door.browser_of(request),
                    now=now,
                    invitation_secret=secret,
                    next_page="/account",
                )
            return JSONResponse({"address": address(request, begun)}, headers=_NOT_KEPT)

        return await door.answer(request, work)

    @router.get("/sign-in/oidc")
    def leave(request: Request) -> Response:
        """A link, not a form: the policy of our pages lets no form end on another site."""
        next_page = own_page(request.query_params.get("next", "/"))
        try:
            door.require_patience(request)
            browser = door.browser_of(request)
            if not browser:
                raise UnknownAttempt
            with people_of(door.deps) as people:
                begun = begin_attempt(people, browser=browser, now=door.deps.now(), next_page=next_page)
            return RedirectResponse(address(request, begun), 303, headers=_NOT_KEPT)
        except (PeopleError, ProviderAway) as error:
            return door.sign_in_page(request, status=_status(error), wrong=error.slug, next_page=next_page)

    @router.get(_BACK)
    def back(request: Request) -> Response:
        asked, now = request.query_params, door.deps.now()
        try:
            door.require_patience(request)
            with people_of(door.deps) as people:
                attempt = take_attempt(
                    people, _hex(asked.get("state", "")), browser=door.browser_of(request), now=now
                )
            if "code" not in asked:
                raise UnknownIdentity
            identity = provider.identity(
                code=asked["code"],
                nonce=attempt.nonce,
                verifier=attempt.verifier,
                redirect=_origin(request) + _BACK,
                now=now,
            )

            def sign() -> SignedIn:
                with people_of(door.deps) as people:
                    return sign_in_with_identity(people, attempt, identity, now)

            return door.welcome(request, RedirectResponse(own_page(attempt.next), 303), sign)
        except IntegrityError:
            return door.sign_in_page(request, status=403, wrong=IdentityTaken.slug, next_page="/")
        except (PeopleError, ProviderAway) as error:
            return door.sign_in_page(request, status=_status(error), wrong=error.slug, next_page="/")


def _add_demo(router: APIRouter, door: _Door) -> None:
    @router.post("/demo/enter")
    async def enter(request: Request) -> Response:
        try:
            door.require_patience(request)
        except _TooOften:
            return await run_in_threadpool(door.sign_in_page, request, status=429, wrong=_TooOften.slug)
        door.require_token(request, await given_token(request))
        fields = await request.form()
        made_up = next((each for each in DEMO_PEOPLE if each.role == fields.get("role")), None)
        if made_up is None:
            return await run_in_threadpool(door.sign_in_page, request, status=422, wrong="no-answer")

        def sign() -> SignedIn:
            with people_of(door.deps) as people:
                return enter_demo(
                    people,
                    role=made_up.role,
                    name=made_up.name,
                    organisation=made_up.organisation,
                    is_demo=door.deps.is_demo,
                    now=door.deps.now(),
                )

        next_page = fields.get("next")
        answer = RedirectResponse(own_page(next_page if isinstance(next_page, str) else "/"), 303)
        return await run_in_threadpool(door.welcome, request, answer, sign)


def _take(door: _Door, request: Request, said: dict[str, str]) -> bytes:
    """Return the question that is answered, which nobody can answer again."""
    challenge = _bytes(said, "challenge")
    with people_of(door.deps) as people:
        attempt = take_attempt(people, challenge, browser=door.browser_of(request), now=door.deps.now())
    if attempt.invitation:
        raise UnknownAttempt
    return challenge


def _asked(request: Request, begun: Begun) -> dict[str, str]:
    return {"challenge": _text(begun.challenge), "relying_party": relying_party_of(_origin(request))}


def _introduced(door: _Door, request: Request, person: Person) -> dict[str, str]:
    """Return who is invited, as they read it, and the handle under which an authenticator keeps the passkey."""
    words = language.Words(language.language_of(request))
    with door.deps.read() as reader:
        organisation = words.name(reader.organisation(f"{person.organisation:06x}").name)
    return {
        "person": _text(bytes.fromhex(person.id)),
        "name": person.name,
        "role": words(f"signin.role.{person.role}"),
        "organisation": organisation,
    }


def _refusal(request: Request, error: Exception) -> JSONResponse:
    wrong = error.slug if isinstance(error, DomainError) else "token"
    words = language.Words(language.language_of(request))
    headers = {**_NOT_KEPT, **({"Retry-After": str(WINDOW_SECONDS)} if wrong == _TooOften.slug else {})}
    return JSONResponse(
        {"wrong": wrong, "message": words(f"signin.wrong.{wrong}")}, _status(error), headers=headers
    )


def _status(error: Exception) -> int:
    match error:
        case _TooOften():
            return 429
        case _NoAnswer():
            return 422
        case ProviderAway():
            return 503
        case _:
            return 403


def _origin(request: Request) -> str:
    """Return the origin that the browser sees: the scheme and the host that it asked for."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def _form_token(browser: str) -> str:
    return secret_digest("sign-in form", browser)


def _browser_cookie(request: Request) -> str:
    return f"__Host-{_BROWSER}" if is_tls(request) else _BROWSER


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(said: dict[str, str], name: str) -> bytes:
    text = said.get(name, "")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadPasskey(f"{name} is not in base64url") from error


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise UnknownAttempt from error
