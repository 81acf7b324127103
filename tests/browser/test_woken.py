"""The page is closed where there is no signal; the browser wakes the service worker, and everything arrives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from offline_shift import enrol
from people import Phone, Town
from playwright.sync_api import CDPSession, expect

from backend.domain.types import Role, Stream

_CARRIER = 2
_TAGS = """
() => navigator.serviceWorker.ready.then((registration) => registration.sync.getTags())
"""
_REGISTERED = "ServiceWorker.workerRegistrationUpdated"


@pytest.fixture
def phone(town: Town) -> Iterator[Phone]:
    phone = enrol(town, _CARRIER, Role.CREW, "woken-crew", set())
    yield phone
    phone.context.close()


def _wake(session: CDPSession, origin: str, registration: str) -> None:
    """What the browser does by itself once it finds a network; its tools do it at once."""
    told = {"origin": origin, "registrationId": registration, "tag": "huanlian-send", "lastChance": False}
    session.send("ServiceWorker.dispatchSyncEvent", told)


def test_what_a_closed_page_had_left_is_sent_without_any_page(town: Town, phone: Phone) -> None:
    system = town.system
    phone.start_lot("food")
    phone.wait_sent()
    phone.keep_app()
    phone.context.set_offline(True)
    phone.tap("scan-open")
    for place in (4, 5):
        phone.type_bin(system.bin_of(Stream.FOOD, place))
        phone.tap("grade-1")
        phone.tap("fill-1")
        phone.tap("save-lift")
        expect(phone.find("bin-found")).to_have_count(0)
    expect(phone.find("unsent-count")).to_have_attribute("data-count", "2")
    phone.page.wait_for_function(f"() => ({_TAGS})().then((tags) => tags.includes('huanlian-send'))")

    # A page of nobody's, because the browser's tools need one; the app has none.
    tools = phone.context.new_page()
    session = phone.context.new_cdp_session(tools)
    known: list[str] = []
    session.on(
        _REGISTERED,
        lambda told: known.extend(
            each["registrationId"] for each in told["registrations"] if each["scopeURL"] == system.url + "/app/"
        ),
    )
    session.send("ServiceWorker.enable")
    phone.page.close()
    assert [page.url for page in phone.context.pages] == ["about:blank"]
    before = system.get(f"/api/v1/devices/{phone.device}")["accepted"]["seq"]
    assert before == 1

    # Woken too early it sends nothing, and loses nothing.
    _wake(session, system.url, known[-1])
    phone.context.set_offline(False)
    _wake(session, system.url, known[-1])
    for seq in (2, 3):
        system.wait_for(f"/api/v1/entries/{phone.device}/{seq}", outcome="applied")
    assert [page.url for page in phone.context.pages] == ["about:blank"]

    phone.page = tools
    tools.goto(system.url + "/app/")
    phone.wait_sent()
    expect(phone.find("lot-lifts")).to_have_text("2")
