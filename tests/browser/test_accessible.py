"""Every screen, in three languages, by day, by night and in large print: axe finds nothing, nothing sticks out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from people import PATIENCE, PHONE, Person, Phone, Registrar, Town, overflow_of, take_picture
from playwright.sync_api import expect
from running_system import ROOT
from test_gate import hand_over, lift_by_hand

from backend.domain.types import Stream

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
LANGUAGES = ("zh-Hans", "zh-Hant", "en")
LOOKS = {"day": ("day", "normal"), "night": ("night", "normal"), "large": ("day", "large")}
_DRESS = "([light, print]) => Object.assign(document.documentElement.dataset, {light, print})"
_VIOLATIONS = "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations)"
_SMALL_TARGETS = """
() => [...document.querySelectorAll('button, select, .field, label.button')]
  .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 56)
  .map((element) => `${element.dataset.testid ?? element.className}: ${element.getBoundingClientRect().height}`)
"""


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """All that is found wrong on the way, so that one walk tells everything."""
    found: list[str] = []
    yield found
    assert not found, "\n".join(found)


def look_at(person: Person, screen: str, faults: list[str]) -> None:
    """Look at what is on the screen now, in each dress."""
    page = person.page
    # Evaluated by the browser's own debugger, so the page's policy against foreign scripts stays as it is.
    page.evaluate(AXE)
    language = page.locator("html").get_attribute("lang")
    for name, dress in LOOKS.items():
        page.evaluate(_DRESS, dress)
        where = f"{person.name}, {screen}, {language}, {name}"
        found: list[dict[str, Any]] = page.evaluate(_VIOLATIONS)
        told = [f"{rule['id']} {node['html']}" for rule in found for node in rule["nodes"]]
        told += [f"small: {target}" for target in page.evaluate(_SMALL_TARGETS)]
        told += [f"{overflow_of(page)} pixels wider than the screen"] if overflow_of(page) > 0 else []
        faults += [f"{where}: {fault}" for fault in told]
        take_picture(page, f"look-{person.name}-{screen}-{name}", language or "")
    page.evaluate(_DRESS, LOOKS["day"])


def in_each_language(person: Person, look: Callable[[], None]) -> None:
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
    gate.tap("gate-home")
    # The server tells the giver, too, where nobody showed a code.
    go(crew, f"/given/{lot}", "give-taken")
    assert crew.told("give-taken", "by") == "server"
    assert crew.told("give-taken", "taker") == gate.device
    in_each_language(crew, lambda: look_at(crew, "given-taken", faults))
    go(crew, "/", "shift-open")


def test_a_registrars_desk(carrier_desk: Registrar, faults: list[str]) -> None:
    carrier_desk.seen("registrar-new")
    in_each_language(carrier_desk, lambda: look_at(carrier_desk, "desk", faults))


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
