"""Every screen, in three languages, by day, by night and in large print: axe finds nothing, nothing sticks out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe import faults_of
from people import PATIENCE, PHONE, Person, Phone, Registrar, Town, take_picture
from playwright.sync_api import expect
from test_gate import hand_over, lift_by_hand
from test_ways_on import LOSE_STORAGE, full_disk
from weighbridge import weighbridge

from backend.domain.types import Stream

LANGUAGES = ("zh-Hans", "zh-Hant", "en")
LOOKS = {"day": ("day", "normal"), "night": ("night", "normal"), "large": ("day", "large")}
_RULES = {"day": None, "night": ["color-contrast"], "large": ["target-size", "scrollable-region-focusable"]}
"""The rules whose verdict a look can change: night has other colours, large print other sizes. The rest of axe's
rules read names, roles and order, which no look touches; they all run by day."""
_DRESS = "([light, print]) => Object.assign(document.documentElement.dataset, {light, print})"


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """All that is found wrong on the way, so that one walk tells everything."""
    found: list[str] = []
    yield found
    assert not found, "\n".join(found)


def look_at(person: Person, screen: str, faults: list[str]) -> None:
    """Look at what is on the screen now, in each dress."""
    page = person.page
    language = page.evaluate("document.documentElement.lang")
    for name, dress in LOOKS.items():
        page.evaluate(_DRESS, dress)
        found = faults_of(page, _RULES[name])
        faults += [f"{person.name}, {screen}, {language}, {name}: {fault}" for fault in found]
        if language == LANGUAGES[0] or name == "day":
            take_picture(page, f"look-{person.name}-{screen}-{name}", language, scale="css")
    page.evaluate(_DRESS, LOOKS["day"])


def in_each_language(person: Person, look: Callable[[], object]) -> None:
    for language in LANGUAGES:
        with person.reading(language):
            look()


def go(person: Person, route: str, shows: str) -> None:
    person.page.evaluate("(route) => { location.hash = route; }", route)
    person.seen(shows)


def test_a_new_phone(town: Town, faults: list[str]) -> None:
    visitor = Person(town, "visitor", town.page(PHONE, is_phone=True))
    visitor.page.goto(town.system.url + "/app/")
    visitor.seen("enrol-scan")
    in_each_language(visitor, lambda: look_at(visitor, "enrol", faults))
    visitor.context.close()


def test_a_crews_screens(town: Town, crew: Phone, faults: list[str]) -> None:
    given = crew.start_lot("residual")
    lift_by_hand(crew, town.system.bin_of(Stream.RESIDUAL, 40), fill=4)
    hand_over(crew, given)
    crew.tap("back")
    food = crew.start_lot("food")
    lift_by_hand(crew, town.system.bin_of(Stream.FOOD, 40), fill=2)
    crew.wait_sent()
    routes = {
        "/": "scan-open",
        "/start": "start-lot-food",
        f"/give/{food}": "give-save",
        f"/given/{given}": "give-qr",
        f"/answer/{given}": "scan-video",
        "/history": "rescue",
        "/shift": "shift-end",
        "/settings": "print-large",
        "/take": "take-scan",
        "/unattested": "take-save",
        "/route": "route-left",
        "/signon": "sign-on-code",
        "/privacy": "privacy",
        "/relay": "scan-video",
    }

    def look() -> None:
        for route, shows in routes.items():
            go(crew, route, shows)
            look_at(crew, route.strip("/").split("/")[0] or "home", faults)
        go(crew, "/shift", "shift-end")
        crew.tap("shift-end")
        crew.seen("ask-no")
        look_at(crew, "question", faults)
        crew.tap("ask-no")
        go(crew, "/scan", "lift-saved")
        look_at(crew, "scan", faults)
        crew.tap("manual-open")
        look_at(crew, "manual", faults)
        crew.tap("manual-cancel")
        crew.type_bin(town.system.bin_of(Stream.FOOD, 41))
        crew.tap("fill-2")
        look_at(crew, "bin", faults)
        crew.tap("decline-open")
        crew.tap("decline-mixed")
        look_at(crew, "decline", faults)
        crew.tap("decline-close")
        warn(town, crew, faults)
        go(crew, "/", "scan-open")

    in_each_language(crew, look)


def warn(town: Town, crew: Phone, faults: list[str]) -> None:
    label = town.system.bin_of(Stream.HAZARDOUS, 11)
    crew.tap("manual-open")
    crew.type_number(label)
    crew.seen("warn-wrong-stream")
    look_at(crew, "warning", faults)
    crew.tap("warn-back")


def test_a_gates_screens(town: Town, crew: Phone, gate: Phone, faults: list[str]) -> None:
    lot = crew.start_lot("recyclable")
    lift_by_hand(crew, town.system.bin_of(Stream.RECYCLABLE, 20), fill=4)
    hand_over(crew, lot)
    crew.tap("back")
    crew.wait_sent()
    offer = gate.find(f"gate-lot-{lot}")
    expect(offer).to_be_visible(timeout=PATIENCE)

    def look() -> None:
        look_at(gate, "home", faults)
        go(gate, "/code", "receive-qr")
        look_at(gate, "code", faults)
        go(gate, "/scan", "scan-video")
        look_at(gate, "scan", faults)
        go(gate, f"/lot/{lot}", "gross")
        look_at(gate, "weigh", faults)
        go(gate, f"/refuse/{lot}", "refuse-save")
        gate.tap("refuse-mixed")
        look_at(gate, "refuse", faults)
        go(gate, "/", "gate-scan")

    in_each_language(gate, look)
    offer.click()
    gate.find("gross").fill("5014")
    gate.find("tare").fill("5000")
    gate.find("calibrated-until").fill("2099-12-31")
    gate.tap("weigh-save")
    gate.seen("take-save")
    in_each_language(gate, lambda: look_at(gate, "take", faults))
    gate.tap("take-save")
    gate.seen("take-qr")
    in_each_language(gate, lambda: look_at(gate, "taken", faults))
    gate.tap("ticket-open")
    gate.seen("ticket")
    in_each_language(gate, lambda: look_at(gate, "ticket", faults))
    gate.tap("back")
    gate.tap("gate-home")
    # The server tells the giver, too, where nobody showed a code.
    go(crew, f"/given/{lot}", "give-taken")
    assert crew.told("give-taken", "by") == "server"
    assert crew.told("give-taken", "taker") == gate.device
    in_each_language(crew, lambda: look_at(crew, "given-taken", faults))
    go(crew, "/", "shift-open")


def test_a_gates_live_scale(town: Town, crew: Phone, gate: Phone, faults: list[str], tmp_path: Path) -> None:
    lot = crew.start_lot("recyclable")
    lift_by_hand(crew, town.system.bin_of(Stream.RECYCLABLE, 21), fill=4)
    hand_over(crew, lot)
    crew.tap("back")
    crew.wait_sent()
    expect(gate.find(f"gate-lot-{lot}")).to_be_visible(timeout=PATIENCE)
    with weighbridge(tmp_path, origin=town.system.url) as bridge:
        bridge.put(12_000)
        gate.page.evaluate("(port) => localStorage.setItem('huanlian-scale-port', port)", str(bridge.port))

        def look() -> None:
            go(gate, f"/lot/{lot}", "scale-figure")
            expect(gate.find("scale-state")).to_have_attribute("data-is", "stable", timeout=PATIENCE)
            look_at(gate, "scale", faults)
            gate.tap("scale-port-open")
            gate.seen("scale-port")
            look_at(gate, "scale-port", faults)
            go(gate, "/", "gate-scan")

        in_each_language(gate, look)
    gate.page.evaluate("localStorage.removeItem('huanlian-scale-port')")


def test_the_dialogs_of_failures(town: Town, crew: Phone, faults: list[str]) -> None:
    """A full disk, a closed storage, a revoked key: said in a dialog that everybody can read and leave."""
    crew.start_lot("residual")
    crew.wait_sent()

    def fail(test_id: str, place: int) -> None:
        go(crew, "/scan", "manual-open")
        crew.type_bin(town.system.bin_of(Stream.RESIDUAL, place))
        crew.tap("fill-1")
        crew.tap("save-lift")
        crew.seen(test_id)
        look_at(crew, test_id, faults)
        crew.tap("failure-close")
        crew.tap("bin-close")

    with full_disk(crew):
        in_each_language(crew, lambda: fail("failure-full", 8))
    # The server, asked again, would say that it is not.
    with crew.without_network():
        crew.page.evaluate(_STANDING, True)
        in_each_language(crew, lambda: fail("failure-revoked", 8))
        crew.page.evaluate(_STANDING, False)
    for language in LANGUAGES:
        crew.page.reload()
        crew.seen("language").select_option(language)
        go(crew, "/scan", "manual-open")
        crew.type_bin(town.system.bin_of(Stream.RESIDUAL, 8))
        crew.tap("fill-1")
        crew.page.evaluate(LOSE_STORAGE)
        crew.tap("save-lift")
        crew.seen("failure-lost")
        look_at(crew, "failure-lost", faults)
    crew.page.reload()
    crew.seen("language").select_option("zh-Hans")
    go(crew, "/", "scan-open")


_STANDING = """
(isRevoked) => new Promise((resolve) => {
  const opening = indexedDB.open("huanlian");
  opening.onsuccess = () => {
    const change = opening.result.transaction("singles", "readwrite");
    change.objectStore("singles").put({isRevoked, heardAt: 0}, "standing");
    change.oncomplete = () => { opening.result.close(); resolve(); };
  };
})
"""


def test_a_registrars_desk(town: Town, carrier_desk: Registrar, faults: list[str]) -> None:
    carrier_desk.seen("registrar-new")
    visitor = Person(town, "visitor", town.page(PHONE, is_phone=True))

    def look() -> None:
        look_at(carrier_desk, "desk", faults)
        carrier_desk.tap("registrar-new")
        link = carrier_desk.seen("registrar-link").inner_text()
        look_at(carrier_desk, "invitation", faults)
        visitor.page.goto("about:blank")
        visitor.page.goto(link)
        visitor.seen("enrol-check")
        carrier_desk.seen("registrar-check")
        look_at(carrier_desk, "compare", faults)
        carrier_desk.tap("registrar-reject")
        carrier_desk.seen("registrar-new")

    in_each_language(carrier_desk, look)
    visitor.seen("enrol-join")
    in_each_language(visitor, lambda: (visitor.seen("enrol-check"), look_at(visitor, "check", faults)))
    visitor.context.close()


def test_a_look_is_remembered(crew: Phone) -> None:
    root = crew.page.locator("html")
    go(crew, "/", "settings-open")
    crew.tap("settings-open")
    crew.tap("print-large")
    crew.tap("light-night")
    crew.picture("settings-night-large")
    crew.page.reload()
    crew.seen("print-large")
    expect(root).to_have_attribute("data-light", "night")
    expect(root).to_have_attribute("data-print", "large")
    expect(crew.find("light-night")).to_have_attribute("aria-checked", "true")
    crew.tap("light-phone")
    expect(root).to_have_attribute("data-light", "day")
    crew.page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-light", "night")
    crew.page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-light", "day")
    crew.tap("print-normal")
    expect(root).to_have_attribute("data-print", "normal")
    crew.tap("back")
