"""Turns a template into a page in the visitor's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend.console import formats, language
from backend.console.assets import TEMPLATES, asset_url
from backend.console.deps import ConsoleDeps
from backend.console.judgements import rule_text
from backend.console.pictures import slug_of, stream_symbols
from backend.console.who import NotPermitted, Who, who_is_known, who_of
from backend.domain.case_code import grouped_code
from backend.domain.permissions import RouteGroup, is_permitted
from backend.domain.types import AmendedField, Ground, Stream, bin_text, device_text, lot_text

SAFETY: Final = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Language, Cookie, X-Fragment",
}

_OF_ONE_PERSON: Final = {"Cache-Control": "private, no-store"}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "mass": formats.mass_html,
        "mass_text": formats.mass,
        "kilograms": formats.kilograms,
        "signed_mass": formats.signed_mass,
        "grouped": formats.grouped,
        "instant": formats.instant_html,
        "clock": formats.clock,
        "slug": slug_of,
        "device_text": device_text,
        "lot_text": lot_text,
        "bin_text": bin_text,
        "value": formats.value_html,
        "rule_text": rule_text,
        "duration": formats.duration,
        "grouped_code": grouped_code,
    }
    environment.globals |= {
        "per_cent": formats.per_cent,
        "asset": asset_url,
        "stream_symbols": stream_symbols,
        "streams": [int(stream) for stream in Stream],
        "fields": AmendedField,
        "grounds": Ground,
    }
    return environment


class Pages:
    """Renders the console's templates."""

    def __init__(self, deps: ConsoleDeps) -> None:
        self.deps = deps
        self._environment = _environment()

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        asks_who: bool = True,
        **values: Any,
    ) -> HTMLResponse:
        """Return a page in the visitor's language; `?lang=` is remembered in a cookie.

        Unless it `asks_who` is signed in, the page says so only where that is known already.
        """
        words = language.Words(language.language_of(request))
        who = who_of(self.deps, request) if asks_who else who_is_known(request)
        html = self._environment.get_template(template).render(
            t=words,
            lang=words.language,
            ident=_ident(words),
            is_demo=self.deps.is_demo,
            base_url=self.deps.base_url,
            path=request.url.path,
            other_language=_other_language(request, words.language),
            who=who,
            sees=_sees(who),
            can_sign_in=self.deps.write is not None,
            **values,
        )
        own = _OF_ONE_PERSON if who else {}
        response = HTMLResponse(html, status_code=status, headers={**SAFETY, **own, **(headers or {})})
        response.headers["Content-Language"] = "zh-Hans" if words.language == "zh" else "en"
        asked = request.query_params.get("lang")
        if asked is not None and asked in language.TEXTS:
            response.set_cookie(
                language.COOKIE, asked, max_age=language.COOKIE_AGE_SECONDS, samesite="lax", path="/"
            )
        return response

    def not_found(self, request: Request, *, about: str = "page") -> HTMLResponse:
        """Return the page that says that there is no such thing."""
        return self.render(request, "error.html", status=404, about=about)

    def too_large(self, request: Request) -> HTMLResponse:
        """Return the page for a form that brings more than is read."""
        return self.render(request, "error.html", status=413, asks_who=False, about="large")

    def broken(self, request: Request) -> HTMLResponse:
        """Return the page for a fault of ours; it tells nothing of what it was."""
        return self.render(request, "error.html", status=500, asks_who=False, about="fault")

    def forbidden(self, request: Request, why: NotPermitted) -> HTMLResponse:
        """Return the page for what somebody may not do."""
        return self.render(request, "error.html", status=403, asks_who=False, about=f"not-{why.why}")


def _ident(words: language.Words) -> Callable[..., Any]:
    def ident(value: str, *, ends: bool = False, copy: bool = True) -> Any:
        return formats.id_html(value, words("copy") if copy else "", ends=ends)

    return ident


def _sees(who: Who | None) -> Callable[[str], bool]:
    """Return what says whether links to a group of routes are shown to somebody."""
    return lambda group: who is not None and is_permitted(who.person.role, RouteGroup(group))


def _other_language(request: Request, current: str) -> str:
    query = {key: value for key, value in request.query_params.items() if key != "lang"}
    query["lang"] = "en" if current == "zh" else "zh"
    return f"?{urlencode(query)}"
