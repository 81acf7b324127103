"""In a real Chromium: an invitation, a passkey, sign-out and in again, and what people with power then see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from people import DESK, PATIENCE, PHONE, Town, overflow_of, take_picture
from playwright.sync_api import CDPSession, Page, expect
from running_system import ROOT
from sealing_page import _ONE_ALGORITHM
from typer.testing import CliRunner

from backend.cli.app import build_app
from backend.domain.types import Stream

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
_VIOLATIONS = "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations)"
_SIZES = {"phone": PHONE, "desk": DESK}


def invite(town: Town, role: str, organisation: int) -> str:
    """Invite somebody at the command line; return the link."""
    said = ["--role", role, "--organisation", str(organisation), "--name", "王秀英", "--address", town.system.url]
    result = CliRunner().invoke(build_app(), ["person", "invite", *said, "--data-dir", str(town.system.data_dir)])
    assert result.exit_code == 0, result.output
    return result.output.strip().rsplit(" ", 1)[1]


def look_at(page: Page, name: str, language: str) -> None:
    """No picture is cut, nothing is wider than the screen, axe finds nothing."""
    assert overflow_of(page) <= 0, f"{name} is wider than the screen in {language}"
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(_VIOLATIONS)
    assert not [f"{rule['id']} {node['html']}" for rule in found for node in rule["nodes"]], name
    take_picture(page, f"signin-{name}", language, full=True)


def look_in_both_languages(page: Page, address: str, name: str) -> None:
    for language in ("en", "zh"):
        page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
        look_at(page, name, language)


class Authenticator:
    """What a browser asks when somebody has to show that it is them."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def verifies(self, can: bool) -> None:
        told = {"authenticatorId": self.id, "isUserVerified": can}
        self._session.send("WebAuthn.setUserVerified", told)

    def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return found


@pytest.fixture(params=["phone", "desk"])
def person(town: Town, request: pytest.FixtureRequest) -> Iterator[Page]:
    page = town.page(_SIZES[request.param])
    yield page
    page.context.close()
    # The browser would like RSA to be allowed as well; every page here knows one algorithm.
    town.watch.complaints[:] = [each for each in town.watch.complaints if _ONE_ALGORITHM not in each]


@contextmanager
def refused_by_the_server(town: Town, address: str) -> Iterator[None]:
    """The browser itself notes that an answer was a refusal; nothing else may be wrong."""
    yield
    town.watch.complaints[:] = [each for each in town.watch.complaints if address not in each]


class TestAPasskeyInABrowser:
    def test_is_made_on_an_invitation_and_signs_in_again(self, town: Town, person: Page) -> None:
        authenticator, link = Authenticator(person), invite(town, "regulator", 1)
        person.goto(link)
        expect(person.locator("#invited-name")).to_have_text("王秀英", timeout=PATIENCE)
        assert "#" not in person.url, "the secret stays in the address"
        look_at(person, "invitation", "zh")
        person.locator("#passkey").click()
        person.wait_for_url(f"{town.system.url}/account")
        look_at(person, "account", "zh")
        (credential,) = authenticator.credentials()
        assert credential["isResidentCredential"]
        assert credential["rpId"] == "localhost"
        cookies = {cookie["name"]: cookie for cookie in person.context.cookies()}
        assert cookies["huanlian"]["httpOnly"]
        assert cookies["huanlian"]["sameSite"] == "Lax"
        assert person.evaluate("document.cookie.includes('huanlian')") is False

        person.locator(".who button").click()
        person.wait_for_url(f"{town.system.url}/")
        expect(person.locator(".sign-in-link")).to_be_visible()
        person.goto(f"{town.system.url}/reads")
        assert person.url == f"{town.system.url}/sign-in?next=/reads"
        authenticator.verifies(False)
        person.locator("#passkey").click()
        expect(person.locator("#wrong")).to_be_visible(timeout=PATIENCE)
        look_at(person, "sign-in-cancelled", "zh")
        authenticator.verifies(True)
        person.locator("#passkey").click()
        person.wait_for_url(f"{town.system.url}/reads")
        look_at(person, "reads", "zh")

    def test_is_not_made_twice_on_one_invitation(self, town: Town, person: Page) -> None:
        Authenticator(person)
        link = invite(town, "dispatcher", 2)
        person.goto(link)
        button = person.locator("#passkey")
        expect(button).to_be_enabled(timeout=PATIENCE)
        button.click()
        person.wait_for_url(f"{town.system.url}/account")
        person.context.clear_cookies()
        with refused_by_the_server(town, "/invitation/question"):
            person.goto(link)
            expect(person.locator("#wrong")).to_be_visible(timeout=PATIENCE)
            expect(person.locator("#passkey")).to_be_disabled()
            look_at(person, "invitation-used", "zh")

    def test_keeps_the_invitation_when_the_language_is_changed(self, town: Town, person: Page) -> None:
        person.goto(invite(town, "park-operator", 4))
        expect(person.locator("#invited-name")).to_have_text("王秀英", timeout=PATIENCE)
        person.locator("a.language").click()
        expect(person.locator("html")).to_have_attribute("lang", "en")
        expect(person.locator("#invited-role")).to_have_text("park operator", timeout=PATIENCE)
        look_at(person, "invitation", "en")


class TestTheDemonstration:
    def test_lets_a_regulator_in_who_inspects_a_bin(self, town: Town, person: Page) -> None:
        number = f"{town.system.bin_of(Stream.FOOD, 5).number:010x}"
        look_in_both_languages(person, f"{town.system.url}/sign-in", "sign-in")
        person.locator('button[value="regulator"]').click()
        person.wait_for_url(f"{town.system.url}/")
        expect(person.locator(".who-warning")).to_be_visible()
        look_in_both_languages(person, f"{town.system.url}/bins/{number}/oversight", "oversight")
        look_in_both_languages(person, f"{town.system.url}/reads", "reads-demo")
        assert person.locator(f'a[href="/bins/{number}/oversight"]').count() >= 2
        person.goto(f"{town.system.url}/desk/complaints")
        look_at(person, "not-my-role", "zh")
        town.watch.complaints[:] = [each for each in town.watch.complaints if "/desk/complaints" not in each]

    def test_lets_a_city_administrator_assign_a_complaint(self, town: Town, person: Page) -> None:
        number = f"{town.system.bin_of(Stream.FOOD, 6).number:010x}"
        person.goto(f"{town.system.url}/bins/{number}/complaint")
        person.locator('input[name="kind"]').first.check()
        person.locator('textarea[name="text"]').fill("盖子坏了")
        person.locator("button.main").click()
        person.wait_for_url(re.compile(r"/complaints/[0-9A-Z-]{29}$"))
        person.goto(f"{town.system.url}/sign-in?next=/desk/complaints")
        person.locator('button[value="city-administrator"]').click()
        person.wait_for_url(f"{town.system.url}/desk/complaints")
        look_in_both_languages(person, f"{town.system.url}/desk/complaints", "desk")
        person.locator(".case-line", has_text="").last.locator("a.button").click()
        expect(person.locator('select[name="to"]')).to_be_visible()
        look_in_both_languages(person, person.url, "desk-case")
        person.locator('select[name="to"]').select_option("000002")
        person.locator(".desk-form button.main").click()
        expect(person.locator(".case-now")).to_contain_text("演示区环卫公司")
        look_at(person, "desk-case-assigned", "zh")
