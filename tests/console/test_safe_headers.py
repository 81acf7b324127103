"""What every answer of every route tells the browser, exactly."""

from __future__ import annotations

import re

import pytest
from people_city import PeopleCity, address_of, form_token, group_of, page_token, routes_of
from test_complaint_pages import picture
from test_pages import Page

from backend.api.headers import HSTS, SAFE_HEADERS
from backend.console.app_files import APP_SAFETY, OWN_MACHINE
from backend.domain.permissions import PersonRole

WANTED = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "accelerometer=(), camera=(self), geolocation=(), gyroscope=(), microphone=(), "
    "payment=(), publickey-credentials-create=(self), publickey-credentials-get=(self), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
STRICTER = {
    "/complaints/{code}": {"referrer-policy": "no-referrer"},
    "/console/registrar": {name.lower(): value for name, value in APP_SAFETY.items()},
}


def headers_of(answer: object, names: object = (*WANTED, "strict-transport-security")) -> dict[str, str]:
    headers = answer.headers  # type: ignore[attr-defined]
    return {name: ", ".join(headers.get_list(name)) for name in names if name in headers}  # type: ignore[attr-defined]


class TestEveryAnswer:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_says_exactly_this(self, people_city: PeopleCity, scheme: str) -> None:
        tls = {"strict-transport-security": "max-age=31536000"} if scheme == "https" else {}
        browser = people_city.visitor(scheme=scheme)
        for route in routes_of(people_city.app):
            address = address_of(route, people_city.city)
            for method in ("PUT", *(route.methods or ())):
                answer = browser.request(method, address)
                wanted = WANTED | tls
                if answer.status_code == 200:
                    wanted |= STRICTER.get(route.path, {})
                assert headers_of(answer) == wanted, (method, route.path, answer.status_code)

    def test_says_it_of_faults_and_of_what_is_not_there(self, people_city: PeopleCity) -> None:
        browser = people_city.visitor()
        for answer in (
            browser.get("/nowhere"),
            browser.get("/api/v1/nowhere"),
            browser.post("/api/v1/segments", content=b"{"),
            browser.post("/complaints", content=b"x" * (3 * 1024 * 1024)),
        ):
            assert answer.status_code >= 400
            assert headers_of(answer) == WANTED, answer.url

    def test_says_it_to_people_who_are_signed_in(self, people_city: PeopleCity) -> None:
        for role in PersonRole:
            browser = people_city.signed_in(role)
            for route in routes_of(people_city.app):
                if group_of(route) is not None and "GET" in route.methods:
                    answer = browser.get(address_of(route, people_city.city))
                    assert headers_of(answer) == WANTED, route.path
                    assert answer.headers["cache-control"] == "private, no-store", route.path

    def test_is_what_the_middleware_holds(self) -> None:
        assert {name.lower(): value for name, value in SAFE_HEADERS.items()} == WANTED
        assert HSTS == "max-age=31536000"

    def test_lets_a_photo_be_nothing_but_a_picture(self, people_city: PeopleCity) -> None:
        browser = people_city.visitor()
        number = people_city.city.bins[1]["number"]
        page = Page(browser.get(f"/bins/{number}/complaint").text)
        token = next(str(each["value"]) for each in page.all("input") if each.get("name") == "token")
        sent = browser.post(
            f"/bins/{number}/complaint",
            data={"token": token, "kind": "3", "text": "", "website": ""},
            files={"photo": ("p", picture(), "image/jpeg")},
        )
        answer = browser.get(sent.headers["location"] + "/photo/0")
        assert answer.headers["content-type"] == "image/jpeg"
        policy = {"content-security-policy": "default-src 'none'; sandbox", "referrer-policy": "no-referrer"}
        assert headers_of(answer) == WANTED | policy


class TestEveryPage:
    def test_needs_nothing_inline(self, people_city: PeopleCity) -> None:
        browsers = [people_city.visitor(), people_city.signed_in(PersonRole.CITY_ADMINISTRATOR)]
        browsers.append(people_city.signed_in(PersonRole.REGULATOR))
        pages = 0
        for browser in browsers:
            for route in routes_of(people_city.app):
                if "GET" not in route.methods:
                    continue
                answer = browser.get(address_of(route, people_city.city))
                if not answer.headers.get("content-type", "").startswith("text/html"):
                    continue
                pages += 1
                for tag, attributes in Page(answer.text).tags:
                    where = (route.path, tag, attributes)
                    assert tag != "style", where
                    assert not [name for name in attributes if name == "style" or name.startswith("on")], where
                    assert tag != "script" or (attributes.get("src") or "").startswith("/console/static/"), where
                    assert not (attributes.get("href") or "").lower().startswith("javascript:"), where
        assert pages > 40

    def test_comes_with_a_policy_without_holes(self) -> None:
        app = APP_SAFETY["Content-Security-Policy"]
        assert app.count(f"connect-src 'self' {OWN_MACHINE};") == app.count(OWN_MACHINE) == 1
        assert OWN_MACHINE == "http://127.0.0.1:*"
        for policy in (WANTED["content-security-policy"], app.replace(OWN_MACHINE, "")):
            assert not re.search(r"unsafe-inline|'unsafe-eval'|\*|https?:", policy)


def test_cookies_are_for_this_site_only(people_city: PeopleCity) -> None:
    browser = people_city.visitor(scheme="https")
    token = page_token(browser)
    answer = browser.post("/demo/enter", data={"token": token, "role": "regulator", "next": "/"})
    cookies = {c.partition("=")[0]: c for c in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {"__Host-huanlian"}
    parts = {part.strip().lower() for part in cookies["__Host-huanlian"].split(";")[1:]}
    assert parts == {"httponly", "path=/", "samesite=lax", "secure"}
    plain = people_city.visitor()
    answer = plain.post("/demo/enter", data={"token": page_token(plain), "role": "regulator", "next": "/"})
    (cookie,) = answer.headers.get_list("set-cookie")
    assert {p.strip().lower() for p in cookie.split(";")[1:]} == {"httponly", "path=/", "samesite=lax"}
    assert form_token(plain)
